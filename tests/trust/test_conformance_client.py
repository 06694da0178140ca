"""The client that the public conformance suite drives: here against our own repository, so that it works when asked."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.drivers.web_server import Site, serving
from tests.trust.world import Centre

SIGNERS = "signers.json"


def client(*words: str | Path) -> int:
    line = [sys.executable, "-m", "tests.tuf_conformance", *map(str, words)]
    return subprocess.run(line, timeout=60, check=False).returncode


def test_it_begins_refreshes_and_downloads(centre: Centre, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    metadata, targets = tmp_path / "metadata", tmp_path / "targets"
    for folder in (metadata, targets):
        folder.mkdir()
    kept = ("--metadata-dir", metadata)
    assert client(*kept, "init", centre.web / "root.json") == 0
    with serving(centre.files) as site:
        where = (*kept, "--metadata-url", f"{site.url}metadata/")
        assert client(*where, "refresh") == 0
        assert {path.name for path in metadata.glob("*.json")} == {
            *(f"{role}.json" for role in ("root", "timestamp", "snapshot", "targets"))
        }
        wanted = (*where, "--target-base-url", f"{site.url}targets/", "--target-dir", targets)
        for _ in range(2):
            assert client(*wanted, "--target-name", SIGNERS, "download") == 0
        assert [path.read_bytes() for path in targets.iterdir()] == [_published(site)]
        assert len([path for path in site.asked if path.endswith(SIGNERS)]) == 1
        assert client(*wanted, "--target-name", "nobody.json", "download") == 1
        site.files["metadata/timestamp.json"] = b"{}"
        assert client(*where, "refresh") == 1
    assert "nobody.json: nobody signs it" in capfd.readouterr().err


def _published(site: Site) -> bytes:
    return next(data for path, data in site.files.items() if path.endswith(SIGNERS))
