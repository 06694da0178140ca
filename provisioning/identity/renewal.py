"""A renewal's steps: another key, another certificate for the present one, and the swap. Each can be repeated.

And what the device seals to, where the centre has other keys than those here.
"""

from datetime import datetime
from pathlib import Path

import msgspec

from provisioning.config_file import values_in
from provisioning.exits import Exit
from provisioning.identity.client import Centre, CentreError, parse_address
from provisioning.identity.enrolment import NO_KEYS, REQUEST, Origin, tell_installed
from provisioning.identity.folder import CA, CENTRE, CERTIFICATE, KEY, ORIGIN, Identity, Workplace
from provisioning.identity.keys import (
    CertificateError,
    centre_keys,
    holder,
    is_due,
    new_key,
    own_certificate,
    request,
    request_fits,
)
from provisioning.layout import Layout
from provisioning.units import Units

UPLINK = "greengate-uplink"  # the one program that holds a copy of the key
GATE = "greengate-gate"  # seals details, where a profile asks for any


class Present:
    """The identity in use, and the centre that it comes from."""

    def __init__(self, place: Workplace) -> None:
        """Read an identity. Raises: CertificateError, OSError."""
        self.folder: Path = place.folder
        self.ca = place.get(CA) or b""
        self.certificate = place.get(CERTIFICATE) or b""
        self.keys = place.get(CENTRE) or NO_KEYS
        self.name, self.until = holder(self.certificate)
        try:
            self.origin = msgspec.json.decode(place.get(ORIGIN) or b"", type=Origin)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise CertificateError("identity-damaged") from None

    def due(self, at: datetime) -> bool:
        """Tell whether it is to be renewed."""
        return is_due(self.certificate, at)

    def centre(self) -> Centre:
        """Return the centre, to which this identity is shown. Raises: CertificateError where none is known."""
        address = parse_address(self.origin.centre or "")
        if address is None:
            raise CertificateError("no-centre-known", name=self.name)
        return Centre(address, self.ca, self.folder)


class Renewal:
    """One renewal of an identity, at a moment (aware)."""

    def __init__(self, layout: Layout, present: Present, units: Units, at: datetime) -> None:
        self.layout = layout
        self.identity = Identity(layout.identity)
        self._present = present
        self._units = units
        self._at = at
        self._place = self.identity.renewal

    def make_key(self) -> None:
        """Make the next key and its request; of a renewal that was stopped they are there."""
        key, name = self._place.get(KEY), self._present.name
        if key is None:
            key = new_key()
            self._place.put(KEY, key)
        csr = self._place.get(REQUEST)
        if csr is None or not request_fits(csr, key, name):
            self._place.put(REQUEST, request(key, name))

    def ask_centre(self) -> None:
        """Have the centre issue the next certificate."""
        if self._place.get(CERTIFICATE) is not None:
            return
        answer = self._present.centre().renew(self._place.get(REQUEST) or b"")
        key = self._place.get(KEY) or b""
        certificate = own_certificate(answer.certificate.encode(), key, self._present.ca, self._present.name, self._at)
        self._place.put(CENTRE, self._present.keys)
        self._place.put(CA, self._present.ca)
        self._place.put(ORIGIN, msgspec.json.encode(self._present.origin))
        self._place.put(CERTIFICATE, certificate)

    def install(self) -> None:
        """Put the next identity in use."""
        self.identity.adopt(self._place)

    def finish(self) -> None:
        """Have the uplink take it, and forget the one before."""
        tell_installed(self.layout, self._units, "restart", UPLINK)
        self.identity.forget_old()
        self._place.wipe()

    def bring_keys(self) -> bool:
        """Take what to seal to from the centre where it has other keys; return whether it had."""
        current = self.identity.current
        present = self._present if current is None else Present(current)
        keys = centre_keys(present.centre().centre_keys(), present.ca)
        if current is None or keys == present.keys:
            return False
        current.put(CENTRE, keys)
        sealing = [UPLINK, GATE] if values_in(self.layout.config).get("profile.details") else [UPLINK]
        tell_installed(self.layout, self._units, "restart", *sealing)
        return True

    def look_for_keys(self) -> bool:
        """Do as `bring_keys`, where that can wait: with keys here, a centre that cannot be asked is no fault."""
        try:
            return self.bring_keys()
        except CentreError as error:
            if error.exit != Exit.TRY_AGAIN or not self._present.keys:
                raise
        except CertificateError as error:
            if error.code != "no-centre-known" or not self._present.keys:
                raise
        return False
