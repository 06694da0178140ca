"""The public test vectors beside the project: read where they lie, never copied in."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

VECTORS = Path(__file__).resolve().parents[2] / "shared" / "vectors"


def vectors(name: str) -> Path:
    """Return a folder or file of the vectors; skip the test where it is absent."""
    path = VECTORS / name
    if not path.exists():
        pytest.skip(f"the public vectors are not here: {name} (expected in ../shared/vectors)")
    return path


def dgc_files() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and content of every file of the EU's DCC test data."""
    folder = vectors("dgc-testdata")
    for path in sorted(folder.rglob("*.json")):
        yield path.relative_to(folder).as_posix(), json.loads(path.read_text(encoding="utf-8-sig"))


def clock_of(context: dict[str, Any]) -> datetime:
    """Return the time to judge at; some files leave the zone out and mean UTC."""
    at = datetime.fromisoformat(context["VALIDATIONCLOCK"])
    return at if at.tzinfo else at.replace(tzinfo=UTC)
