"""What the fields of a signed permit (LX1) may not hold: wrong types, and values just beyond each bound."""

from collections.abc import Callable
from typing import Any

from tests.simulators.lx1 import KindName

OPTIONAL = frozenset({14, 15, 20, 22, 42})
WRONG_TYPES: dict[str, Any] = {
    "null": None,
    "true": True,
    "a float": 1.5,
    "bytes": b"1",
    "an empty array": [],
    "-1": -1,
}

Change = Callable[[dict[int, Any]], dict[int, Any]]


def _to(number: int, value: Any) -> Change:  # noqa: ANN401 - any CBOR
    return lambda _: {number: value}


def _holder(**changes: Any) -> Change:  # noqa: ANN401 - any CBOR
    """Return what changes the holder's fields, by `f` and number; `...` leaves one out."""

    def change(fields: dict[int, Any]) -> dict[int, Any]:
        holder = fields[1] | {int(name[1:]): value for name, value in changes.items()}
        return {1: {number: value for number, value in holder.items() if value is not ...}}

    return change


BOUNDS: tuple[tuple[str, KindName, Change], ...] = (
    ("plate of 3", "vehicle", _to(10, "51C")),
    ("plate of 13", "vehicle", _to(10, "51C1234567890")),
    ("plate in small letters", "vehicle", _to(10, "51c12345")),
    ("plate with a hyphen", "vehicle", _to(10, "51C-12345")),
    ("plate with a line behind", "vehicle", _to(10, "51C12345\n")),
    ("plate with digits of another script", "vehicle", _to(10, "51C1234\uff15")),
    ("class 0", "vehicle", _to(11, 0)),
    ("class 7", "vehicle", _to(11, 7)),
    ("carrier of 31 letters", "vehicle", _to(12, "x" * 31)),
    ("carrier of 31 bytes in 11 letters", "vehicle", _to(12, "ế" * 10 + "x")),
    ("carrier with a space in front", "vehicle", _to(12, " 0301234567")),
    ("carrier of two lines", "vehicle", _to(12, "a\nb")),
    ("carrier empty", "vehicle", _to(12, "")),
    ("route of 9", "vehicle", _to(13, ["QL1A"] * 9)),
    ("a road of 13", "vehicle", _to(13, ["QL1A-QL51-QL2"])),
    ("a road empty", "vehicle", _to(13, [""])),
    ("a road as a number", "vehicle", _to(13, [1])),
    ("route as a text", "vehicle", _to(13, "QL1A")),
    ("goods 0", "vehicle", _to(14, 0)),
    ("goods 6", "vehicle", _to(14, 6)),
    ("hours of minute 1441", "vehicle", _to(15, [[0, 1441]])),
    ("hours of no minutes", "vehicle", _to(15, [[300, 300]])),
    ("hours of three numbers", "vehicle", _to(15, [[300, 400, 500]])),
    ("hours as texts", "vehicle", _to(15, [["05:00", "20:00"]])),
    ("hours without spans", "vehicle", _to(15, [300, 1200])),
    ("five spans of hours", "vehicle", _to(15, [[minute, minute + 1] for minute in range(5)])),
    ("crew of 0", "vehicle", _to(16, 0)),
    ("crew of 100", "vehicle", _to(16, 100)),
    ("employer of 61 bytes", "travel", _to(20, "x" * 61)),
    ("purpose 0", "travel", _to(21, 0)),
    ("purpose 6", "travel", _to(21, 6)),
    ("17 areas", "travel", _to(22, ["VN-SG"] * 17)),
    ("an area in small letters", "travel", _to(22, ["vn-sg"])),
    ("an area of five parts", "travel", _to(22, ["VN-SG-1-2-3"])),
    ("holder not a map", "travel", _to(1, ["NGUYEN", "VAN<AN", "1990"])),
    ("holder empty", "travel", _to(1, {})),
    ("holder's field 5, which is not known", "travel", _holder(f5="M")),
    ("family name missing", "travel", _holder(f1=...)),
    ("family name empty", "travel", _holder(f1="")),
    ("family name without a letter", "travel", _holder(f1="<<")),
    ("family name of 40", "travel", _holder(f1="A" * 40)),
    ("family name with marks", "travel", _holder(f1="NGUYỄN")),
    ("given names empty", "travel", _holder(f2="")),
    ("given names of 40", "travel", _holder(f2="A" * 40)),
    ("given names with a space", "travel", _holder(f2="VAN AN")),
    ("birth date missing", "travel", _holder(f3=...)),
    ("birth date in another order", "travel", _holder(f3="03-02-1990")),
    ("birth date as ddMMyyyy", "travel", _holder(f3="03021990")),
    ("birth on 29 February of no leap year", "travel", _holder(f3="1990-02-29")),
    ("birth in month 13", "travel", _holder(f3="1990-13")),
    ("birth in the year 0", "travel", _holder(f3="0000")),
    ("2 digits of the document", "travel", _holder(f4="45")),
    ("7 digits of the document", "travel", _holder(f4="1234567")),
    ("declared after the year 9999", "declaration", _to(30, 253_402_300_800)),
    ("risk 3", "declaration", _to(31, 3)),
    ("method 0", "test", _to(40, 0)),
    ("method 3", "test", _to(40, 3)),
    ("sampled after the year 9999", "test", _to(41, 253_402_300_800)),
    ("result 3", "test", _to(43, 3)),
    ("laboratory of 61 bytes", "test", _to(44, "x" * 61)),
)
