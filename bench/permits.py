"""Count which QR codes realistic vehicle permits need: version by version, at error correction M.

The permits are drawn by a seed: plates, roads, carriers and hours as on the green lanes of 2021; carriers by tax code
mostly, else by a name of at most 30 bytes. Where claims are longer than `CLAIMS_MAX_BYTES`, they are shortened, since
else issuing refuses them: a carrier's name to its tax code, then several roads to one corridor's name. How often that
was so is told. Ed25519 and ES256 signatures have the same length.
"""

import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import segno

from bench.common import Limit, arguments, console, finish, percentile, table
from tests.simulators.lx1 import PERMIT, Lx1Issuer, encoded, seconds

COUNT, QUICK_COUNT = 1_000, 50
VERSION_MAX = 10
CLAIMS_MAX_BYTES = (
    119  # 311 characters at version 10-M (ISO/IEC 18004, table 7), without LX1: 204 bytes, 85 of envelope
)
SEED = 20210719  # the day from which the green lanes of 2021 were for all of the south
HOLDS_LATER, NAMES_GOODS, HAS_HOURS = 0.25, 0.9, 0.5  # shares of the permits
AT = datetime(2026, 6, 1, tzinfo=UTC)
AREAS = ("VN-SG", "VN-HN", "VN-43", "VN-39", "VN-57", "VN-41", "VN-CT", "VN-DN", "VN-HP", "VN-33")
LETTERS = "ABCDEFGHKLMNPSTUVXYZ"
ROADS = (
    "QL1A",
    "QL51",
    "QL13",
    "QL22",
    "QL20",
    "QL5B",
    "DT743",
    "DT824",
    "CT01",
    "CT.04",
    "VD3-HCM",
    "CT-HN-HP",
    "TL10",
)
CARRIERS = (
    "Vận tải Hoà Phát", "HTX vận tải Sài Gòn", "Công ty TNHH An Bình", "Vinafco Logistics", "Gemadept",
    "Tân Cảng Sài Gòn", "Viettel Post", "HTX Nông sản Đà Lạt", "Vinamilk", "Thành Bưởi", "Bách Hoá Xanh", "Lalamove VN",
)  # fmt: skip
CORRIDORS = ("CT-HN-HP", "CT01", "VD3-HCM", "QL1A")
HOURS = (
    [[1320, 300]],
    [[300, 1200]],
    [[0, 360]],
    [[540, 960], [1200, 360]],
)  # lorries are kept out of the cities at rush hours


class Permit(NamedTuple):
    """A permit that was drawn, and which of its fields had to be shortened."""

    text: str
    claims: dict[int, Any]
    shortened: tuple[str, ...]


def permits(issuer: Lx1Issuer, count: int, seed: int = SEED) -> Iterator[Permit]:
    """Give realistic permits."""
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    for _ in range(count):
        claims = _claims(rng, issuer)
        shortened = []
        for name, number, short in (("carrier", 12, _tax_code(rng)), ("route", 13, [rng.choice(CORRIDORS)])):
            if len(encoded(claims)) > CLAIMS_MAX_BYTES:
                claims[PERMIT] |= {number: short}
                shortened.append(name)
        yield Permit(issuer.text(claims), claims, tuple(shortened))


def _claims(rng: random.Random, issuer: Lx1Issuer) -> dict[int, Any]:
    issued = AT - timedelta(minutes=rng.randrange(60 * 24 * 30))
    claims = issuer.claims("vehicle", issued) | {1: rng.choice(AREAS), 7: rng.randbytes(16), PERMIT: _permit(rng)}
    claims |= {4: seconds(issued + timedelta(days=rng.choice((3, 7, 15, 30)))), 6: seconds(issued)}
    if rng.random() >= HOLDS_LATER:  # it holds from when it is issued
        del claims[5]
    return claims


def _permit(rng: random.Random) -> dict[int, Any]:
    fields: dict[int, Any] = {0: 0, 10: _plate(rng), 11: rng.choice((1, 1, 1, 2, 2, 3, 4, 6)), 12: _carrier(rng)}
    fields[13] = rng.sample(ROADS, rng.choice((1, 1, 1, 2, 2, 3)))
    if rng.random() < NAMES_GOODS:
        fields[14] = rng.randint(1, 5)
    if rng.random() < HAS_HOURS:
        fields[15] = rng.choice(HOURS)
    return fields | {16: rng.choice((1, 1, 2, 2, 3))}


def _plate(rng: random.Random) -> str:
    series = rng.choice((rng.choice(LETTERS), f"{rng.choice(LETTERS)}{rng.randint(1, 9)}", "LD", "KT"))
    return f"{rng.randint(11, 99)}{series}{rng.randrange(10 ** rng.choice((4, 5, 5, 5))):04}"


def _carrier(rng: random.Random) -> str:
    code = _tax_code(rng)
    return rng.choice((code, code, code, f"{code}-{rng.randint(1, 40):03}", rng.choice(CARRIERS)))  # with its branch


def _tax_code(rng: random.Random) -> str:
    return f"{rng.randint(1, 63):02}{rng.randrange(10**8):08}"


def versions_of(texts: Iterable[str]) -> Counter[int]:
    """Count the versions of the QR codes at level M, in the alphanumeric mode, where the length decides."""
    lengths = Counter(map(len, texts))
    found: Counter[int] = Counter()
    for length, count in lengths.items():
        symbol = segno.make("A" * length, error="M", mode="alphanumeric", micro=False, boost_error=False)
        found[int(symbol.version)] += count
    return found


def main() -> int:
    """Measure, print and write the result."""
    args = arguments("permits", __doc__).parse_args()
    drawn = list(permits(Lx1Issuer(), QUICK_COUNT if args.quick else COUNT))
    versions = versions_of(permit.text for permit in drawn)
    shown = table(f"{len(drawn)} vehicle permits", ">version, level M", ">modules", ">permits")
    for version, count in sorted(versions.items()):
        shown.add_row(str(version), str(17 + 4 * version), str(count))  # ISO/IEC 18004, section 6.3.1
    console.print(shown)
    lengths = [len(permit.text) for permit in drawn]
    result = {
        "permits": len(drawn),
        "versions": {str(version): count for version, count in sorted(versions.items())},
        "characters": {"p50": percentile(lengths, 0.5), "max": max(lengths)},
        "shortened": Counter(name for permit in drawn for name in permit.shortened),
    }
    console.print(f"shortened: {dict(result['shortened'])}")
    return finish("permits", result, [Limit("largest version", max(versions), VERSION_MAX)], args)


if __name__ == "__main__":
    sys.exit(main())
