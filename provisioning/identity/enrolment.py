"""An enrolment's steps, from key to running programs. Each does nothing where it was done before.

1. `make_key`, `make_request`: `pending/` holds key and request.
2. `pin_ca`: the CA's certificate is fetched, unverified, and is the one whose fingerprint was told.
3. `ask_centre`: the request goes out with the one-time code; the answer is checked and kept. Or `take_file`.
4. `install`, `bring_trust`, `configure`, `tell_units`: identity, trust data, configuration, programs.
5. `finish`: `pending/` goes.
"""

from datetime import datetime
from pathlib import Path

import msgspec

from firmware.config import load_config_text
from provisioning.config_file import (
    IN_SIMULATION,
    ON_AN_APPLIANCE,
    identity_values,
    render,
    values_in,
    write_config,
)
from provisioning.durable import read_bounded
from provisioning.identity.client import Centre, parse_address
from provisioning.identity.folder import CA, CENTRE, CERTIFICATE, KEY, ORIGIN, Identity
from provisioning.identity.keys import (
    PEM_MAX_BYTES,
    CertificateError,
    centre_keys,
    certificates,
    fingerprint,
    new_key,
    own_certificate,
    parts,
    pinned_ca,
    request,
    request_fits,
)
from provisioning.identity.trust_copy import bring_trust
from provisioning.identity.wishes import SIMULATED, SIMULATED_TRUST, Lamps, Wishes, of_bytes, of_settings
from provisioning.layout import Layout
from provisioning.units import PROGRAMS, Units
from provisioning.words import Lang

REQUEST, WISHES = "request.csr", "wishes.json"
VERSION = 1  # of the configuration
NO_KEYS = b""  # to seal to: of a centre that gives none, `greengate renew` fetches them once it does


class Origin(msgspec.Struct, frozen=True):
    """Where an identity comes from; `centre` is None where it came on a stick."""

    name: str
    centre: str | None
    ca_fingerprint: str


class Enrolment:
    """One device's enrolment, at a moment (aware)."""

    def __init__(self, layout: Layout, units: Units, at: datetime) -> None:
        self.layout = layout
        self.identity = Identity(layout.identity)
        self._units = units
        self.at = at
        self._pending = self.identity.pending

    def kept(self) -> Wishes:
        """Return what was wanted before, where an enrolment is under way."""
        return of_bytes(self._pending.get(WISHES))

    def keep(self, wishes: Wishes) -> None:
        """Keep what is wanted, so that the same command goes on without being told again."""
        data = msgspec.json.encode(wishes)
        if self._pending.get(WISHES) != data:
            self._pending.put(WISHES, data)

    def certified(self) -> bool:
        """Tell whether the centre has answered, so that no code is needed any more."""
        return self._pending.get(CERTIFICATE) is not None

    def make_key(self) -> None:
        """Make the device's key, here and for good."""
        if self._pending.get(KEY) is None:
            self._pending.put(KEY, new_key())

    def make_request(self, name: str) -> None:
        """Make the request for a certificate."""
        key, csr = self._made(KEY), self._pending.get(REQUEST)
        if csr is None or not request_fits(csr, key, name):
            self._pending.put(REQUEST, request(key, name))

    def request_pem(self) -> bytes:
        """Return the request."""
        return self._made(REQUEST)

    def pin_ca(self, centre: str, pinned: str) -> None:
        """Fetch the CA's certificate and compare it with the fingerprint."""
        known = self._pending.get(CA)
        if known is not None and fingerprint(certificates(known)[0]) == pinned:
            return
        self._pending.put(CA, pinned_ca(_centre(centre).ca_certificate(), pinned, self.at))

    def ask_centre(self, wishes: Wishes, code: str) -> Wishes:
        """Have the certificate issued; return what is known with what the centre knows, kept."""
        name, ca = str(wishes.name), self._made(CA)
        answer = _centre(str(wishes.centre), ca).enrol(name, code, self.request_pem())
        certificate = own_certificate(answer.certificate.encode(), self._made(KEY), ca, name, self.at)
        keys = centre_keys(answer.centre.encode(), ca) if answer.centre else NO_KEYS
        return self._certified(certificate, keys, wishes.over(of_settings(answer.settings)))

    def take_file(self, wishes: Wishes, file: Path) -> Wishes:
        """Take the device's certificate, the CA's, and those to seal to from a file of the centre's."""
        name, found = str(wishes.name), read_bounded(file, PEM_MAX_BYTES)
        own, between, last = parts(found)
        ca = pinned_ca(last, str(wishes.ca_fingerprint), self.at)
        certificate = own_certificate(own, self._made(KEY), ca, name, self.at)
        keys = centre_keys(between, ca) if between else NO_KEYS
        self._pending.put(CA, ca)
        return self._certified(certificate, keys, wishes)

    def install(self, wishes: Wishes) -> None:
        """Put the identity in use."""
        origin = Origin(str(wishes.name), wishes.centre, str(wishes.ca_fingerprint))
        self._pending.put(ORIGIN, msgspec.json.encode(origin))
        self.identity.adopt(self._pending)

    def bring_trust(self, wishes: Wishes, lang: Lang) -> str | None:
        """Bring the trust data; return why the province's part could not be taken, None where it could."""
        config = load_config_text(self._rendered(wishes, lang), self.layout.config.parent)
        return bring_trust(Path(str(wishes.trust)), self.layout.trust, config)

    def configure(self, wishes: Wishes, lang: Lang) -> None:
        """Write the configuration."""
        write_config(self.layout.config, self._rendered(wishes, lang))

    def tell_units(self) -> None:
        """Have the programs start anew, where they are installed and something runs them."""
        tell_installed(self.layout, self._units, "restart", *PROGRAMS)

    def finish(self) -> None:
        """Clear away what only the enrolment needed."""
        self.identity.renewal.wipe()  # of the identity before
        self.identity.forget_old()
        self._pending.wipe()

    def _certified(self, certificate: bytes, keys: bytes, wishes: Wishes) -> Wishes:
        self.keep(wishes)  # first: with the certificate there, the centre is not asked again
        self._pending.put(CENTRE, keys)
        self._pending.put(CERTIFICATE, certificate)
        return wishes

    def _rendered(self, wishes: Wishes, lang: Lang) -> str:
        return render(configuration(wishes, values_in(self.layout.config)), lang)

    def _made(self, name: str) -> bytes:
        data = self._pending.get(name)
        if data is None:
            raise CertificateError("no-key-yet")
        return data


def tell_installed(layout: Layout, units: Units, verb: str, *names: str) -> None:
    """Tell those of some units that are installed on this machine. Raises: UnitsError."""
    if not layout.here or not units.known():
        return
    there = [name for name in names if units.properties(name, ["LoadState"]).get("LoadState") == "loaded"]
    if there:
        units.tell(verb, *there)


def configuration(wishes: Wishes, present: dict[str, object]) -> dict[str, object]:
    """Return the configuration's values: what is wanted, and of the present one what nobody said otherwise."""
    kind, source = wishes.camera or (SIMULATED, str(IN_SIMULATION["camera.source"]))
    lamps = wishes.lamps or Lamps(None, None)
    simulated = lamps.red_pin is None
    values = present | ON_AN_APPLIANCE | identity_values()
    values |= {"device.name": wishes.name, "device.site": wishes.site, "device.lane": wishes.lane}
    values |= {"device.direction": wishes.direction}
    values |= {"camera.kind": kind, "camera.source": source}
    values |= {"signal.kind": SIMULATED if simulated else "gpio"}
    values |= {"signal.red_pin": lamps.red_pin, "signal.green_pin": lamps.green_pin}
    values |= {"broker.host": wishes.broker_host, "broker.port": wishes.broker_port}
    values |= {"trust.folder": SIMULATED_TRUST} if wishes.trusts_simulation else {}
    repository = {"trust.url": wishes.trust_url, "trust.province": wishes.province}
    values |= {key: value for key, value in repository.items() if value is not None}  # else what is there stays
    gone = {"signal.history", "run.service", "run.test"}
    gone |= set() if simulated else {"clock.kind"}  # real lamps want a clock that proves itself
    gone |= set() if kind == SIMULATED else {"camera.seed"}
    return {"version": VERSION, **{key: value for key, value in values.items() if key not in gone and key != "version"}}


def present_wishes(values: dict[str, object]) -> Wishes:
    """Return what the present configuration says, as defaults; what it cannot be is left out."""
    red, green = values.get("signal.red_pin"), values.get("signal.green_pin")
    lamps = (red, green) if red is not None and green is not None else None
    kind, source = values.get("camera.kind"), values.get("camera.source")
    said = {
        "name": values.get("device.name"),
        "site": values.get("device.site"),
        "lane": values.get("device.lane"),
        "direction": values.get("device.direction"),
        "broker_host": values.get("broker.host"),
        "camera": (kind, source) if kind and source else None,
        "lamps": lamps,
    }
    try:
        return msgspec.convert(said, Wishes)
    except msgspec.ValidationError:
        return Wishes()


def _centre(url: str, ca: bytes | None = None, identity: Path | None = None) -> Centre:
    address = parse_address(url)
    if address is None:
        raise CertificateError("centre-wrong", text=url)
    return Centre(address, ca, identity)
