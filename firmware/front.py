"""What a person sees: one light at a time on the lamps, and its words on the panels."""

from collections.abc import Callable

from drivers.errors import DeviceError
from drivers.signal import Signal
from firmware.messages import Aspect, Event, Shown, VerdictName
from firmware.signalling import Lamps, Light, lamps_at, next_change_ns
from firmware.texts import Words


class Front:
    """Lamps and panels; `light` is what they show now."""

    def __init__(
        self, signal: Signal, texts: dict[str, Words], tell: Callable[[Event], None], direction: str, now_ns: int
    ) -> None:
        """Begin out of service; the lamps are set at the first `turn`."""
        self._signal = signal
        self._texts = texts
        self._tell = tell
        self._accepted_text = "valid" if direction == "in" else "valid-out"
        self._lamps: Lamps | None = None  # None: unknown
        self._said = ""
        self.light = Light("out-of-service", now_ns)

    def turn(self, now_ns: int) -> bool:
        """Set the lamps as the light has them at a time (monotonic); return whether they obey."""
        has_amber = self._signal.has_amber
        lamps = lamps_at(self.light, now_ns, has_amber=has_amber)
        if lamps == self._lamps:
            return True
        lease_s = 0.0
        if lamps.green:  # what is left of the light, or of a flash, never more
            lease_s = ((next_change_ns(self.light, now_ns, has_amber=has_amber) or now_ns) - now_ns) / 1e9
        try:
            self._signal.show(red=lamps.red, green=lamps.green, amber=lamps.amber, lease_s=lease_s)
        except DeviceError:
            self._lamps = None
            return False
        self._lamps = lamps
        return True

    def wake_ns(self, now_ns: int) -> int | None:
        """Return when the lamps change next (monotonic), None = not by themselves."""
        return next_change_ns(self.light, now_ns, has_amber=self._signal.has_amber)

    def begin(self, light: Light) -> None:
        """Take a new light, with a lease of its own even where the lamps look the same."""
        self.light = light
        self._lamps = None

    def answer(
        self,
        verdict: VerdictName | None,
        reason: str,
        checkin: str | None,
        timings_ms: dict[str, float],
        *,
        words: Words | None = None,
        plate: str | None = None,
    ) -> None:
        """Say to the panels what the light answers.

        Args:
            verdict: None where it is no answer yet, but asks for the next document.
            reason: what the words are found by.
            checkin: the identifier of its record, if there is one.
            timings_ms: how long each step took.
            words: instead of the reason's, where something is filled in: what is missing, which rule failed.
            plate: the permit's, shown large beside them.
        """
        light = self.light
        self._said = reason
        words = words or self._words(reason)
        self._tell(
            Shown(
                aspect=light.aspect,
                reason=reason,
                vi=words.vi,
                en=words.en,
                checkin=checkin,
                verdict=verdict,
                until_ns=light.until_ns,
                timings_ms=timings_ms,
                plate=plate,
            )
        )

    def rest(self, aspect: Aspect, reason: str, now_ns: int, until_ns: int | None = None) -> None:
        """Show what holds between answers, and say so once."""
        self.light = Light(aspect, now_ns, until_ns)
        if reason != self._said:
            self._said = reason
            words = self._words(reason)
            self._tell(Shown(aspect, reason, words.vi, words.en, until_ns=until_ns))

    def _words(self, reason: str) -> Words:
        return self._texts[self._accepted_text if reason == "valid" else reason]
