"""What becomes of an answer: a record, a light, words, and later what staff and passage sensor say of it.

For each, in this order: record (on disk before the call returns), light the lamps, tell the panels. A step that fails
ends the row. Answers that are not green come without a record where there are too many of them: a screen that flickers
through codes must not fill the disk.
"""

from collections.abc import Callable

from firmware.attended import Attended
from firmware.checkin import CheckIn
from firmware.config_sections import TimingConfig
from firmware.events import Decided, InternalError, Lit, LogEvent, Unrecorded, place_of, step_times_ms
from firmware.floods import Allowance, Seldom
from firmware.front import Front
from firmware.judging import NO_PASS, Judgement
from firmware.messages import Reading, VerdictName
from firmware.ports import Ports
from firmware.session import Key, Session
from firmware.signalling import Light

TAILGATING_NS = 60_000_000_000  # ours: a sensor that the sun blinds must not wear out the card
RECORDS_MOST = 20  # ours: of passes not accepted at once, then one a second: no queue is faster


class Answers:
    """Who was answered, and how; its owner records and keeps the lamps, and says whether either worked."""

    def __init__(
        self,
        ports: Ports,
        timing: TimingConfig,
        front: Front,
        *,
        record: Callable[[CheckIn], bool],
        set_lamps: Callable[[int], bool],
    ) -> None:
        """Answer nobody yet."""
        self._ports = ports
        self._timing = timing
        self._front = front
        self._record = record
        self._set_lamps = set_lamps
        self._session = Session(_ns(timing.held_s))
        self._attended = Attended()
        self._allowance = Allowance(RECORDS_MOST)
        monotonic_ns = ports.clock.monotonic_ns
        self._unrecorded = Seldom(lambda count: ports.log(Unrecorded(count)), monotonic_ns)
        self._tailgating = Seldom(
            lambda count: ports.recorder.note("tailgating", str(count)), monotonic_ns, TAILGATING_NS
        )

    def turn(self) -> None:
        """Say what was counted."""
        self._unrecorded.turn()
        self._tailgating.turn()

    def present(self, judgement: Judgement, reading: Reading, received_ns: int) -> None:
        """Answer a presentation, unless it was answered already."""
        judged_ns = self._ports.clock.monotonic_ns()
        held = self._session.holds(judgement.key, received_ns)
        for key in (*judgement.beside, judgement.key):
            self._session = self._session.seen(key, received_ns)
        if held:
            if self._front.light.aspect == "ready":  # its light is over: say why none follows
                self._front.rest("ready", "just-scanned", received_ns, received_ns + _ns(self._timing.held_s))
        elif judgement.reason == NO_PASS and self._front.light.aspect == "accepted":
            return  # no pass counts beside one, in its light as in its frame: the poster behind a phone put down
        elif judgement.verdict != "accepted" and not self._allowance.take(received_ns):
            self._unrecorded.happened()
            self.deny(judgement)
        else:
            self._decide(judgement, reading, received_ns, judged_ns)

    def deny(self, judgement: Judgement) -> None:
        """Answer without a record what is not accepted."""
        if self._light_up(judgement.verdict, self._ports.clock.monotonic_ns(), None, judgement.key):
            self._front.answer(judgement.verdict, judgement.reason, None, {})

    def pressed(self, at_ns: int) -> None:
        """Let through whom the device did not, if such a person stands there; else say that nobody does."""
        answer = self._attended.refused(at_ns)
        if answer is None:
            now_ns = self._ports.clock.monotonic_ns()
            if self._front.light.aspect == "ready":  # else the screen says what holds
                self._front.rest("ready", "nobody-waits", now_ns, now_ns + _ns(self._timing.held_s))
            return
        record = self._ports.records.later("override", answer.checkin)
        if self._record(record):
            now_ns = self._ports.clock.monotonic_ns()
            if self._light_up("accepted", now_ns, answer.checkin, answer.key):
                self._session = self._session.seen(answer.key, now_ns, self._front.light.until_ns or 0)
                self._report(record, {})

    def passed(self, at_ns: int) -> None:
        """Record that somebody who may has passed, or note that somebody else has."""
        checkin = self._attended.passing(at_ns)
        if checkin is None:
            self._tailgating.happened()
        else:
            self._record(self._ports.records.later("passage", checkin))

    def forget(self) -> None:
        """Let the same pass try again: nobody was answered."""
        self._session = Session(_ns(self._timing.held_s))

    def _decide(self, judgement: Judgement, reading: Reading, received_ns: int, judged_ns: int) -> None:
        checkin = self._ports.records.checkin(judgement)
        if not self._record(checkin):
            return
        marks = (reading.captured_ns, reading.read_ns, received_ns, judged_ns, self._ports.clock.monotonic_ns())
        answer = judgement.without_details()
        survived(lambda: self._light_and_report(answer, checkin, marks), self._ports.log)  # recorded: not once more

    def _light_and_report(self, judgement: Judgement, checkin: CheckIn, marks: tuple[int, ...]) -> None:
        *_, received_ns, _judged_ns, recorded_ns = marks
        if not self._light_up(judgement.verdict, recorded_ns, checkin, judgement.key):
            return
        self._session = self._session.seen(judgement.key, received_ns, self._front.light.until_ns or 0)
        self._report(checkin, step_times_ms((*marks, self._ports.clock.monotonic_ns())))

    def _report(self, record: CheckIn, timings_ms: dict[str, float]) -> None:
        name = str(record.id)
        self._ports.log(Lit(checkin=name, lease_s=self._timing.green_s if record.verdict == "accepted" else 0.0))
        self._front.answer(record.verdict, record.reason, name, timings_ms)
        self._ports.log(Decided(name, record.verdict, record.reason, timings_ms))

    def _light_up(self, verdict: VerdictName, now_ns: int, checkin: CheckIn | None, key: Key) -> bool:
        """Light an answer, to the check-in that it is about if that is recorded; return whether the lamps obeyed."""
        seconds = self._timing.green_s if verdict == "accepted" else self._timing.red_s
        self._front.begin(Light(verdict, now_ns, now_ns + _ns(seconds)))
        obeyed = self._set_lamps(now_ns)
        if obeyed:
            self._ports.sound(verdict)
            self._attended.answered(self._front.light, checkin, key)
        else:
            self.forget()
        return obeyed


def survived(action: Callable[[], None], log: Callable[[LogEvent], None]) -> bool:
    """Do something with what was read; return whether nothing unexpected happened."""
    try:
        action()
    except Exception as error:  # noqa: BLE001 - the one broad except: a crafted pass must not crash-loop a gate
        log(InternalError(kind=type(error).__name__, where=place_of(error)))
        return False
    return True


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
