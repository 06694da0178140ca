"""The nation's value sets, brought by a sync like its other files, within a bound of their own."""

from pathlib import Path

import pytest

from firmware.sync_errors import RefusedError
from tests.firmware.sync_rig import CODE, Kiosk
from verifier.value_sets import VALUE_SETS_MAX_BYTES, encode_value_sets

VALUE_SETS = "value-sets.json"
CODES = encode_value_sets({"country-2-codes": frozenset({"DE", "VN"})})


@pytest.fixture
def kiosk(tmp_path: Path) -> Kiosk:
    return Kiosk(tmp_path / "trust")


def test_they_come_with_the_nations_files_and_go_with_them(kiosk: Kiosk) -> None:
    kiosk.nation.files[VALUE_SETS] = CODES
    kiosk.nation.publish()
    kiosk.sync()
    kiosk.assert_newest()
    assert kiosk.files[VALUE_SETS] == CODES
    del kiosk.nation.files[VALUE_SETS]
    kiosk.nation.publish()
    kiosk.sync()
    assert VALUE_SETS not in kiosk.files


def test_larger_than_they_may_be_they_are_not_fetched(kiosk: Kiosk) -> None:
    kiosk.nation.files[VALUE_SETS] = b" " * (VALUE_SETS_MAX_BYTES + 1)
    kiosk.nation.publish()
    with pytest.raises(RefusedError, match=r"value-sets\.json: over 262144 bytes"):
        kiosk.sync()
    assert kiosk.targets_asked == []


def test_what_are_none_take_no_stores_place(kiosk: Kiosk) -> None:
    kiosk.sync()
    kiosk.nation.files[VALUE_SETS] = b'{"version": 2}'
    kiosk.nation.publish()
    with pytest.raises(RefusedError, match="not a file of value sets"):
        kiosk.sync()
    assert VALUE_SETS not in kiosk.files


def test_a_province_has_none(kiosk: Kiosk) -> None:
    kiosk.nation.provinces[CODE][f"rules/province/{CODE}/../../../{VALUE_SETS}"] = CODES
    kiosk.nation.publish()
    kiosk.sync()
    assert VALUE_SETS not in kiosk.files
