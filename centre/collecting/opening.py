"""Messages opened: who signed them, whether that one may, and what is in them."""

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Self, TypeVar

from centre.collecting.config import Config, ConfigError
from centre.collecting.events import Event
from centre.collecting.revocations import Revocations
from drivers.broker import Message
from firmware.envelope import Authority, SignatureError, Signer, SigningError, load_certificates
from firmware.sealing import Unsealer, UnsealError
from firmware.wire import DecodedBatch, WireError, open_batch, unseal_batch
from firmware.wire_device import Report, Status, decode_report, decode_status, parse_topic

Opened = DecodedBatch | Status | Report
T = TypeVar("T")
AGAIN = timedelta(seconds=10)  # ours: keys are read again so often at most, whatever is sent


class RefusedError(Exception):
    """A message that is not what its topic's device may send; `code` is one of a few."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


class Opener:
    """Open what devices send. Certificates have to be in force at the time; checked ones are remembered.

    Where something is sealed to a key that is not here, `keys` reads them again: the centre may have a new one.
    """

    def __init__(
        self,
        authority: Authority,
        unsealer: Unsealer,
        revocations: Revocations | None = None,
        keys: Callable[[], Unsealer] | None = None,
    ) -> None:
        self._authority, self._unsealer, self._revocations, self._keys = authority, unsealer, revocations, keys
        self._keys_read: datetime | None = None

    @classmethod
    def load(cls, config: Config, report: Callable[[Event], None]) -> Self:
        """Read authority and keys from their files. Raises: SigningError."""
        ca, _, _ = config.signing
        certificates = load_certificates(ca)
        authority = Authority(certificates)
        crl = config.centre.crl
        revocations = None if crl is None else Revocations(authority, certificates, crl, report)
        return cls(authority, Unsealer.load(config.keys), revocations, lambda: Unsealer.load(config.keys))

    def look(self, at: datetime) -> None:
        """See whether anybody was revoked meanwhile."""
        if self._revocations is not None:
            self._revocations.look(at)

    def open(self, message: Message, at: datetime) -> Opened:
        """Return what is in a message. Raises: RefusedError."""
        try:
            device, kind = parse_topic(message.topic)
            found = self._opened(kind, message.payload, at)
        except SignatureError as error:
            raise RefusedError("signature", str(error)) from None
        except UnsealError as error:
            raise RefusedError("sealed", str(error)) from None
        except WireError as error:
            raise RefusedError("malformed", str(error)) from None
        if device_of(found) != device:
            raise RefusedError("device", "of another device than its topic's")
        return found

    def _opened(self, kind: str, payload: bytes, at: datetime) -> Opened:
        match kind:
            case "batch":
                sealed = open_batch(payload, self._authority, at)
                return self._unsealed(lambda: unseal_batch(sealed, self._unsealer), at)
            case "status":
                return decode_status(payload, self._authority, at)
            case "report":
                return self._unsealed(lambda: decode_report(payload, self._authority, self._unsealer, at), at)
            case _:
                raise WireError("not a topic that devices write")

    def _unsealed(self, unseal: Callable[[], T], at: datetime) -> T:
        try:
            return unseal()
        except UnsealError:
            if self._keys is None or (self._keys_read is not None and abs(at - self._keys_read) < AGAIN):
                raise
        self._keys_read = at
        with contextlib.suppress(SigningError, ConfigError):  # then those that are known stay
            self._unsealer = self._keys()
        return unseal()


def signer_of(config: Config) -> Signer:
    """Return what signs this collector's answers. Raises: SigningError."""
    _, certificate, key = config.signing
    return Signer.load(certificate, key)


def device_of(opened: Opened) -> str:
    """Return whose it is."""
    return opened.batch.device if isinstance(opened, DecodedBatch) else opened.device
