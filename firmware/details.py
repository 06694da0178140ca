"""A holder's details, where a profile asks for them: sealed to the centre the moment they are recorded (pure).

They are bound to their device and check-in: moved to another one, nobody can unseal them.
"""

from collections.abc import Mapping
from uuid import UUID

from firmware.checkin import MAX_DETAILS_BYTES
from firmware.detail_names import DETAILS, Detail
from firmware.sealing import KEY_ID_BYTES, SEALED_EXTRA_BYTES, Recipient, Unsealer
from firmware.wire_cbor import WireError, dumps, loads, require

VERSION = 1
TEXT_MAX_BYTES = 192  # ours: two of these and their names fit; a name of 80 Vietnamese characters has about 160
_CONTEXT = b"greengate/v1/details"


def seal_details(details: Mapping[Detail, str], device: str, checkin: UUID, recipient: Recipient) -> bytes | None:
    """Return details as a check-in holds them, None where there are none; longer texts are cut."""
    values: list[object] = [VERSION]
    for name in DETAILS:
        if text := details.get(name):
            values += [name, text.encode("utf-8", "ignore")[:TEXT_MAX_BYTES].decode("utf-8", "ignore")]
    if len(values) == 1:
        return None
    return recipient.key_id + recipient.seal(dumps(values), _context(device, checkin))


def unseal_details(sealed: bytes, device: str, checkin: UUID, keys: Unsealer) -> dict[str, str]:
    """Return the details in a check-in. Raises: WireError, UnsealError."""
    require(KEY_ID_BYTES + SEALED_EXTRA_BYTES < len(sealed) <= MAX_DETAILS_BYTES, "details have a wrong length")
    values = loads(keys.unseal(sealed[:KEY_ID_BYTES], sealed[KEY_ID_BYTES:], _context(device, checkin)))
    require(len(values) % 2 == 1 and type(values[0]) is int and values[0] == VERSION, "details are not as written")
    names, texts = values[1::2], values[2::2]
    require(all(name in DETAILS for name in names if type(name) is str), "details are not as written")
    if not all(type(value) is str for value in values[1:]):
        raise WireError("details are not as written")
    return dict(zip(names, texts, strict=True))


def _context(device: str, checkin: UUID) -> bytes:
    return _CONTEXT + dumps([VERSION, device, checkin.bytes])
