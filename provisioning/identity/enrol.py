"""`greengate enrol`: a device of its own out of a machine: key, certificate, trust data, configuration."""

from pathlib import Path
from typing import Annotated

import typer

from drivers.clock import open_clock
from provisioning.alone import alone
from provisioning.config_file import values_in
from provisioning.durable import write_durably
from provisioning.exits import Exit
from provisioning.identity.enrolment import Enrolment, present_wishes
from provisioning.identity.keys import CertificateError, holder
from provisioning.identity.options import Said, understood
from provisioning.identity.questions import Questions
from provisioning.identity.telling import TOPIC, telling
from provisioning.identity.trust_copy import ROOT, check_trust, is_repository, usable_trust
from provisioning.identity.wishes import Wishes
from provisioning.layout import THIS_MACHINE, Layout, RootOption
from provisioning.plan import Step, carry_out
from provisioning.talk import DryRunOption, JsonOption, LangOption, Talk
from provisioning.units import Systemd

CentreOption = Annotated[str | None, typer.Option("--centre", metavar="URL", help="The centre's enrolment service.")]
PinOption = Annotated[
    str | None, typer.Option("--ca-fingerprint", metavar="sha256:HEX", help="What its authority is known by.")
]
NameOption = Annotated[str | None, typer.Option("--name", help="The device's name at the centre: a-z, 0-9 and -.")]
SiteOption = Annotated[str | None, typer.Option("--site", help="Where it stands; else what the centre knows.")]
LaneOption = Annotated[str | None, typer.Option("--lane", help="Its lane there; else what the centre knows.")]
DirectionOption = Annotated[str | None, typer.Option("--direction", metavar="in|out", help="Which way people pass.")]
BrokerOption = Annotated[str | None, typer.Option("--broker", metavar="HOST[:PORT]", help="The message broker.")]
CameraOption = Annotated[
    str | None, typer.Option("--camera", metavar="KIND[:SOURCE]", help="picamera2, opencv:/dev/video0, simulated.")
]
RedOption = Annotated[int | None, typer.Option("--red-pin", metavar="BCM", help="The red lamp's pin.")]
GreenOption = Annotated[int | None, typer.Option("--green-pin", metavar="BCM", help="The green lamp's pin.")]
SimulatedOption = Annotated[bool, typer.Option("--simulated-lamps", help="There are no lamps.")]
TrustOption = Annotated[
    str | None, typer.Option("--trust", metavar="FOLDER", help="A published trust repository to bring along, or files.")
]
TrustUrlOption = Annotated[
    str | None, typer.Option("--trust-url", metavar="URL", help="Where newer trust is published: https://...")
]
ProvinceOption = Annotated[
    str | None, typer.Option("--province", metavar="CODE", help="Whose rules hold here too: ISO 3166-2, such as vn-sg.")
]
CsrOption = Annotated[Path | None, typer.Option("--csr", metavar="FILE", help="No network: write the request here.")]
CertificateOption = Annotated[
    Path | None, typer.Option("--certificate", metavar="FILE", help="No network: take what the centre signed.")
]
AgainOption = Annotated[bool, typer.Option("--again", help="Replace the identity that there is.")]


def enrol(
    centre: CentreOption = None,
    ca_fingerprint: PinOption = None,
    name: NameOption = None,
    site: SiteOption = None,
    lane: LaneOption = None,
    direction: DirectionOption = None,
    broker: BrokerOption = None,
    camera: CameraOption = None,
    red_pin: RedOption = None,
    green_pin: GreenOption = None,
    simulated_lamps: SimulatedOption = False,  # noqa: FBT002 - typer makes a flag of it
    trust: TrustOption = None,
    trust_url: TrustUrlOption = None,
    province: ProvinceOption = None,
    csr: CsrOption = None,
    certificate: CertificateOption = None,
    again: AgainOption = False,  # noqa: FBT002 - as above
    root: RootOption = THIS_MACHINE,
    lang: LangOption = None,
    dry_run: DryRunOption = False,  # noqa: FBT002 - as above
    as_json: JsonOption = False,  # noqa: FBT002 - as above
) -> None:
    """Make this machine a device of the centre's. What no option says is asked; the one-time code is only asked.

    Example: greengate enrol --centre https://centre.example:8443 --name gate-1

    The key is made here and never leaves. The code comes from standard input: typed unseen, or from a pipe. Whatever
    stops it, the same command goes on where it stopped. Without a network: --csr FILE, have the centre sign it
    (greengate-centre ca sign FILE), then --certificate FILE.

    Exit codes: 0 enrolled, 2 wrong usage, 65 refused (code, fingerprint, certificate), 66 no such file, 69 programs not
    restarted, 73 not written, 75 the centre is away, 77 not root, 78 configuration unusable, 130 stopped.
    """
    talk = Talk(TOPIC, lang, as_json=as_json)
    said = Said(
        centre, ca_fingerprint, name, site, lane, direction, broker, camera, red_pin, green_pin, simulated_lamps, trust,
        trust_url, province,
    )  # fmt: skip
    layout = Layout(root)
    if layout.here:
        talk.need_root()
    with telling(talk):
        wishes = understood(said)
        if csr and certificate:
            talk.fail(Exit.USAGE, "csr-or-certificate")
        with alone(layout, talk):
            run = _Run(Enrolment(layout, Systemd(), open_clock("system").now()), talk, dry_run=dry_run)
            if run.nothing_to_do(wishes, again=again):
                return
            run.begin(wishes)
            if csr:
                run.write_request(csr)
            else:
                run.enrol(certificate)


class _Run:
    """One run of the command: what is known, and what is done with it."""

    def __init__(self, enrolment: Enrolment, talk: Talk, *, dry_run: bool) -> None:
        self._enrolment = enrolment
        self._talk = talk
        self._dry_run = dry_run
        self._wishes = Wishes()
        self._present = present_wishes(values_in(enrolment.layout.config))
        self._questions = Questions(talk)

    def nothing_to_do(self, wishes: Wishes, *, again: bool) -> bool:
        """Say so where the device is enrolled, and nothing is under way; fail where that is over, or another device."""
        identity = self._enrolment.identity
        current = identity.current
        if current is None or again or identity.pending.there():
            return False
        try:
            name, until = holder(current.get("device.pem") or b"")
        except CertificateError:
            raise CertificateError("identity-damaged") from None
        if wishes.name not in {None, name}:
            self._talk.fail(Exit.DATA, "another-identity", name=name)
        if until <= self._enrolment.at:
            self._talk.fail(Exit.DATA, "renew-too-late", name=name, until=f"{until:%Y-%m-%d}")
        if not self._dry_run:
            identity.forget_old()
        self._talk.say("already-enrolled", name=name, until=f"{until:%Y-%m-%d}")
        return True

    def begin(self, wishes: Wishes) -> None:
        """Take up what was begun, unless it was for another name."""
        kept = self._enrolment.kept()
        if wishes.name and kept.name not in {None, wishes.name}:
            self._talk.say("started-anew", name=wishes.name, before=kept.name)
            kept = Wishes()
            if not self._dry_run:
                self._enrolment.identity.pending.wipe()
        self._wishes = wishes.over(kept)

    def write_request(self, file: Path) -> None:
        """Write the request to a file, for the centre to sign."""
        if not self._dry_run:
            self._know(self._questions.name(self._wishes, self._default_name()))
        name = self._wishes.name or "?"
        steps = [*self._own_steps(name), Step("step-csr", lambda: self._write(file), {"file": str(file)})]
        if carry_out(steps, self._talk, dry_run=self._dry_run):
            self._talk.say("take-to-centre", file=str(file), name=name)

    def enrol(self, file: Path | None) -> None:
        """Go all the way, with the centre's answer from the network or from a file."""
        needs_centre = not self._enrolment.certified()
        if not self._dry_run:
            self._ask_first(file, needs_centre=needs_centre)
        if needs_centre and not self._certify(file):
            return self._plan_rest()
        if not self._dry_run:
            self._know(self._questions.place(self._wishes, self._present))
        carry_out(self._last_steps(), self._talk, dry_run=self._dry_run)
        if not self._dry_run:
            self._talk.say("enrolled", name=self._wishes.name)
        return None

    def _plan_rest(self) -> None:
        carry_out(self._last_steps(), self._talk, dry_run=True)

    def _ask_first(self, file: Path | None, *, needs_centre: bool) -> None:
        wishes, ask = self._wishes, self._questions
        if needs_centre:
            wishes = ask.fingerprint(wishes) if file else ask.centre(wishes)
        wishes = ask.name(wishes, self._default_name())
        trust = self._enrolment.layout.trust
        wishes = ask.devices(wishes, self._present, str(trust) if usable_trust(trust) else None)
        if wishes.trust and not wishes.trusts_simulation and not is_repository(Path(wishes.trust)):
            check_trust(Path(wishes.trust), real=wishes.lamps is not None and wishes.lamps.red_pin is not None)
        if wishes.trust_url and not (is_repository(Path(wishes.trust or "")) or (trust / ROOT).is_file()):
            self._talk.fail(Exit.USAGE, "trust-url-without-root")
        self._know(wishes)

    def _certify(self, file: Path | None) -> bool:
        """Come by the certificate; return whether that was done, not only shown."""
        wishes, enrolment = self._wishes, self._enrolment
        name, centre, pin = wishes.name or "?", wishes.centre or "?", wishes.ca_fingerprint or "?"
        if file:
            step = Step("step-file", lambda: self._know(enrolment.take_file(self._wishes, file)), {"file": str(file)})
            return carry_out([step], self._talk, dry_run=self._dry_run)
        steps = [
            *self._own_steps(name),
            Step("step-ca", lambda: enrolment.pin_ca(centre, pin), {"centre": centre, "pin": pin}),
        ]
        done = carry_out(steps, self._talk, dry_run=self._dry_run)
        code = self._questions.code() if done else ""
        step = Step("step-ask", lambda: self._know(enrolment.ask_centre(self._wishes, code)), {"centre": centre})
        return carry_out([step], self._talk, dry_run=self._dry_run)

    def _own_steps(self, name: str) -> list[Step]:
        make_request = Step("step-request", lambda: self._enrolment.make_request(name), {"name": name})
        return [Step("step-key", self._enrolment.make_key), make_request]

    def _last_steps(self) -> list[Step]:
        enrolment, wishes, layout = self._enrolment, self._wishes, self._enrolment.layout
        steps = [Step("step-install", lambda: enrolment.install(wishes), {"folder": str(layout.identity)})]
        if wishes.trust and not wishes.trusts_simulation:
            values: dict[str, object] = {"source": wishes.trust, "folder": str(layout.trust)}
            steps.append(Step("step-trust", lambda: self._bring_trust(wishes), values))
        return [
            *steps,
            Step("step-config", lambda: enrolment.configure(wishes, self._talk.lang), {"file": str(layout.config)}),
            Step("step-units", enrolment.tell_units),
            Step("step-finish", enrolment.finish),
        ]

    def _bring_trust(self, wishes: Wishes) -> None:
        why = self._enrolment.bring_trust(wishes, self._talk.lang)
        if why is not None:
            self._talk.warn("province-untaken", province=wishes.province, why=why)

    def _know(self, wishes: Wishes) -> None:
        self._wishes = wishes
        if not self._dry_run:
            self._enrolment.keep(wishes)

    def _write(self, file: Path) -> None:
        write_durably(file, self._enrolment.request_pem(), mode=0o644)

    def _default_name(self) -> str | None:
        return None if self._present.camera and self._present.camera[0] == "simulated" else self._present.name
