"""Run the public TUF conformance suite against `tests/tuf_conformance.py` (`make tuf-conformance`).

The suite has no package in a registry: it is taken from its repository, or from a checkout of it, into a virtual
environment of its own, as it wants other versions than ours. What we mean to fail is in `tuf_conformance.py.xfails`.
"""

import argparse
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from firmware.program import EX_UNAVAILABLE

ROOT = Path(__file__).parents[1]
CLIENT = ROOT / "tests" / "tuf_conformance.py"
HOME = ROOT / "build" / "tuf-conformance"
PUBLIC = (  # version 2.5.0
    "tuf-conformance @ git+https://github.com/theupdateframework/tuf-conformance@1bc18916ee35f753b6eb8ee19dabb98449ca7326"
)
_WHERE = "import os, tuf_conformance; print(os.path.dirname(tuf_conformance.__file__))"
_EPILOG = """\
example:
  python -m tests.tuf_suite --checkout ../tuf-conformance

exit codes:
  0   all tests passed, or failed as expected
  1   a test failed
  2   wrong usage
  69  the suite, or faketime, cannot be had
"""


def main() -> int:
    """Run the suite; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.tuf_suite",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--checkout", type=Path, metavar="DIR", help="the suite's repository; else it is fetched")
    args = parser.parse_args()
    if shutil.which("faketime") is None:
        return _unavailable("the suite needs faketime: apt-get install faketime")
    python = HOME / "bin" / "python"
    why = _installed(python, PUBLIC if args.checkout is None else str(args.checkout.resolve()))
    if why is not None:
        return _unavailable(f"the suite cannot be had ({why}): name a checkout with TUF_CONFORMANCE=DIR")
    return _run(python)


def _installed(python: Path, what: str) -> str | None:
    """Install the suite where it is not yet; return why it cannot be, None where it is there."""
    venv.create(HOME, with_pip=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--upgrade", what]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    lines = [line for line in done.stderr.splitlines() if "fatal:" in line or line.startswith("ERROR:")]
    return (lines or ["pip failed"])[0].strip() if done.returncode else None


def _run(python: Path) -> int:
    """Run the suite from its own folder: in ours, pytest would take our settings."""
    where = subprocess.run([python, "-c", _WHERE], capture_output=True, text=True, check=True).stdout.strip()
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))  # the client's `python3` is ours
    pytest = [str(python), "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", where, "-p", "no:cacheprovider", where]
    env = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)}
    return subprocess.run([*pytest, f"--entrypoint={CLIENT}"], env=env, cwd=HOME, check=False).returncode


def _unavailable(why: str) -> int:
    print(why, file=sys.stderr)  # noqa: T201 - what the command is for
    return EX_UNAVAILABLE


if __name__ == "__main__":
    sys.exit(main())
