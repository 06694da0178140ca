"""Lists of devices: taken whole or not at all, told by line; codes for one's own eyes."""

import contextlib
import csv
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centre.devices import adding as devices
from centre.devices import csv_file as devices_csv
from centre.devices.adding import CodesFileError, add_with_codes
from centre.devices.csv_file import DevicesCsvError, Row, parse
from centre.devices.registry import RegistryError
from tests.centre.enrolling import Centre, csr, new_key

HEADER = b"name,site,lane,direction\n"


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    made = Centre(tmp_path / "home")
    yield made
    made.registry.close()


def codes_in(file: Path) -> dict[str, str]:
    with file.open(newline="", encoding="utf-8") as opened:
        return {row["name"]: row["code"] for row in csv.DictReader(opened)}


def test_a_list_is_read_with_or_without_a_byte_order_mark() -> None:
    text = HEADER + 'gate-1,"Chốt số 1, QL1A",1,in\r\n\r\ngate-2,,,\r\n'.encode()
    rows = [Row(2, "gate-1", "Chốt số 1, QL1A", "1", "in"), Row(4, "gate-2", None, None, None)]
    assert parse(text) == parse(b"\xef\xbb\xbf" + text) == rows


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "line 1: the header"),
        (b"name;site;lane;direction\n", "line 1: the header"),
        (b"gate-1,a,b,in\n", "line 1: the header"),
        (HEADER, "no devices"),
        (HEADER + b"gate-1,a,b\n", "line 2: 3 fields instead of 4"),
        (HEADER + b"gate-1,a,b,in\nGate 2,a,b,in\n", "line 3: 'Gate 2' is no device's name"),
        (HEADER + b"centre.a,a,b,in\n", "line 2: 'centre.a' is no device's name"),
        (HEADER + b"gate-1,a,b,in\n\ngate-1,a,b,in\n", "line 4: gate-1 is in line 2 already"),
        (HEADER + b"gate-1,a,b,left\n", "line 2: direction 'left'"),
        (HEADER + b"gate-1," + b"x" * 65 + b",b,in\n", "line 2: site: at most 64 characters"),
        (HEADER + b'gate-1,"a\nb",c,in\n', "line 3: site: at most 64"),
        (HEADER + b'gate-1,"a"b,c,in\n', "line 2: "),
        (HEADER + b'gate-1,"a,c,in\n', "line 2: "),
        (HEADER + b"gate-1,\xff,c,in\n", "line 2: not UTF-8"),
        ("name,site\n".encode("utf-16"), "line 1: not UTF-8"),
        (HEADER + b"gate-1,a\0,c,in\n", "line 2: this is no text"),
        (b"PK\3\4" + b"\0" * 100, "line 1: this is no text"),
        (HEADER + b"gate-1," + b"x" * 200_000 + b",c,in\n", "line 2: field larger"),
    ],
)
def test_a_bad_list_is_told_by_line_with_a_cure(data: bytes, told: str) -> None:
    with pytest.raises(DevicesCsvError) as error:
        parse(data)
    assert told in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 200


def test_a_list_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices_csv, "LINES_MAX", 2)
    with pytest.raises(DevicesCsvError, match="line 4: over 2 devices"):
        parse(HEADER + b"a,,,\nb,,,\nc,,,\n")
    monkeypatch.setattr(devices_csv, "FILE_MAX_BYTES", 10)
    with pytest.raises(DevicesCsvError, match="over 10 bytes"):
        parse(HEADER)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_list_or_told(data: bytes) -> None:
    for text in (data, HEADER + data):
        with contextlib.suppress(DevicesCsvError):
            assert parse(text)


def test_devices_and_codes_come_together(centre: Centre, tmp_path: Path) -> None:
    file = tmp_path / "codes.csv"
    rows = parse(HEADER + b"".join(b"gate-%d,site,1,out\n" % number for number in range(50)))
    steps: list[int] = []
    added = add_with_codes(centre.registry, rows, centre.at, file, advance=steps.append)
    assert (added.new, added.changed, added.known, len(added.codes)) == (50, 0, 0, 50)
    assert sum(steps) == 50
    assert file.stat().st_mode & 0o777 == 0o600
    codes = codes_in(file)
    assert len(set(codes.values())) == 50
    assert centre.enrolment.enrol("gate-7", codes["gate-7"], csr(new_key()), centre.at).device.direction == "out"
    assert list(tmp_path.glob(".codes*")) == []


def test_the_same_list_again_makes_codes_for_those_that_wait_only(centre: Centre, tmp_path: Path) -> None:
    rows = parse(HEADER + b"gate-1,,,\ngate-2,,,\n")
    add_with_codes(centre.registry, rows, centre.at, tmp_path / "1.csv")
    first = codes_in(tmp_path / "1.csv")
    centre.enrolment.enrol("gate-1", first["gate-1"], csr(new_key()), centre.at)
    added = add_with_codes(centre.registry, rows, centre.at, tmp_path / "2.csv")
    assert (added.new, added.known) == (0, 2)
    assert set(codes_in(tmp_path / "2.csv")) == {"gate-2"}


def test_codes_in_use_are_never_written_over(centre: Centre, tmp_path: Path) -> None:
    file = tmp_path / "codes.csv"
    file.write_text("kept")
    with pytest.raises(CodesFileError, match="there already"):
        add_with_codes(centre.registry, parse(HEADER + b"gate-1,,,\n"), centre.at, file)
    assert file.read_text() == "kept"
    with pytest.raises(CodesFileError, match="no folder"):
        add_with_codes(centre.registry, parse(HEADER + b"gate-1,,,\n"), centre.at, tmp_path / "no" / "codes")
    assert centre.registry.devices() == []


def test_a_known_device_with_other_fields_is_told_and_nothing_is_added(centre: Centre, tmp_path: Path) -> None:
    centre.add("gate-2")
    rows = parse(HEADER + b"gate-1,,,\ngate-2,other,1,in\n")
    with pytest.raises(DevicesCsvError, match="line 3: gate-2 is known with other fields"):
        add_with_codes(centre.registry, rows, centre.at, tmp_path / "codes")
    assert [device.name for device in centre.registry.devices()] == ["gate-2"]
    assert not (tmp_path / "codes").exists()
    add_with_codes(centre.registry, rows, centre.at, tmp_path / "codes", change=True)
    changed = centre.registry.device("gate-2")
    assert changed is not None
    assert changed.site == "other"


def test_a_retired_device_comes_back_only_when_told(centre: Centre, tmp_path: Path) -> None:
    centre.add("gate-1")
    with centre.registry.change():
        centre.registry.retire("gate-1", centre.at)
    rows = [Row(2, "gate-1", "site", "lane", "in")]
    with pytest.raises(DevicesCsvError, match="is retired"):
        add_with_codes(centre.registry, rows, centre.at, tmp_path / "codes")
    add_with_codes(centre.registry, rows, centre.at, tmp_path / "codes", change=True)
    back = centre.registry.device("gate-1")
    assert back is not None
    assert back.state(centre.at) == "invited"


def test_a_disk_that_is_full_adds_nothing(centre: Centre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CodesFileError, match="No space left"):
        add_with_codes(centre.registry, parse(HEADER + b"gate-1,,,\n"), centre.at, tmp_path / "codes")
    assert centre.registry.devices() == []
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_broken_off_midway_nothing_is_left(centre: Centre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = parse(HEADER + b"gate-1,,,\ngate-2,,,\n")

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add_with_codes(centre.registry, rows, centre.at, tmp_path / "codes", advance=stop)
    assert centre.registry.devices() == []
    real = devices.codes_file
    monkeypatch.setattr(devices, "codes_file", lambda codes: (real(codes), stop(0))[0])
    with pytest.raises(KeyboardInterrupt):
        add_with_codes(centre.registry, rows, centre.at, tmp_path / "codes")
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert add_with_codes(centre.registry, rows, centre.at, tmp_path / "codes").new == 2


def test_two_administrators_wait_for_each_other(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("centre.devices.registry_schema.BUSY_S", 0.05)
    other = Centre(centre.home)
    with centre.registry.change(), pytest.raises(RegistryError, match="try again"), other.registry.change():
        pass
    with other.registry.change():
        pass
    other.registry.close()


def test_how_far_a_device_is(centre: Centre) -> None:
    def state() -> str:
        device = centre.registry.device("gate-1")
        assert device is not None
        return device.state(centre.at)

    code = centre.add()
    assert state() == "invited"
    centre.enrolment.enrol("gate-1", code, csr(new_key()), centre.at)
    assert state() == "enrolled"
    centre.at += timedelta(days=365)
    assert state() == "expired"
    centre.enrolment.revoke("gate-1", "lost", centre.at)
    assert state() == "revoked"
    centre.add("gate-2", timedelta(0))
    second = centre.registry.device("gate-2")
    assert second is not None
    assert second.state(centre.at) == "added"
