"""`greengate diagnose collect`: all that support needs, and nothing of anybody, wherever it was planted."""

import gzip
import io
import json
import os
import stat
import tarfile
from pathlib import Path

import pytest

from firmware.checkin import CheckIn, new_id
from firmware.journal import Journal
from firmware.journal_schema import migrate
from provisioning import diagnose, evidence, scrub
from provisioning.diagnose import NAMES, PART_MAX_BYTES
from tests.firmware.checkins import START_MS
from tests.firmware.site import Site, make_site
from tests.provisioning.command import Done, greengate
from tests.provisioning.patients import TableOfUnits, at_site

PASS = "HC1:6BFOXN%TS3DH0YOJ58S S-W5HDC *M0II5XHC9B5G2+$N IOP-IA"  # noqa: S105 - what a pass looks like
NAME = "NGUYEN VAN PLANTED"
UVCI = "URN:UVCI:01:VN:PLANTED123#A"
CCCD = "079123456789"
CODE = "7ZZZZ-PLANT-ED000-00000-PLANT9"
WIFI = "planted-wifi-password"
PSEUDONYM = bytes.fromhex("feedc0de" * 4)
CHECKIN = new_id(START_MS, lambda count: b"\xab" * count)
KEY = "-----BEGIN PRIVATE KEY-----\nPLANTEDKEYPLANTEDKEY\n-----END PRIVATE KEY-----\n"
SIGN_IN = "planteduser:plantedpassword"


def parts(file: Path) -> dict[str, bytes]:
    with tarfile.open(file, "r:gz") as archive:
        return {
            member.name.removeprefix("greengate-diagnosis/"): content.read()
            for member in archive
            if (content := archive.extractfile(member)) is not None
        }


def collected(site: Site, file: Path, *more: str) -> Done:
    return greengate("diagnose", "collect", file, "--config", site.config_path, "--lang", "en", *more)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path / "site")


def plant(site: Site) -> None:
    """Leave what nobody should see wherever something is collected from, and beside it."""
    planted = f"{PASS} {NAME} {UVCI} {CCCD}"
    config = site.config_path.read_text("utf-8")
    source = json.dumps(f"rtsp://{SIGN_IN}@camera.example/1?token={WIFI}")
    config = config.replace('kind = "simulated"\nsource = "pictures"', f'kind = "opencv"\nsource = {source}')
    site.config_path.write_text(f"# {planted} {WIFI} {CODE}\n{config}", "utf-8")
    with Journal.open(site.config.journal.path, migrate=migrate) as journal:
        journal.append(
            CheckIn(CHECKIN, START_MS, "rtc", "Cổng 1", "in", "accepted", "valid", ("vaccination",), PSEUDONYM)
        )
    run = site.config.run.folder
    lines: list[object] = [
        {"t_ns": 1, "event": "started", "program": "gate", "holder": NAME},
        {"t_ns": 2, "event": "decided", "checkin": str(CHECKIN), "verdict": "accepted", "reason": NAME}
        | {"timings_ms": {"total": 5.0, NAME: 1.0}},
        {"t_ns": 3, "event": "start-refused", "program": "gate", "why": f"/etc/x: {CCCD} {PASS}"},
        {"t_ns": 4, "event": "uplink-lost", "why": f"{UVCI} at mqtt://{SIGN_IN}@broker"},
        {"t_ns": 5, "event": "start-refused", "program": "gate", "why": f"code {CODE}"},
        {"t_ns": 6, "event": "crashed", "kind": "ValueError", "where": "gate.py:12", "text": planted},
        {"event": "visited", "name": NAME},
        {"event": "decided", "checkin": 7},
        [planted],
        planted,
    ]
    (run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + planted, "utf-8")
    (run / "log.jsonl.1").write_text(planted)
    (run / "uplink").mkdir(exist_ok=True)
    status = {"connected": False, "unsent": 1, "fault": f"{PASS} {CODE}"}
    (run / "uplink" / "uplink.json").write_text(json.dumps(status))
    for name in ("device.key", "wifi.nmconnection", "one-time-code"):
        (site.folder / name).write_text(f"{KEY}{WIFI}{CODE}{planted}")


def test_nothing_that_nobody_should_see_is_in_the_archive(site: Site, tmp_path: Path) -> None:
    plant(site)
    file = tmp_path / "d.tar.gz"
    assert collected(site, file).code == 0
    whole = b"".join(f"{name}\n".encode() + data for name, data in parts(file).items()).decode()
    secrets = [PASS, PASS[4:30], NAME, UVCI, "PLANTED", CCCD, CODE, WIFI, SIGN_IN, "plantedpassword"]
    secrets += [PSEUDONYM.hex(), str(CHECKIN), CHECKIN.hex, "BEGIN"]
    assert [secret for secret in secrets if secret.lower() in whole.lower()] == []
    assert b"feedc0de" not in gzip.decompress(file.read_bytes())
    events = [json.loads(line) for line in parts(file)["events.jsonl"].splitlines()]
    assert [event["event"] for event in events] == [
        "started",
        "decided",
        "start-refused",
        "uplink-lost",
        "start-refused",
        "crashed",
    ]
    assert events[1] == {
        "t_ns": 2,
        "event": "decided",
        "verdict": "accepted",
        "reason": "***",
        "timings_ms": {"total": 5.0},
    }
    assert events[2]["why"].startswith("/etc/x: ***")
    assert events[5]["where"] == "gate.py:12"


def test_the_archive_says_how_the_device_is(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "d.tar.gz"
    done = collected(site, file)
    assert done.code == 0
    assert str(file) in done.out
    found = parts(file)
    assert set(found) == set(NAMES)
    assert all(name in found["README.txt"].decode() for name in NAMES[1:])
    versions = json.loads(found["versions.json"])
    assert versions["greengate"]
    assert versions["libraries"]["cbor2"]
    config = json.loads(found["configuration.json"])
    assert config["device"]["name"] == "kiosk-1"
    assert config["broker"]["host"] == "127.0.0.1"
    codes = {line["code"] for line in json.loads(found["doctor.json"])}
    assert {"config-good", "gate-silent", "skip-service"} <= codes
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_existing_file_is_kept_unless_forced(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "d.tar.gz"
    file.write_text("mine")
    assert collected(site, file).code == 73
    assert file.read_text() == "mine"
    link = tmp_path / "link.tar.gz"
    link.symlink_to(tmp_path / "elsewhere")
    assert collected(site, link).code == 73
    assert collected(site, link, "--force").code == 0
    assert not link.is_symlink()
    assert not (tmp_path / "elsewhere").exists()
    assert collected(site, file, "--force").code == 0
    assert parts(file)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.tar.gz", "link.tar.gz", "site"]


def test_a_place_that_cannot_be_written_is_one_line(site: Site, tmp_path: Path) -> None:
    done = collected(site, tmp_path / "none" / "d.tar.gz")
    assert (done.code, done.err.count("\n")) == (73, 1)
    (tmp_path / "folder").mkdir()
    done = collected(site, tmp_path / "folder", "--force")
    assert (done.code, done.err.count("\n")) == (73, 1)


def test_a_dry_run_lists_the_parts_and_writes_nothing(site: Site, tmp_path: Path) -> None:
    done = collected(site, tmp_path / "d.tar.gz", "--dry-run")
    assert done.code == 0
    assert all(name in done.out for name in NAMES)
    assert not (tmp_path / "d.tar.gz").exists()


def test_an_unusable_configuration_does_not_keep_the_rest_back(site: Site, tmp_path: Path) -> None:
    site.config_path.write_text(f"[device]\nname = '{NAME}'\n")
    file = tmp_path / "d.tar.gz"
    assert collected(site, file).code == 0
    found = parts(file)
    assert "device.name" in json.loads(found["configuration.json"])["unusable"]
    assert NAME.encode() not in b"".join(found.values())
    assert json.loads(found["health.json"]) is None


def test_a_part_that_fails_says_so(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> object:
        raise RuntimeError(NAME)

    monkeypatch.setitem(diagnose._FOUND, "machine.json", fail)
    file = tmp_path / "d.tar.gz"
    assert collected(site, file).code == 0
    assert json.loads(parts(file)["machine.json"])["error"] == "RuntimeError"


def test_the_archive_is_bounded(site: Site, tmp_path: Path) -> None:
    line = json.dumps({"t_ns": 1, "event": "start-refused", "program": "gate", "why": "no gpio " * 30})
    last = json.dumps({"t_ns": 2, "event": "stopped", "program": "gate"})
    (site.config.run.folder / "log.jsonl").write_text(f"{line}\n" * 9000 + last + "\n")
    file = tmp_path / "d.tar.gz"
    assert collected(site, file, "--lines", "5000").code == 0
    events = parts(file)["events.jsonl"]
    assert len(events) <= PART_MAX_BYTES
    assert json.loads(events.splitlines()[-1])["event"] == "stopped"
    assert collected(site, file, "--force", "--lines", "3").code == 0
    assert parts(file)["events.jsonl"].count(b"\n") == 3
    assert collected(site, file, "--lines", "999999").code == 2


def test_events_come_from_the_systems_journal_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"MESSAGE": json.dumps({"t_ns": 9, "event": "started", "program": "gate"})}
        | {"__REALTIME_TIMESTAMP": "1795000000000000", "_SYSTEMD_UNIT": "greengate-gate.service", "_HOSTNAME": NAME},
        {"MESSAGE": f"Started {NAME}", "_SYSTEMD_UNIT": "init.scope"},
        {"MESSAGE": [1, 2, 3], "_SYSTEMD_UNIT": NAME},
        {"MESSAGE": json.dumps({"event": "stopped", "program": "gate"}), "_SYSTEMD_UNIT": NAME},
    ]
    fake = tmp_path / "bin" / "journalctl"
    fake.parent.mkdir()
    text = "\n".join(json.dumps(row) for row in rows)
    fake.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nnot json\nEND\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    patient = at_site(tmp_path / "site", units=TableOfUnits())
    found = list(evidence.log_events(patient))
    assert found == [
        {"at": "2026-11-18T11:06:40.000+00:00", "unit": "greengate-gate.service", "t_ns": 9}
        | {"event": "started", "program": "gate", "demo": False},
        {"at": None, "unit": None, "event": "stopped", "program": "gate"},
    ]
    units = evidence.units(patient)
    assert isinstance(units, dict)
    assert units["greengate-gate"]["ActiveState"] == "active"


def test_every_event_of_the_programs_is_listed() -> None:
    assert {"decided", "lit", "crashed", "uplink-lost", "batch-acknowledged"} <= set(scrub.listed())


@pytest.mark.parametrize(
    "text", [PASS, UVCI, KEY, CODE, CCCD, "0901234567", "shc:/5676290952", "a" * 40, f"x {PASS}", f"mqtt://{SIGN_IN}@h"]
)
def test_what_nobody_should_see_is_hidden_in_texts(text: str) -> None:
    assert "***" in scrub.clean_text(text)
    assert text not in scrub.clean_text(text)


@pytest.mark.parametrize(
    "text",
    ["/var/lib/greengate/journal/journal.db: disk full", "127.0.0.1:8883 refuses connections", "2026-11-22T03:00:00"],
)
def test_what_helps_support_stays(text: str) -> None:
    assert scrub.clean_text(text) == text


def test_packing_the_same_gives_the_same(tmp_path: Path) -> None:
    clock = at_site(tmp_path).clock
    made = [diagnose.packed([diagnose.Part("a.json", b"{}")], clock.now()) for _ in range(2)]
    assert made[0] == made[1]
    with tarfile.open(fileobj=io.BytesIO(made[0]), mode="r:gz") as archive:
        (member,) = archive.getmembers()
    assert (member.name, member.uid, member.uname, member.isreg()) == ("greengate-diagnosis/a.json", 0, "", True)
