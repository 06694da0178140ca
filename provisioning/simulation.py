"""Passes for a simulated camera on an appliance: `python -m provisioning.simulation --config FILE`.

Run by greengate-simulation.service before reader and gate. Where the configuration's camera is simulated and shows a
folder below /run/greengate-simulation, or its trust data lie there, both are made there, anew with each start of the
machine; with any other configuration nothing is done. The issuer's key ends with this process.
"""

import shutil
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from drivers.clock import open_clock
from firmware.config import Config, ConfigError, load_config
from firmware.program import config_path, refuse
from provisioning.showing import lay_showing

SIMULATION = Path("/run/greengate-simulation")  # greengate-simulation.service: RuntimeDirectory=


def folders(config: Config, below: Path = SIMULATION) -> tuple[Path, Path] | None:
    """Return the folders of pictures and trust that are ours to make; None where the configuration asks for neither.

    One that is another's is left alone: beside a real lane's trust data, the pictures show passes of nobody's.
    """
    pictures, trust = Path(config.camera.source), config.trust.folder
    shows = config.camera.kind == "simulated" and _is_below(pictures, below)
    trusts = _is_below(trust, below)
    if not shows and not trusts:
        return None
    return (pictures if shows else below / "pictures", trust if trusts else below / "trust")


def lay(pictures: Path, trust: Path, at: datetime) -> None:
    """Make both folders anew, as of now (`at`, aware). Raises: OSError."""
    for folder in (pictures, trust):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=pictures.parent) as draft:
        made = Path(draft, "pictures"), Path(draft, "trust")
        for folder in made:
            folder.mkdir()
        lay_showing(*made, at)
        for new, folder in ((made[1], trust), (made[0], pictures)):
            shutil.rmtree(folder, ignore_errors=True)
            new.rename(folder)


def _is_below(path: Path, folder: Path) -> bool:
    return folder in path.parents and ".." not in path.parts


def main() -> int:
    """Make what a simulated camera shows; exit 0 where it is made or not wanted, 78 (EX_CONFIG) where it cannot be."""
    try:
        config = load_config(config_path("simulation", __doc__))
        if found := folders(config):
            lay(*found, open_clock("system").now())
    except ConfigError as error:
        return refuse("simulation", error)
    except OSError as error:
        return refuse("simulation", ConfigError(f"{SIMULATION}: {error.strerror}: it must be there and writable"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
