"""The frames that readers are measured on: rendered by ../shared/reading, and the photographs of ../shared/vectors.

Rendering takes 90 ms a frame, so that a folder given by --frames keeps them; the same seed gives the same frames.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.common import console
from drivers.symbols.pictures import load_luma

SHARED = Path(__file__).resolve().parents[2] / "shared"
RENDERER = SHARED / "reading" / "frames.py"
PHOTOS = SHARED / "vectors" / "photos"
# A picture whose note has a word wrong, and the same picture of another collection, whose note is right.
NOTED_IN = {"zxjava2/00158.png": "zxcpp2/00023.webp"}
LOST = "\ufffd"  # in a text: bytes of an encoding that somebody did not know


@dataclass(frozen=True)
class Frame:
    """A frame, what it says (None: nothing), and whether a reader that knew its geometry could read it."""

    path: Path
    set: str
    text: str | None
    sequence: int
    bound: bool

    @cached_property
    def luma(self) -> NDArray[np.uint8]:
        """Decode it, once."""
        return load_luma(self.path)

    def forget(self) -> None:
        """Let its pixels go."""
        self.__dict__.pop("luma", None)


@dataclass(frozen=True)
class Photo:
    """A photograph and the texts of its codes."""

    path: Path
    texts: frozenset[str]


def absent() -> str | None:
    """Return why there is nothing to measure on, or None."""
    return None if RENDERER.is_file() else f"the renderer of frames is not there: {RENDERER}"


@contextmanager
def kept_in(folder: Path | None) -> Iterator[Path]:
    """Give the folder of frames, or one that is gone afterwards; on a disk: a run needs a gigabyte."""
    if folder is not None:
        yield folder
        return
    with TemporaryDirectory(dir="/var/tmp", prefix="reading-") as made:
        yield Path(made)


def rendered(kind: str, count: int, seed: int, folder: Path) -> list[Frame]:
    """Render frames ("mixed", "sequences", "empty") where the folder does not have them yet."""
    out = folder / f"{kind}-{seed}-{count}"
    if not (out / "manifest.json").exists():  # written last
        console.print(f"rendering {kind}, seed {seed}")
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, str(RENDERER), kind, str(out), "--count", str(count), "--seed", str(seed)]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return [_frame(out, row) for row in json.loads((out / "manifest.json").read_text("utf-8"))]


def photographs() -> list[Photo]:
    """List the photographs; none where they are not there. Those whose texts were lost on the way are left out."""
    if not PHOTOS.is_dir():
        return []
    rows = json.loads((PHOTOS / "manifest.json").read_text("utf-8"))
    noted = {row["file"]: row["texts"] for row in rows}
    texts = {file: noted[NOTED_IN.get(file, file)] for file in noted}
    known = (file for file in noted if LOST not in "".join(texts[file]))
    return [Photo(PHOTOS / file, frozenset(map(in_one_layout, texts[file]))) for file in known]


def in_one_layout(text: str) -> str:
    """Return a text without what its notes about line ends may differ in."""
    return text.replace("\r\n", "\n").strip()


def _frame(folder: Path, row: dict[str, Any]) -> Frame:
    sequence = -1 if row["sequence"] is None else row["sequence"]
    return Frame(folder / row["file"], row["set"], row["text"], sequence, row["genie_equaliser"])
