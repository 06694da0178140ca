"""What becomes of an answer: a record, a light, words, and later what staff and passage sensor say of it.

For each, in this order: record (on disk before the call returns), light the lamps, tell the panels. A step that fails
ends the row. Answers that are not green come without a record where there are too many of them: a screen that flickers
through codes must not fill the disk.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from firmware.attended import Attended
from firmware.checkin import CheckIn
from firmware.config_sections import TimingConfig
from firmware.events import Decided, InternalError, Lit, LogEvent, Unrecorded, place_of, step_times_ms
from firmware.floods import Allowance, Seldom
from firmware.front import Front
from firmware.judging import Judgement
from firmware.messages import Aspect
from firmware.ports import Ports
from firmware.session import Key, Session
from firmware.signalling import Light
from verifier import Reason

TAILGATING_NS = 60_000_000_000  # ours: a sensor that the sun blinds must not wear out the card
RECORDS_MOST = 20  # ours: of passes not accepted at once, then one a second: no queue is faster


class Answers:
    """Who was answered, and how; its owner records and keeps the lamps, and says whether either worked.

    `session` are the presentations that are held.
    """

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
        self.session = Session(_ns(timing.held_s))
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

    def held(self, keys: Iterable[Key], at_ns: int) -> bool:
        """Return whether all of a sight was answered already; say so if its light is over, and no other follows."""
        if not all(self.session.holds(key, at_ns) for key in keys):
            return False
        if self._front.light.aspect == "ready":
            self._front.rest("ready", "just-scanned", at_ns, at_ns + _ns(self._timing.held_s))
        return True

    def seen(self, keys: Iterable[Key], at_ns: int) -> None:
        """Remember what was shown at a time (monotonic)."""
        for key in keys:
            self.session = self.session.seen(key, at_ns)

    def answer(self, judgement: Judgement, at_ns: int, marks: tuple[int, ...] = ()) -> None:
        """Answer what was shown at a time; `marks` are the times of capture, reading, receipt and judgement."""
        if judgement.verdict != "accepted" and not self._allowance.take(at_ns):
            self._unrecorded.happened()
            self.deny(judgement)
            return
        checkin = self._ports.records.checkin(judgement)
        if not self._record(checkin):
            return
        marks = (*marks, self._ports.clock.monotonic_ns()) if marks else ()
        answer = judgement.without_details()
        survived(lambda: self._light_and_report(answer, checkin, at_ns, marks), self._ports.log)  # not once more

    def deny(self, judgement: Judgement) -> None:
        """Answer without a record what is not accepted."""
        unrecorded = replace(judgement, reason=str(Reason.UNSIGNED)) if _attends(judgement) else judgement
        if self._light_up(unrecorded, self._ports.clock.monotonic_ns(), None):
            self._say(unrecorded, None, {})

    def wait(self, judgement: Judgement, until_ns: int) -> bool:
        """Ask for the next document, until a time (monotonic), without a record; return whether the lamps obeyed."""
        now_ns = self._ports.clock.monotonic_ns()
        obeyed = self._light("next-document", now_ns, until_ns)
        if obeyed:
            self._attended.answered(self._front.light, None, ())
            self._front.answer(None, judgement.reason, None, {}, words=judgement.words, plate=judgement.plate)
        return obeyed

    def gave_up(self, judgement: Judgement, since_ns: int, until_ns: int) -> bool:
        """Record a set that waited in vain, from when until when; staff may still let its holder through.

        Return whether the journal took it, or would have: too many are not recorded.
        """
        if not self._allowance.take(until_ns):
            self._unrecorded.happened()
            return True
        checkin = self._ports.records.checkin(judgement)
        if not self._record(checkin):
            return False
        self._attended.answered(Light("undecided", since_ns, until_ns), checkin, judgement.keys)
        self._ports.log(Decided(str(checkin.id), checkin.verdict, checkin.reason, {}))
        return True

    def pressed(self, at_ns: int) -> bool:
        """Let through whom the device did not, if such a person stands there; else say that nobody does.

        Return whether somebody was let through.
        """
        answer = self._attended.refused(at_ns)
        if answer is None:
            now_ns = self._ports.clock.monotonic_ns()
            if self._front.light.aspect == "ready":  # else the screen says what holds
                self._front.rest("ready", "nobody-waits", now_ns, now_ns + _ns(self._timing.held_s))
            return False
        record = self._ports.records.later("override", answer.checkin)
        if not self._record(record):
            return False
        now_ns = self._ports.clock.monotonic_ns()
        judgement = Judgement(record.verdict, record.reason, answer.keys)
        if self._light_up(judgement, now_ns, answer.checkin):
            self._lit(answer.keys, now_ns, used=True)
            self._report(judgement, record, {})
        return True

    def passed(self, at_ns: int) -> bool:
        """Record that somebody who may has passed, or note that somebody else has; return whether they might."""
        checkin = self._attended.passing(at_ns)
        if checkin is None:
            self._tailgating.happened()
        else:
            self._record(self._ports.records.later("passage", checkin))
        return checkin is not None

    def forget(self) -> None:
        """Let the same pass try again: nobody was answered."""
        self.session = Session(_ns(self._timing.held_s))

    def forget_unused(self) -> None:
        """Let a pass that was not accepted try again; one that was is still the same presentation."""
        self.session = self.session.only_used()

    def _light_and_report(self, judgement: Judgement, checkin: CheckIn, at_ns: int, marks: tuple[int, ...]) -> None:
        if not self._light_up(judgement, self._ports.clock.monotonic_ns(), checkin):
            return
        self._lit(judgement.keys, at_ns, used=judgement.verdict == "accepted")
        self._report(judgement, checkin, step_times_ms((*marks, self._ports.clock.monotonic_ns())) if marks else {})

    def _report(self, judgement: Judgement, record: CheckIn, timings_ms: dict[str, float]) -> None:
        name = str(record.id)
        self._ports.log(Lit(checkin=name, lease_s=self._timing.green_s if record.verdict == "accepted" else 0.0))
        self._say(judgement, name, timings_ms)
        self._ports.log(Decided(name, record.verdict, record.reason, timings_ms, judgement.rules))

    def _say(self, judgement: Judgement, checkin: str | None, timings_ms: dict[str, float]) -> None:
        verdict, reason = judgement.verdict, judgement.reason
        self._front.answer(verdict, reason, checkin, timings_ms, words=judgement.words, plate=judgement.plate)

    def _lit(self, keys: Iterable[Key], at_ns: int, *, used: bool) -> None:
        """Hold what was answered as long as its light, and a sighting's time beyond."""
        for key in keys:
            self.session = self.session.seen(key, at_ns, self._front.light.until_ns or 0, used=used)

    def _light_up(self, judgement: Judgement, now_ns: int, checkin: CheckIn | None) -> bool:
        """Light an answer, to the check-in that it is about if that is recorded; return whether the lamps obeyed."""
        seconds = self._timing.green_s if judgement.verdict == "accepted" else self._timing.red_s
        aspect: Aspect = "attendance" if _attends(judgement) else judgement.verdict
        obeyed = self._light(aspect, now_ns, now_ns + _ns(seconds))
        if obeyed:
            self._attended.answered(self._front.light, checkin, judgement.keys)
        return obeyed

    def _light(self, aspect: Aspect, now_ns: int, until_ns: int) -> bool:
        self._front.begin(Light(aspect, now_ns, until_ns))
        obeyed = self._set_lamps(now_ns)
        if obeyed:
            self._ports.sound(aspect)
        else:
            self.forget()
        return obeyed


def survived(action: Callable[[], object], log: Callable[[LogEvent], None]) -> bool:
    """Do something with what was read; return whether nothing unexpected happened."""
    try:
        action()
    except Exception as error:  # noqa: BLE001 - the one broad except: a crafted pass must not crash-loop a gate
        log(InternalError(kind=type(error).__name__, where=place_of(error)))
        return False
    return True


def _attends(judgement: Judgement) -> bool:
    return judgement.reason == Reason.ATTENDANCE


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
