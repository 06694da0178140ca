"""One lane with simulated devices, told by a test what happens in it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from drivers.clock.simulated import SimulatedClock
from drivers.contacts import Closing, ContactName
from drivers.errors import DeviceError
from drivers.plates import PlateSeen
from firmware.checkin import CheckIn, milliseconds, new_id
from firmware.checkpoint import Checkpoint
from firmware.config_sections import TimingConfig
from firmware.detail_names import Detail
from firmware.events import LogEvent
from firmware.journal import JournalError, JournalFullError
from firmware.judging import Judgement
from firmware.lamps import Voice
from firmware.messages import Aspect, Event, Heartbeat, ReaderFault, Reading, Shown
from firmware.ports import Ports
from firmware.records import OVERRIDDEN, PASSED, Later
from firmware.texts import load_texts
from firmware.timekeeping import BUILD_DATE, clock_fault, span_of
from provisioning.issuer import DemoIssuer, demo_entry
from verifier import Accepted, Reason, Refused, Revocations, Signer, TrustList, Undecided, Verifier
from verifier.profile import BUILT_IN, Profile
from verifier.profile_checks import NOWHERE
from verifier.profile_checks import Lane as Place
from verifier.rules import RulesVerdict

NOW = BUILD_DATE + timedelta(days=19)
ISSUER = DemoIssuer(NOW)
GOOD = ISSUER.issue()
OTHER = ISSUER.issue(kind="r")
EXPIRED = ISSUER.issue(expires=NOW - timedelta(hours=1))


def pass_of(family: str, kind: str = "v", born: str = "1985-05-05", **entry: str) -> str:
    """Return the text of a good pass of somebody else."""
    name = {"fn": family.title(), "gn": "Bình", "fnt": family, "gnt": "BINH"}
    certificate = {"ver": "1.3.0", "nam": name, "dob": born, kind: [demo_entry(kind, "VN", NOW) | entry]}
    times = {4: int((NOW + timedelta(days=1)).timestamp()), 6: int((NOW - timedelta(days=1)).timestamp())}
    return ISSUER.text({1: "VN", **times, -260: {1: certificate}})


STRANGER = pass_of("TRAN", "t")
VERIFIER = Verifier(TrustList([Signer.from_der(ISSUER.certificate_der)]), Revocations())
TEXTS = load_texts()


class CraftedError(Exception):
    """What no verifier should raise."""


class PowerCut(BaseException):
    """The end of the process, right after something was recorded: nothing catches it."""


@dataclass
class Judge:
    """A verifier that can be made to break."""

    broken: bool = False
    lane: Place = NOWHERE
    required: tuple[Profile, ...] | Reason = (BUILT_IN,)
    ruled: dict[bytes, RulesVerdict] = field(default_factory=dict)

    def profiles(self, at: datetime) -> tuple[Profile, ...] | Reason:
        assert at.tzinfo is not None
        return self.required

    def rules(self, accepted: Accepted, country: str, at: datetime) -> RulesVerdict:
        assert (len(country), at.tzinfo is not None) == (2, True)
        return self.ruled.get(accepted.identity, RulesVerdict("none"))

    def verify(self, text: str, at: datetime) -> Accepted | Refused | Undecided:
        if self.broken:
            raise CraftedError(text)
        return VERIFIER.verify(text, at)


@dataclass
class Lane:
    """One lane with simulated devices; `story` is what happened, in order."""

    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(NOW))
    judge: Any = field(default_factory=Judge)  # a Judge, or what promises the same
    disk_full: bool = False
    journal_full: bool = False
    dies_recording: bool = False
    lamps_broken: bool = False
    has_amber: bool = False
    green_broken: bool = False
    no_checkins: bool = False
    panels_broken: bool = False
    lamps: tuple[bool, bool] = (False, False)
    lease_s: float = 0.0
    story: list[str] = field(default_factory=list)
    checkins: list[CheckIn] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)
    logged: list[LogEvent] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    sounds: list[Aspect] = field(default_factory=list)
    voice: Voice | None = None
    wanted: tuple[Detail, ...] = ()
    direction: str = "in"
    probes: int = 0

    def __post_init__(self) -> None:
        ports = Ports(
            judge=self.judge,
            recorder=self,
            signal=self,
            clock=self.clock,
            texts=TEXTS,
            records=self,
            tell=self.tell,
            log=self.logged.append,
            sound=self.sound,
            wanted=self.wanted,
        )
        self.gate = Checkpoint(ports, TimingConfig(), self.direction)

    # The recorder's and the signal's verbs

    def append(self, checkin: CheckIn) -> int:
        self._check_room()
        self.checkins.append(checkin)
        self.story.append("recorded" if checkin.type == "check-in" else checkin.type)
        if self.dies_recording:
            raise PowerCut
        return len(self.checkins)

    def probe(self) -> None:
        self.probes += 1
        self._check_room()

    def note(self, code: str, text: str) -> None:
        self.notes.append((code, text))

    def _check_room(self) -> None:
        if self.disk_full:
            raise JournalError("journal.db: database or disk is full: free some space on its disk")
        if self.journal_full:
            raise JournalFullError("journal.db: as large as journal.size_mib lets it")

    def show(self, *, red: bool, green: bool, amber: bool = False, lease_s: float = 0.0) -> None:
        assert self.has_amber or not amber
        if self.lamps_broken or (green and self.green_broken):
            raise DeviceError("no such lamp")
        if (red, green) != self.lamps or green:
            self.story.append("green" if green else "red" if red else "dark")
        self.lamps, self.lease_s = (red, green), lease_s

    def close(self) -> None:
        self.lamps = (False, False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # The maker of records' verbs

    @property
    def clock_trusted(self) -> bool:
        return clock_fault(self.clock.now(), synchronised=self.clock.synchronised(), span=span_of("system")) is None

    def checkin(self, judgement: Judgement) -> CheckIn:
        if self.no_checkins:
            raise CraftedError(judgement.reason, judgement.details)
        self.judgements.append(judgement)
        at_ms = milliseconds(self.clock.now())
        return CheckIn(
            id=new_id(at_ms),
            at_ms=at_ms,
            clock="synchronised" if judgement.clock_trusted else "untrusted",
            lane="l",
            direction="in",
            verdict=judgement.verdict,
            reason=judgement.reason,
            kinds=judgement.kinds,
        )

    def later(self, kind: Later, about: CheckIn) -> CheckIn:
        at_ms = milliseconds(self.clock.now())
        return CheckIn(
            id=new_id(at_ms),
            at_ms=at_ms,
            clock="synchronised",
            lane="l",
            direction="in",
            verdict="accepted" if kind == "override" else about.verdict,
            reason=OVERRIDDEN if kind == "override" else PASSED,
            type=kind,
            about=about.id,
        )

    # What the test does

    def sound(self, aspect: Aspect) -> None:
        self.sounds.append(aspect)
        if self.voice:
            self.voice.sound(aspect)

    def tell(self, event: Event) -> None:
        if self.panels_broken:
            raise CraftedError
        self.told.append(event)
        if isinstance(event, Shown):
            self.story.append(f"told {event.reason}")

    def beat(self, fault: ReaderFault | None = None) -> None:
        self.gate.receive(Heartbeat(1, fault))
        self.gate.turn()

    def see(self, *texts: str, age_s: float = 0.02) -> None:
        captured_ns = self.clock.monotonic_ns() - round(age_s * 1e9)
        self.gate.receive(Reading(texts, captured_ns, captured_ns))
        self.gate.turn()

    def touch(self, name: ContactName, ago_s: float = 0.0) -> None:
        """Close a contact."""
        self.gate.contact(Closing(name, self.clock.monotonic_ns() - round(ago_s * 1e9)))
        self.gate.turn()

    def enter(self, plate: str) -> None:
        """Enter a plate."""
        self.gate.plate(PlateSeen(plate, self.clock.monotonic_ns()))
        self.gate.turn()

    def wait(self, seconds: float, *, beating: bool = True) -> None:
        """Let time pass in the gate's own turns."""
        for _ in range(round(seconds * 4)):
            self.clock.advance(0.25)
            if beating:
                self.gate.receive(Heartbeat(1))
            self.gate.turn()

    @property
    def shown(self) -> Shown:
        return next(event for event in reversed(self.told) if isinstance(event, Shown))

    def logs(self, kind: type[LogEvent]) -> list[LogEvent]:
        return [event for event in self.logged if isinstance(event, kind)]
