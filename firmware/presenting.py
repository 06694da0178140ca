"""Who stands there, from frame to frame: documents of one set, the plate of one vehicle, and what follows of both."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from drivers.plates import PlateSeen
from firmware.answers import Answers
from firmware.deciding import Answer, Decider, Decision, Moment, Plate, Wait
from firmware.front import Front
from firmware.judging import CLOCK_NOT_TRUSTED, Judgement, Sight, key_of, of_document, undecided
from firmware.messages import Reading
from firmware.ports import Ports
from firmware.session import Gathered
from verifier import Reason
from verifier.profile_checks import normalised

_BEFORE_POSTERS = ("accepted", "attendance", "next-document")  # lights in which no code counts that is no document


def unable_at(ports: Ports, at: datetime) -> str | None:
    """Return why no document is judged at a time: a clock that is not trusted, or knowledge too old."""
    return ports.stale(at) if ports.records.clock_trusted else CLOCK_NOT_TRUSTED


class Presenting:
    """What has been shown and entered since the last answer, and how it goes on."""

    def __init__(self, ports: Ports, front: Front, answers: Answers) -> None:
        """Begin with nobody."""
        self._ports = ports
        self._front = front
        self._answers = answers
        self._decider = Decider(ports.judge, ports.texts, ports.wanted)
        self._gathered = Gathered()
        self._pending: Judgement | None = None  # of the set: what is recorded if it waits in vain
        self._since_ns = 0  # of the set's light
        self._plate: Plate | None = None

    def show(self, sight: Sight, reading: Reading, received_ns: int) -> None:
        """Go on with what a frame showed."""
        if sight.documents:
            self._documents(sight, reading, received_ns)
        elif sight.others:
            self._others(sight, reading, received_ns)

    def fail(self, reading: Reading, received_ns: int) -> None:
        """Answer what nobody expected: undecided, and as ever, once."""
        self._answered(undecided(reading.texts, "internal-error"), reading, received_ns)

    def turn(self, now_ns: int) -> None:
        """Give a set up whose time is over."""
        if self._gathered.documents and not self._gathered.waits(now_ns):
            self.end(self._gathered.until_ns)

    def end(self, at_ns: int) -> bool:
        """Record the set that waits, if there is one, and begin with nobody; return whether the journal took it."""
        pending = self._begin()
        if pending is None:
            return True
        judgement = replace(pending, clock_trusted=self._ports.records.clock_trusted)
        return self._answers.gave_up(judgement, self._since_ns, at_ns)

    def forget(self) -> None:
        """Begin with nobody: nobody was answered."""
        self._answers.forget()
        self._begin()

    def pressed(self, at_ns: int) -> None:
        """Confirm an identity that staff were asked for, or let through whoever waits or was not let through."""
        now_ns = self._ports.clock.monotonic_ns()
        if self._pending is not None and self._gathered.waits(now_ns) and self._since_ns <= at_ns:
            if self._pending.reason == Reason.STAFF_NEEDED:
                self._follow(self._decider.of_gathered(self._gathered, self._moment(now_ns), confirmed=True), now_ns)
                return
            self.end(now_ns)
        if self._answers.pressed(at_ns):
            self._plate = None

    def passed(self, at_ns: int) -> None:
        """Take note that somebody passed; where nobody might, whoever was asked for more has gone."""
        if not self._answers.passed(at_ns):
            self.end(at_ns)
            if self._plate is not None and self._plate.at_ns <= at_ns:
                self._plate = None

    def entered(self, seen: PlateSeen) -> None:
        """Take a plate; another one than before is another vehicle's, with documents of its own."""
        text = normalised(seen.text)
        if not text:
            return
        now_ns = self._ports.clock.monotonic_ns()
        before = self._decider.plate_in(self._moment(now_ns))
        self._plate = Plate(text, seen.at_ns)
        self._gathered = self._gathered.read(text, seen.at_ns)
        if before == text:
            return  # a camera that reads on
        if before is not None:
            self.end(now_ns)
        if self._gathered.waits(now_ns):
            self._follow(self._decider.of_gathered(self._gathered, self._moment(now_ns)), now_ns)
        elif self._front.light.aspect != "accepted":
            self._answers.forget_unused()  # what was refused for another plate is judged anew

    def _documents(self, sight: Sight, reading: Reading, received_ns: int) -> None:
        session = self._answers.session
        self._gathered = self._gathered.seen(sight.documents, received_ns)
        decision = self._decider.of_sight(sight, session, self._gathered, self._moment(received_ns))
        shown = [key_of(one) for one in sight.documents]
        if isinstance(decision, Answer):
            self._answered(decision.judgement, reading, received_ns)
            shown = [key for key in shown if session.holds(key, received_ns)]
        elif isinstance(decision, Wait):
            self._wait(decision)
        else:
            self._answers.held(shown, received_ns)
        self._answers.seen([*shown, *map(key_of, sight.others)], received_ns)

    def _others(self, sight: Sight, reading: Reading, received_ns: int) -> None:
        """Answer what is no document, unless it is beside one, in its light as in its frame: the poster behind it."""
        judgement = replace(of_document(sight.others[0]), clock_trusted=sight.clock_trusted)
        if self._front.light.aspect not in _BEFORE_POSTERS:
            self._answered(judgement, reading, received_ns)
        self._answers.seen(map(key_of, sight.others), received_ns)

    def _answered(self, judgement: Judgement, reading: Reading, received_ns: int) -> None:
        judged_ns = self._ports.clock.monotonic_ns()
        held = self._answers.held(judgement.keys, received_ns)
        self._answers.seen(judgement.keys, received_ns)
        if not held:
            marks = (reading.captured_ns, reading.read_ns, received_ns, judged_ns)
            self._answer(judgement, received_ns, marks)

    def _answer(self, judgement: Judgement, at_ns: int, marks: tuple[int, ...] = ()) -> None:
        """Answer, which ends the set, and if that is a green light the vehicle's time here."""
        if judgement.verdict == "accepted":
            self._next({key.identity for key in judgement.keys}, at_ns)
            self._plate = None
        self._begin()
        self._answers.answer(judgement, at_ns, marks)

    def _follow(self, decision: Decision, now_ns: int) -> None:
        """Go on with a set of which something else than a document has changed."""
        match decision:
            case Answer():
                trusted = decision.judgement.reason != CLOCK_NOT_TRUSTED
                self._answer(replace(decision.judgement, clock_trusted=trusted), now_ns)
            case Wait():
                self._wait(decision)
            case _:
                assert_never(decision)

    def _wait(self, wait: Wait) -> None:
        if (wait.gathered, wait.judgement) == (self._gathered, self._pending):
            return
        now_ns = self._ports.clock.monotonic_ns()
        if not self._next({one.identity for one in wait.gathered.documents}, now_ns):
            return
        self._gathered, self._pending, self._since_ns = wait.gathered, wait.judgement, now_ns
        if not self._answers.wait(wait.judgement, wait.gathered.until_ns):
            self.forget()

    def _next(self, identities: Collection[bytes], at_ns: int) -> bool:
        """Record the set that waited, where what follows has none of its documents: the next person's.

        Return whether the journal took it: without one nobody is asked for more.
        """
        if any(one.identity in identities for one in self._gathered.documents):
            return True
        return self.end(at_ns)

    def _begin(self) -> Judgement | None:
        """Begin with nobody, whose light is over; return what was to be recorded of the set."""
        pending, self._pending = self._pending, None
        self._gathered = Gathered()
        if self._front.light.aspect == "next-document":
            self._front.light = replace(self._front.light, until_ns=self._ports.clock.monotonic_ns())
        return pending

    def _moment(self, at_ns: int) -> Moment:
        now = self._ports.clock.now()
        return Moment(now, at_ns, self._plate, unable_at(self._ports, now))
