"""Which program is struck when: all by one seed, so that a run can be had again."""

from dataclasses import dataclass
from random import Random

APPLIANCE = ("reader", "gate", "uplink", "panel")
SERVICES = ("collector", "mosquitto")
PROGRAMS = APPLIANCE + SERVICES
PAUSE_S = (0.1, 2.0)
AWAY_S = (0.0, 1.5)
STOPPED = 0.25  # of the gate's strikes are SIGSTOP: it does not die, it hangs
AIMED = 0.5  # of the kills of those below come so long after the next write to the journal:
AIMED_S = {
    "gate": (0.0, 0.01),  # recorded, and not yet or just lit
    "uplink": (0.0, 0.4),  # sent, stored, acknowledged or deleted: all of that takes about 0.3 s
    "collector": (0.0, 0.4),
    "mosquitto": (0.0, 0.4),
}


@dataclass(frozen=True, slots=True)
class Strike:
    """What is done to a program: `pause_s` after the strike before, and `aim_s` after the next write to the journal.

    A service comes back after `away_s`.
    """

    program: str
    pause_s: float
    away_s: float = 0.0
    stop: bool = False
    aim_s: float | None = None


def schedule(kills: int, seed: int) -> list[Strike]:
    """Strike each program once in some order, then any at random."""
    random = Random(seed)  # noqa: S311 - to be repeated, not to be secret
    order = random.sample(PROGRAMS, len(PROGRAMS))
    order += random.choices(PROGRAMS, k=max(0, kills - len(order)))
    return [_strike(program, random) for program in order[:kills]]


def _strike(program: str, random: Random) -> Strike:
    pause_s = random.uniform(*PAUSE_S)
    away_s = random.uniform(*AWAY_S) if program in SERVICES else 0.0
    stop = program == "gate" and random.random() < STOPPED
    aimed = program in AIMED_S and not stop and random.random() < AIMED
    return Strike(program, pause_s, away_s, stop, random.uniform(*AIMED_S[program]) if aimed else None)
