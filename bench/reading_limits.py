"""What was asked of the reader, beside what was measured."""

from collections.abc import Iterator, Mapping
from typing import Any

from bench.common import Limit
from bench.reading_stills import LIMIT_MS, UNION

READ_LEAST = {"medium-1280": 97, "medium-640": 95, "hard-1280": 68, "hard-640": 68}  # percent
OF_BOUND_LEAST = {"0.53": 0.90, "1.6": 0.98}
GROWTH_MAX_MIB = 2.0

Part = Mapping[str, Any]


def limits_of(result: Part) -> list[Limit]:
    """Return the limits of the parts that were measured."""
    kinds = {
        "stills": _stills,
        "sequences": _sequences,
        "photographs": _photographs,
        "empty": _empty,
        "ratios": _ratios,
        "room": _room,
        "memory": _memory,
        "hints": _hints,
    }
    return [limit for name, limits in kinds.items() if name in result for limit in limits(result[name])]


def _stills(part: Part) -> Iterator[Limit]:
    sets, rescue = part["sets"], part["rescue"]
    for name, least in READ_LEAST.items():
        yield Limit(f"{name} read", sets[name]["ours"]["share"] * 100, unit="%", least=least)
    yield Limit("false reads, stills", sum(len(one["ours"]["false"]) for one in sets.values()), 0)
    for which, one in rescue.items():
        yield Limit(f"rescue, median of {which}", one["median_ms"], 100, "ms")
    if "all" in rescue:
        yield Limit("rescue, longest", rescue["all"]["max_ms"], LIMIT_MS, "ms")


def _sequences(part: Part) -> Iterator[Limit]:
    ours, bound = part["ours"], part["peers"]["bound"]
    for name, least in OF_BOUND_LEAST.items():
        share = ours["within"][name] / bound[name] if bound[name] else 1.0
        yield Limit(f"sequences within {name} s, of the bound", share, least=least)
    yield Limit("false reads, sequences", len(ours["false"]), 0)
    for name, most in (("mean", 8), ("p95", 16), ("max", 60)):
        yield Limit(f"frame of a sequence, CPU {name}", ours["cpu_ms"][name], most, "ms")


def _photographs(part: Part) -> Iterator[Limit]:
    yield Limit("photographs read", part["ours"]["right"], least=part[UNION]["right"])
    yield Limit("false reads, photographs", len(part["ours"]["false"]), 0)


def _empty(part: Part) -> Iterator[Limit]:
    yield Limit("false reads, empty frames", len(part["false"]), 0)


def _ratios(part: Part) -> Iterator[Limit]:
    yield Limit("empty frame / zxing-cpp's own", part["empty"]["ratio"], 1.7)
    yield Limit("frame that zxing-cpp reads / its own", part["read"]["ratio"], 1.2)


def _room(part: Part) -> Iterator[Limit]:
    yield Limit("rescue in an empty room, of a core", part["rescue_share"] * 100, 5, "%")
    yield Limit("false reads, empty room", part["read"], 0)


def _memory(part: Part) -> Iterator[Limit]:
    for name in ("reader", "rescue"):
        growth_mib = part[f"{name}_late_mib"] - part[f"{name}_early_mib"]
        yield Limit(f"growth of the {name}'s memory", growth_mib, GROWTH_MAX_MIB, "MiB")


def _hints(part: Part) -> Iterator[Limit]:
    for cause, one in part.items():
        yield Limit(f"hint right: {cause}", one["right"] / max(1, one["frames"]) * 100, unit="%", least=90)
