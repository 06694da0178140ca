"""Time 500 devices with one-time codes from a CSV file, through the command, and then their enrolment over TLS.

The first figure is the whole of `greengate-centre device add --from ... --codes ...` as a process: start, reading,
one transaction with its fsync, the file of codes. The second, not asked for, is what follows it: 500 devices that make
a key, fetch the CA, send code and request, each over connections of their own, `CLIENTS` at a time, to one
`greengate-centre enrol serve` on this machine. Its peer is making 500 keys and requests alone.
"""

import argparse
import csv
import http.client
import json
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench.common import Limit, add_folder, arguments, console, finish, percentile, progress, table

DEVICES, QUICK_DEVICES = 500, 20
ADD_MAX_S = 30.0
CLIENTS = 8
HOST = "127.0.0.1"
TIMEOUT_S = 60
CENTRE = [sys.executable, "-m", "centre.main"]


def add(folder: Path, devices: int) -> float:
    """Add devices from a list; return how long the command took."""
    lines = [
        f"gate-{number:03},Site {number // 4},{number % 4 + 1},{'in' if number % 2 else 'out'}"
        for number in range(devices)
    ]
    (folder / "devices.csv").write_text("\n".join(["name,site,lane,direction", *lines]) + "\n", "utf-8")
    line = ["device", "add", "--from", str(folder / "devices.csv"), "--codes", str(folder / "codes.csv")]
    start_s = time.perf_counter()
    run(folder, *line)
    return time.perf_counter() - start_s


def run(folder: Path, *arguments_: str) -> None:
    """Run a command of the centre."""
    subprocess.run(
        [*CENTRE, *arguments_, "--home", str(folder / "home"), "--json"], stdout=subprocess.DEVNULL, check=True
    )


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    """Serve, and give the port."""
    line = [*CENTRE, "enrol", "serve", "--name", HOST, "--listen", HOST, "--port", "0"]
    log = subprocess.Popen([*line, "--home", str(folder / "home"), "--json"], stdout=subprocess.PIPE, text=True)
    with log as process:
        assert process.stdout  # noqa: S101 - a pipe was asked for
        try:
            yield int(json.loads(process.stdout.readline())["port"])
        finally:
            process.terminate()
            process.communicate(timeout=TIMEOUT_S)


def request_of(name: str) -> str:
    """Make a key, and return its request."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def enrol(name: str, code: str, port: int, ca: str) -> float:
    """Enrol as a device does; return how long it took."""
    start_s = time.perf_counter()
    context = ssl.create_default_context(cadata=ca)
    ask(port, context, "GET", "/ca.pem", None)
    body = json.dumps({"device": name, "code": code, "csr": request_of(name)})
    answer = json.loads(ask(port, context, "POST", "/v1/enrol", body))
    if "certificate" not in answer:
        raise SystemExit(f"{name} did not enrol: {answer}")
    return time.perf_counter() - start_s


def ask(port: int, context: ssl.SSLContext, method: str, path: str, body: str | None) -> bytes:
    """Send one request on a connection of its own."""
    connection = http.client.HTTPSConnection(HOST, port, timeout=TIMEOUT_S, context=context)
    try:
        connection.request(method, path, body)
        return connection.getresponse().read()
    finally:
        connection.close()


def enrol_all(folder: Path) -> tuple[float, list[float]]:
    """Enrol all devices; return how long it took together, and each."""
    with (folder / "codes.csv").open(encoding="utf-8", newline="") as file:
        codes = [(row["name"], row["code"]) for row in csv.DictReader(file)]
    ca = (folder / "home" / "ca.pem").read_text("utf-8")
    with serving(folder) as port, ThreadPoolExecutor(CLIENTS) as pool, progress() as bar:
        start_s = time.perf_counter()
        made = pool.map(lambda one: enrol(*one, port, ca), codes)
        times = list(bar.track(made, total=len(codes), description="enrol"))
        return time.perf_counter() - start_s, times


def measure(args: argparse.Namespace, devices: int) -> dict[str, Any]:
    """Measure in a folder of our own."""
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        run(folder, "ca", "init")
        add_s = add(folder, devices)
        together_s, each_s = enrol_all(folder)
    start_s = time.perf_counter()
    for number in range(devices):
        request_of(f"gate-{number}")
    return {
        "devices": devices,
        "add_s": add_s,
        "enrol_s": together_s,
        "enrol_each_ms": {"p50": percentile(each_s, 0.5) * 1e3, "max": max(each_s) * 1e3},
        "peer_requests_s": time.perf_counter() - start_s,
    }


def show(result: dict[str, Any]) -> None:
    """Print what was found."""
    shown = table(f"{result['devices']} devices", "what", ">seconds")
    shown.add_row("added from CSV, with codes", f"{result['add_s']:.2f}")
    shown.add_row(f"enrolled over TLS, {CLIENTS} at a time", f"{result['enrol_s']:.2f}")
    shown.add_row("one of them, p50", f"{result['enrol_each_ms']['p50'] / 1e3:.3f}")
    shown.add_row("one of them, max", f"{result['enrol_each_ms']['max'] / 1e3:.3f}")
    shown.add_row("peer: keys and requests alone", f"{result['peer_requests_s']:.2f}")
    console.print(shown)


def main() -> int:
    """Measure, print, write."""
    parser = arguments("devices", __doc__)
    add_folder(parser)
    args = parser.parse_args()
    result = measure(args, QUICK_DEVICES if args.quick else DEVICES)
    show(result)
    limits = [Limit(f"{result['devices']} devices with codes from CSV", result["add_s"], ADD_MAX_S, "s")]
    return finish("devices", result, limits, args)


if __name__ == "__main__":
    sys.exit(main())
