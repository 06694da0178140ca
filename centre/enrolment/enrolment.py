"""Who gets a certificate: what the enrolment service and `ca sign` decide, without any network.

1. The request proves that its sender has the key: P-256, its own signature right (`ca_request`).
2. Enrolling: the device is in the registry, and the code is this device's, not expired, not used. What was there
   before of this device is revoked: a name is one device. The same code with the same key again, because the answer
   was lost, gives the same certificate; with another key it is refused.
3. Renewing: the certificate shown is a device's, known, not revoked; the key is a new one. What is older than the
   certificate shown is revoked; that one stays until it ends or is renewed past, as the answer may be lost.
4. Retiring: all certificates of the device are revoked, its codes are void; again, it is so already.

The certificate is in the registry, on the disk, before anybody gets it.
"""

import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from centre.authority.ca import Authority, CaError
from centre.authority.profile import LIFE, key_hash
from centre.authority.request import CsrError, Request
from centre.collecting.events import Event
from centre.devices.codes import CodeError, digest_of
from centre.devices.registry import Certificate, Code, Device, Registry, RegistryError
from centre.enrolment.events import CentreFailed, CrlWritten, Enrolled, ErrorCode, Renewed, Retired

SUPERSEDED = "superseded"
RETIRED = "retired"

BROKER_FAULTS = (OSError, RuntimeError, CaError, RegistryError)  # of telling the broker
Report = Callable[[Event], None]


class EnrolmentError(Exception):
    """A request that is refused: a code for programs, a line for people with the cure."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        """Refuse."""
        super().__init__(message)
        self.code = code


class Issued(NamedTuple):
    """A certificate for a device; `again` where it had been issued before."""

    device: Device
    certificate: Certificate
    again: bool


def nobody_to_tell(_names: list[str]) -> None:
    """Tell no broker."""


class Enrolment:
    """Decide about requests. `revoked` is called with the names whose certificates broke off just now."""

    def __init__(
        self,
        authority: Authority,
        registry: Registry,
        report: Report,
        *,
        life: timedelta = LIFE,
        revoked: Callable[[list[str]], None] = nobody_to_tell,
    ) -> None:
        """Decide for a CA and its registry."""
        self._authority = authority
        self._registry = registry
        self._report = report
        self._life = life
        self._revoked = revoked

    def enrol(self, name: str, typed_code: str, csr: bytes, at: datetime) -> Issued:
        """Give a device its first certificate for its one-time code.

        Raises: EnrolmentError, CaError, RegistryError.
        """
        request = _request(csr)
        digest = _digest(typed_code)
        with self._registry.change():
            device = self._device(name)
            code = self._code(digest, name)
            issued = self._used(device, code, request, at)
            if issued is None:
                if code.expires_at <= at:
                    raise EnrolmentError(
                        "code-expired", f"this code ended {code.expires_at:%F %R} UTC: ask for a new one"
                    )
                issued, broken_off = self._issue(device, request, at)
                self._registry.use_code(digest, issued.certificate.serial, at)
        if not issued.again and broken_off:
            self.publish([name], at)
        self._report(Enrolled(name, issued.certificate.serial, issued.again))
        return issued

    def sign(self, name: str, csr: bytes, at: datetime) -> Issued:
        """Give a device a certificate because the administrator says so, without a code.

        Raises: EnrolmentError, CaError, RegistryError.
        """
        request = _request(csr)
        with self._registry.change():
            device = self._device(name)
            if device.retired_at is not None:
                raise EnrolmentError("device-unknown", f"{name} is retired: run device add {name} to bring it back")
            again = self._known(name, request, at)
            issued, broken_off = (
                (Issued(device, again, again=True), False) if again else self._issue(device, request, at)
            )
        if broken_off:
            self.publish([name], at)
        self._report(Enrolled(name, issued.certificate.serial, issued.again))
        return issued

    def renew(self, serial: str, csr: bytes, at: datetime) -> Issued:
        """Give a device a new certificate for the one that it showed.

        Raises: EnrolmentError, CaError, RegistryError.
        """
        request = _request(csr)
        with self._registry.change():
            shown = self._shown(serial)
            device = self._device(shown.name)
            if shown.revoked_at is not None or device.retired_at is not None:
                raise EnrolmentError("certificate-revoked", "this certificate is revoked: ask for a new code and enrol")
            if key_hash(request.key) == shown.key:
                raise EnrolmentError("csr-bad", "this key has its certificate: make a new key to renew")
            again = self._known(shown.name, request, at)
            if again is None:
                certificate = self._put(device, request, at)
                older = [known.serial for known in self._before(shown)]
                self._registry.revoke(older, SUPERSEDED, at)
        if again is None:
            self.refresh(at)
        issued = Issued(device, again or certificate, again is not None)
        self._report(Renewed(device.name, issued.certificate.serial, issued.again))
        return issued

    def retire(self, serial: str, at: datetime) -> Device:
        """Take a device's certificates back because it says that it is no more; again, nothing is left to do.

        Raises: EnrolmentError, CaError, RegistryError.
        """
        with self._registry.change():
            shown = self._shown(serial)
            device = self._device(shown.name)
            if shown.revoked_at is not None and device.retired_at is None:
                raise EnrolmentError(
                    "certificate-revoked", "this certificate is revoked: the centre retires the device"
                )
            in_force = self._in_force(device.name)
            self._registry.revoke(in_force, RETIRED, at)
            self._registry.retire(device.name, at)
        if in_force:
            self.publish([device.name], at)
        self._report(Retired(device.name))
        return device

    def revoke(self, who: str, why: str, at: datetime) -> list[Certificate]:
        """Revoke all certificates of a name, or the one of a serial number; return them, none where there are none.

        Raises: RegistryError.
        """
        with self._registry.change():
            found = self._registry.certificates(who) or [one for one in [self._registry.certificate(who)] if one]
            self._registry.revoke([one.serial for one in found], why, at)
            if self._registry.device(who) is not None:
                self._registry.forget_codes(who)
        if found:
            self.publish(sorted({one.name for one in found if one.kind in {"device", "collector"}}), at)
        return [self._registry.certificate(one.serial) or one for one in found]

    def publish(self, names: list[str], at: datetime) -> None:
        """Bring revocations to the list and the broker; what fails is reported, and the next refresh tries again."""
        self._write_list(at)
        self._tell(names)

    def refresh(self, at: datetime) -> None:
        """Write the revocation list where it is not as it should be, and tell the broker; what fails is reported."""
        if self._write_list(at):
            self._tell([])  # or its list would be over one day, and it would refuse everybody

    def _write_list(self, at: datetime) -> bool:
        try:
            written = self._authority.renew_crl(self._registry, at)
        except (CaError, RegistryError) as error:
            self._report(CentreFailed(str(error)))
            return False
        if written:
            self._report(CrlWritten())
        return written

    def _tell(self, names: list[str]) -> None:
        try:
            self._revoked(names)
        except BROKER_FAULTS as error:
            self._report(CentreFailed(f"the broker was not told: {error}"))

    def _device(self, name: str) -> Device:
        device = self._registry.device(name)
        if device is None:
            raise EnrolmentError("device-unknown", "the centre knows no device of this name: add it there first")
        return device

    def _code(self, digest: bytes, name: str) -> Code:
        code = self._registry.code(digest)
        if code is None:
            raise EnrolmentError("code-wrong", "the code is wrong: check it, or ask for a new one")
        if not hmac.compare_digest(code.device.encode(), name.encode()):
            raise EnrolmentError("code-of-another-device", "this code is another device's: check the device's name")
        return code

    def _used(self, device: Device, code: Code, request: Request, at: datetime) -> Issued | None:
        """Return the certificate that a used code was for, to the same key; None where the code is unused."""
        if code.used_at is None:
            return None
        certificate = self._registry.certificate(code.serial or "")
        if certificate is None or not hmac.compare_digest(certificate.key, key_hash(request.key)):
            raise EnrolmentError("code-used", "this code was used for another key: ask for a new one")
        if certificate.not_after <= at:
            raise EnrolmentError("code-used", "this code was used, and its certificate is over: ask for a new code")
        if certificate.revoked_at is not None:
            raise EnrolmentError("certificate-revoked", "the certificate for this code is revoked: ask for a new code")
        return Issued(device, certificate, again=True)

    def _issue(self, device: Device, request: Request, at: datetime) -> tuple[Issued, bool]:
        """Issue, and revoke what the device had before; return the certificate, and whether there was any such."""
        before = self._in_force(device.name)
        self._registry.revoke(before, SUPERSEDED, at)
        return Issued(device, self._put(device, request, at), again=False), bool(before)

    def _put(self, device: Device, request: Request, at: datetime) -> Certificate:
        certificate = self._authority.sign(request.key, "device", [device.name], at, self._life)
        self._registry.put_certificate(certificate)
        return certificate

    def _known(self, name: str, request: Request, at: datetime) -> Certificate | None:
        """Return the certificate in force that this device has for this very key."""
        wanted = key_hash(request.key)
        known = (one for one in self._of_device(name) if one.revoked_at is None and one.not_after > at)
        return next((one for one in known if one.key == wanted), None)

    def _shown(self, serial: str) -> Certificate:
        certificate = self._registry.certificate(serial)
        if certificate is None or certificate.kind != "device":
            raise EnrolmentError("device-unknown", "the centre knows no device with this certificate: enrol anew")
        return certificate

    def _before(self, shown: Certificate) -> list[Certificate]:
        known = self._of_device(shown.name)
        return known[: next(place for place, one in enumerate(known) if one.serial == shown.serial)]

    def _in_force(self, name: str) -> list[str]:
        return [one.serial for one in self._of_device(name) if one.revoked_at is None]

    def _of_device(self, name: str) -> list[Certificate]:
        """Return a device's certificates; a server may be called like it (`broker`), and is somebody else."""
        return [one for one in self._registry.certificates(name) if one.kind == "device"]


def _request(csr: bytes) -> Request:
    try:
        return Request(csr)
    except CsrError as error:
        raise EnrolmentError("csr-bad", str(error)) from None


def _digest(typed: str) -> bytes:
    try:
        return digest_of(typed)
    except CodeError as error:
        raise EnrolmentError("code-wrong", f"this is no code: {error}") from None
