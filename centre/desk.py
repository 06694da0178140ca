"""A centre for one run on a desk, in one go: `python -m centre.desk FOLDER DEVICE`.

Makes in FOLDER, which is its caller's alone, what `ca init`, `device add`, `ca sign --without-code` and
`ca issue --collector desk` would make one after the other: `home/`, and `home/issued/` for the collector. Reads
DEVICE's certificate request from standard input, and prints certificates as `ca sign` does.

Exit codes: 0 done, 65 the request is refused, 78 the folder cannot be used.
"""

import sys
from datetime import datetime
from pathlib import Path

from centre.authority.ca import Authority, CaError
from centre.authority.issue import collector_names, issue_files
from centre.authority.request import REQUEST_MAX_BYTES
from centre.authority.sealing import ISSUED, ensure_keys, give_batches, public_keys
from centre.devices.registry import Device, Registry, RegistryError
from centre.enrolment.enrolment import Enrolment, EnrolmentError
from drivers.clock import open_clock

HOME, COLLECTOR = "home", "desk"
EX_DATA, EX_CONFIG = 65, 78  # as the centre's commands have them; their module costs the start of this one


def make(folder: Path, device: str, csr: bytes, at: datetime) -> str:
    """Make a centre, and return a device's certificate, those to seal to, and the CA's.

    Raises: CaError, RegistryError, EnrolmentError.
    """
    home = folder / HOME
    authority, _ = Authority.init(home, at)
    with Registry.open(home) as registry:
        ensure_keys(authority, registry, at)
        registry.put_device(Device(device, None, None, None, at))
        issued = Enrolment(authority, registry, lambda _: None).sign(device, csr, at)
        issue_files(authority, registry, "collector", collector_names(COLLECTOR), home / ISSUED, at)
        give_batches(home, home / ISSUED)
    return issued.certificate.pem + public_keys(home) + authority.pem


def main(folder: str, device: str) -> int:
    """Make it, and print the certificates; return the exit code."""
    csr = sys.stdin.buffer.read(REQUEST_MAX_BYTES + 1)
    try:
        sys.stdout.write(make(Path(folder), device, csr, open_clock("system").now()))
    except (CaError, RegistryError) as error:
        sys.stderr.write(f"{error}\n")
        return EX_CONFIG
    except EnrolmentError as error:
        sys.stderr.write(f"{error}\n")
        return EX_DATA
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
