"""From judgements to records: what is written of a presentation, and of what staff and passage sensor say later of it.

Details of a holder are taken for accepted check-ins only, and only those that the profile asks for: of who was not let
through nothing but a pseudonym is kept. They are sealed here, before anything is recorded.
"""

from typing import Literal
from uuid import UUID

from drivers.clock import Clock
from firmware.checkin import CheckIn, ClockTrust, Pseudonyms, milliseconds, new_id
from firmware.config import Config, ConfigError
from firmware.credentials import credential
from firmware.details import seal_details
from firmware.envelope import Authority, SigningError
from firmware.judging import Judgement
from firmware.sealing import Recipient
from firmware.timekeeper import Timekeeper

Later = Literal["passage", "override"]
PASSED = "passed"
OVERRIDDEN = "staff-override"


class Records:
    """Makes one device's records, each with the moment and what is known of the clock."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        recipient: Recipient | None = None,
        timekeeper: Timekeeper | None = None,
    ) -> None:
        """Seal details to `recipient`; see `recipient_of`. `timekeeper` says whether the clock is to be trusted."""
        self._device = config.device
        self._profile = config.profile.name
        self._direction: Literal["in", "out", "test"] = "test" if config.run.test else config.device.direction
        self._vouched: ClockTrust = "assumed" if config.clock.kind == "assumed" else "synchronised"
        self._clock = clock
        self._timekeeper = timekeeper or Timekeeper(config.clock.kind, clock)
        self._recipient = recipient
        self._pseudonyms = Pseudonyms()

    @property
    def clock_trusted(self) -> bool:
        """Return whether passes can be judged by the clock."""
        return self._timekeeper.look() is None

    def checkin(self, judgement: Judgement) -> CheckIn:
        """Return the record of a presentation."""
        now = self._clock.now()
        identifier = new_id(milliseconds(now))
        return CheckIn(
            id=identifier,
            at_ms=milliseconds(now),
            clock=self._trust(trusted=judgement.clock_trusted),
            lane=self._device.lane,
            direction=self._direction,
            verdict=judgement.verdict,
            reason=judgement.reason,
            kinds=judgement.kinds,
            pseudonym=self._pseudonyms.of(judgement.identity, now),
            profile=self._profile,
            details=self._sealed(judgement, identifier),
        )

    def later(self, kind: Later, about: CheckIn) -> CheckIn:
        """Return the record of what happened after a check-in: its holder passed, or staff let them."""
        at_ms = milliseconds(self._clock.now())
        return CheckIn(
            id=new_id(at_ms),
            at_ms=at_ms,
            clock=self._trust(trusted=self.clock_trusted),
            lane=self._device.lane,
            direction=self._direction,
            verdict="accepted" if kind == "override" else about.verdict,
            reason=OVERRIDDEN if kind == "override" else PASSED,
            profile=self._profile,
            type=kind,
            about=about.id,
        )

    def _trust(self, *, trusted: bool) -> ClockTrust:
        return self._vouched if trusted else "untrusted"

    def _sealed(self, judgement: Judgement, identifier: UUID) -> bytes | None:
        if self._recipient is None or not judgement.details:
            return None
        return seal_details(judgement.details, self._device.name, identifier, self._recipient)


def recipient_of(config: Config) -> Recipient | None:
    """Return whom to seal details to, None where the profile asks for none.

    Raises: ConfigError where it does and there is no key: details must neither be left out silently nor kept in clear.
    """
    if not config.profile.details:
        return None
    files = config.centre_files
    ca, keys = credential(files.ca), credential(files.keys)
    assert ca is not None  # noqa: S101 - config_rules: a configuration without it is none
    assert keys is not None  # noqa: S101 - likewise
    try:
        return Recipient.load(keys, "details", Authority.load(ca))
    except SigningError as error:
        raise ConfigError(f"key profile.details: {error}") from None
