"""The commands `ca`, `device` and `enrol serve`, as processes: what they print, and their exit codes."""

import http.client
import json
import os
import pty
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from typer.testing import CliRunner

from centre.devices.registry import Registry
from centre.main import app
from tests.centre.enrolling import csr, new_key

LINE = [sys.executable, "-m", "centre.main"]


def command(*arguments: str | Path, typed: str = "") -> subprocess.CompletedProcess[str]:
    line = [*LINE, *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, input=typed, timeout=60, check=False)


def results(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (made,) = results(command("ca", "init", "--home", tmp_path / "home", "--json"))
    assert made["new"]
    return tmp_path / "home"


def refused(done: subprocess.CompletedProcess[str], code: int, why: str) -> None:
    assert done.returncode == code, (done.stdout, done.stderr)
    assert why in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_from_nothing_to_a_certificate_by_stick(home: Path, tmp_path: Path) -> None:
    request, chain = tmp_path / "gate-1.csr", tmp_path / "gate-1.pem"
    request.write_bytes(csr(new_key(), "gate-1"))
    (added,) = results(command("device", "add", "gate-1", "--site", "Chốt 1", "--home", home, "--json"))
    sign = ("ca", "sign", request, "--home", home)
    refused(command(*sign, typed="0" * 26 + "\n"), 65, "the code is wrong")
    refused(command(*sign), 2, "--without-code")
    done = command(*sign, "--to", chain, typed=added["code"] + "\n")
    assert done.returncode == 0
    assert added["code"] not in done.stdout + done.stderr
    assert _names(chain.read_text()) == ["gate-1", "seal.batches", "seal.details", "Cong Xanh CA"]
    assert command(*sign, typed=added["code"] + "\n").stdout == chain.read_text(), "the same again"
    (again,) = results(command("device", "add", "gate-1", "--site", "Chốt 1", "--home", home, "--json"))
    assert again["code"] is None
    (device,) = results(command("device", "list", "--home", home, "--json"))
    assert device["state"] == "enrolled"
    (revoked,) = results(command("ca", "revoke", "gate-1", "--why", "lost", "--home", home, "--json"))
    assert revoked["why"] == "lost"
    assert results(command("ca", "revoke", revoked["serial"], "--home", home, "--json")) == [revoked]
    assert results(command("ca", "list", "gate-1", "--home", home, "--json")) == [revoked]


def _names(chain: str) -> list[str]:
    found = x509.load_pem_x509_certificates(chain.encode())
    return [one.subject.rfc4514_string().removeprefix("CN=") for one in found]


def test_sealing_keys_are_made_with_the_ca_shown_and_rotated(home: Path) -> None:
    show = ("ca", "sealing", "--home", home)
    batches, details = results(command(*show, "--json"))
    assert (batches["purpose"], details["purpose"], batches["older"]) == ("batches", "details", 0)
    assert Path(batches["file"]) == home / "sealing/batches.key"
    assert results(command(*show, "--json")) == [batches, details]
    assert results(command("ca", "init", "--home", home, "--json"))[0]["new"] is False
    rotated, same = results(command(*show, "--rotate", "batches", "--json"))
    assert (rotated["older"], rotated["key-id"] != batches["key-id"], same) == (1, True, details)
    refused(command(*show, "--rotate", "all"), 2, "batches or details")
    refused(command("ca", "sealing", "--home", home / "none"), 78, "run greengate-centre ca init")


def test_a_ca_from_before_there_were_sealing_keys_gets_them(home: Path) -> None:
    shutil.rmtree(home / "sealing")
    (home / "registry.db").unlink()
    assert results(command("ca", "init", "--home", home, "--json"))[0]["new"] is False
    assert (home / "sealing/centre.pem").exists()


def test_a_collector_is_told_where_all_is_that_it_needs(home: Path, tmp_path: Path) -> None:
    (here,) = results(command("ca", "issue", "--collector", "main", "--home", home, "--json"))
    assert here["crl"] == str(home / "crl.pem"), "the one that is kept fresh"
    (stick,) = results(
        command("ca", "issue", "--collector", "main", "--to", tmp_path / "stick", "--home", home, "--json")
    )
    assert stick.keys() == {"new", "key", "certificate", "ca", "until", "crl", "group", "batches"}
    assert all(Path(stick[name]).parent == tmp_path / "stick" for name in ("key", "ca", "crl", "group", "batches"))
    given = sorted(path.name for path in (tmp_path / "stick").rglob("*"))
    assert given == [
        *("batches", "batches.key", "ca.pem", "centre.main.key", "centre.main.pem", "collectors.group", "crl.pem")
    ]


def test_without_a_code_only_when_said(home: Path, tmp_path: Path) -> None:
    request = tmp_path / "gate-1.csr"
    request.write_bytes(csr(new_key(), "gate-1"))
    sign = ("ca", "sign", request, "--without-code", "--home", home, "--json")
    refused(command(*sign[:-1]), 69, "add it there first")
    results(command("device", "add", "gate-1", "--home", home, "--json"))
    (signed,) = results(command(*sign))
    assert signed["device"] == "gate-1"
    assert results(command(*sign)) == [signed]


def test_a_list_gives_codes_in_a_private_file(home: Path, tmp_path: Path) -> None:
    devices, codes = tmp_path / "devices.csv", tmp_path / "codes.csv"
    devices.write_text("name,site,lane,direction\ngate-1,a,1,in\ngate-2,a,2,out\n")
    add = ("device", "add", "--from", devices, "--codes", codes, "--home", home)
    (added,) = results(command(*add, "--json"))
    assert added == {"new": 2, "changed": 0, "known": 0, "codes": 2, "file": str(codes)}
    assert codes.stat().st_mode & 0o777 == 0o600
    assert len(codes.read_text().splitlines()) == 3
    refused(command(*add), 73, "there already")
    devices.write_text("name,site,lane,direction\ngate-1,a,1,in\nGATE,a,2,out\n")
    codes.unlink()
    refused(command(*add), 65, "line 3: 'GATE' is no device's name")
    refused(command("device", "add", "--from", tmp_path / "no", "--codes", codes, "--home", home), 66, "No such file")


def test_wrong_usage_and_what_is_not_there(home: Path, tmp_path: Path) -> None:
    refused(command("ca", "issue", "--home", home), 2, "either --server")
    refused(command("device", "add", "--home", home), 2, "either a NAME")
    refused(command("device", "add", "GATE", "--home", home), 2, "'GATE' is no device's name")
    refused(command("device", "code", "gate-9", "--home", home), 69, "no such device")
    refused(command("ca", "revoke", "gate-9", "--home", home), 69, "no such certificate")
    refused(command("ca", "sign", tmp_path / "no.csr", "--home", home), 66, "No such file")
    refused(command("device", "list", "--home", tmp_path / "no"), 78, "run greengate-centre ca init")
    refused(command("ca", "init", "--home", "/dev/null/x"), 78, "check --home")
    (tmp_path / "x.csr").write_text("nothing")
    refused(command("ca", "sign", tmp_path / "x.csr", "--home", home), 65, "not one certificate request")


def test_bytes_that_are_no_text(home: Path, tmp_path: Path) -> None:
    bad = os.fsdecode(b"\xff")
    refused(command("device", "code", bad, "--home", home), 69, "no such device")
    refused(command("ca", "revoke", bad, "--home", home), 69, "no such certificate")
    refused(command("device", "add", "a", "--site", bad, "--home", home), 2, "printable")
    assert results(command("ca", "list", bad, "--home", home, "--json")) == []
    (made,) = results(command("ca", "init", "--home", tmp_path / bad, "--json"))
    assert made["new"]
    assert command("ca", "init", "--home", tmp_path / bad).returncode == 0
    (tmp_path / "a.csr").write_bytes(csr(new_key(), "a"))
    line = [*LINE, "ca", "sign", str(tmp_path / "a.csr"), "--home", str(home)]
    done = subprocess.run(line, input=b"\xff\0\n", capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.count(b"\n")) == (65, 1)


def test_revoked_but_the_broker_does_not_know(home: Path) -> None:
    results(command("ca", "issue", "--collector", "a", "--home", home, "--json"))
    (home / "broker").mkdir()
    (home / "broker" / "settings.json").write_text("broken")
    done = command("ca", "revoke", "centre.a", "--home", home, "--json")
    assert json.loads(done.stdout)["revoked"]
    refused(done, 75, "the broker was not told")


def test_two_administrators_at_once(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: results(command("ca", "init", "--home", home, "--json"))[0], range(4)))
        assert [one["new"] for one in made].count(True) == 1
        assert len({one["fingerprint"] for one in made}) == 1
        names = [f"gate-{number}" for number in range(4)]
        added = list(pool.map(lambda name: results(command("device", "add", name, "--home", home, "--json")), names))
    assert len({one["code"] for (one,) in added}) == 4
    with Registry.open(home) as registry:
        assert [device.name for device in registry.devices()] == names


def serving(home: Path, *more: str, **options: Any) -> subprocess.Popen[str]:  # noqa: ANN401 - Popen's
    line = [*LINE, "enrol", "serve", "--listen", "127.0.0.1", "--port", "0", "--name", "127.0.0.1", "--home", str(home)]
    return subprocess.Popen([*line, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_serving_until_told_to_stop(home: Path, stop: signal.Signals) -> None:
    (added,) = results(command("device", "add", "gate-1", "--home", home, "--json"))
    with serving(home, "--json", "--broker", "broker.example") as process:
        assert process.stdout
        ready = json.loads(process.stdout.readline())
        assert ready["event"] == "serving"
        context = ssl.create_default_context(cafile=str(home / "ca.pem"))
        connection = http.client.HTTPSConnection("127.0.0.1", ready["port"], timeout=20, context=context)
        body = {"device": "gate-1", "code": added["code"], "csr": csr(new_key()).decode()}
        connection.request("POST", "/v1/enrol", json.dumps(body))
        answer = json.loads(connection.getresponse().read())
        connection.close()
        assert answer["settings"]["broker_host"] == "broker.example"
        process.send_signal(stop)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert err == ""
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["enrolled", "stopped"]
    assert added["code"] not in out
    assert (home / "enrol" / "127.0.0.1.key").stat().st_mode & 0o777 == 0o600


def test_serving_where_somebody_serves_already(home: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        serving(home, "--port", str(taken.getsockname()[1])) as process,
    ):
        _, err = process.communicate(timeout=20)
    assert process.returncode == 78
    assert "choose another" in err
    assert err.count("\n") == 1


UNSEEN = """
import sys, termios
from centre.main import app
class Watched:
    def write(self, text):
        if "code" in text:
            print("echo" if termios.tcgetattr(0)[3] & termios.ECHO else "no echo", flush=True)
        return len(text)
    def flush(self):
        pass
sys.stderr = Watched()
app(sys.argv[1:])
"""


def test_a_codes_prompt_comes_after_the_echo_went_off(home: Path, tmp_path: Path) -> None:
    (added,) = results(command("device", "add", "gate-1", "--home", home, "--json"))
    request = tmp_path / "gate-1.csr"
    request.write_bytes(csr(new_key(), "gate-1"))
    ours, theirs = pty.openpty()
    line = [sys.executable, "-c", UNSEEN, "ca", "sign", str(request), "--home", str(home)]
    with subprocess.Popen(line, stdin=theirs, stdout=subprocess.PIPE, start_new_session=True) as process:
        os.close(theirs)
        assert process.stdout is not None
        shown = process.stdout.readline()
        os.write(ours, f"{added['code']}\n".encode())
        out, _ = process.communicate(timeout=20)
    os.close(ours)
    assert (shown, process.returncode, out.count(b"BEGIN CERTIFICATE")) == (b"no echo\n", 0, 4)


def test_a_codes_prompt_shows_nothing_and_ctrl_c_ends_it(home: Path, tmp_path: Path) -> None:
    results(command("device", "add", "gate-1", "--home", home, "--json"))
    request = tmp_path / "gate-1.csr"
    request.write_bytes(csr(new_key(), "gate-1"))
    ours, theirs = pty.openpty()
    line = [*LINE, "ca", "sign", str(request), "--home", str(home)]
    with subprocess.Popen(line, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        shown = b""
        while b"code" not in shown:
            shown += os.read(ours, 100)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    os.close(ours)


@pytest.mark.parametrize(
    "line",
    [
        "ca init",
        "ca issue",
        "ca sign",
        "ca revoke",
        "ca list",
        "ca crl",
        "device add",
        "device list",
        "device code",
        "enrol serve",
    ],
)
def test_help_has_an_example_and_exit_codes(line: str) -> None:
    shown = CliRunner().invoke(app, [*line.split(), "--help"], env={"COLUMNS": "200"}).output
    assert f"Example: greengate-centre {line}" in shown
    assert "Exit codes: 0" in shown
