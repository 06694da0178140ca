"""`greengate prepare`: a blank system's card becomes a kiosk's; its first boot does the rest."""

from pathlib import Path
from typing import Annotated

import typer

from provisioning.card.boot_config import RTCS
from provisioning.card.cloud import Wifi, wifi
from provisioning.card.errors import CardError
from provisioning.card.files import Kiosk
from provisioning.card.steps import steps
from provisioning.card.target import open_target
from provisioning.exits import Exit
from provisioning.identity.code import CodeShapeError, plain
from provisioning.identity.options import Said, understood
from provisioning.identity.telling import TOPIC, telling
from provisioning.identity.trust_copy import is_repository
from provisioning.plan import carry_out
from provisioning.talk import DryRunOption, JsonOption, LangOption, Talk, YesOption

KEY_MAX_BYTES = 16 * 1024

Target = Annotated[
    Path, typer.Argument(metavar="DEVICE|BOOT_FOLDER|IMAGE", help="The card, with a system written to it.")
]
Site = Annotated[str | None, typer.Option(help="Where it stands: asked for where it is not said.")]
Lane = Annotated[str | None, typer.Option(help="Which lane of the site.")]
Name = Annotated[str | None, typer.Option(help="The device's name at the centre: a-z, 0-9 and -.")]
Direction = Annotated[str, typer.Option(metavar="in|out", help="What a green light counts as.")]
Broker = Annotated[str | None, typer.Option(metavar="HOST[:PORT]", help="The centre's broker.")]
Centre = Annotated[str | None, typer.Option(metavar="URL", help="Where it enrols: https://HOST:PORT.")]
Fingerprint = Annotated[
    str | None, typer.Option(metavar="sha256:HEX", help="What the CA is known by: greengate-centre ca init says it.")
]
Code = Annotated[bool, typer.Option("--code", help="Read the one-time code from standard input, to enrol by itself.")]
Ssid = Annotated[str | None, typer.Option("--wifi", metavar="SSID", help="Its passphrase is asked for.")]
Country = Annotated[str, typer.Option(metavar="CC", help="Whose radio rules apply, ISO 3166-1.")]
Camera = Annotated[str | None, typer.Option(metavar="KIND:SOURCE", help="picamera2:0, opencv:/dev/video0.")]
RedPin = Annotated[int | None, typer.Option(metavar="BCM", help="The red lamp's pin.")]
GreenPin = Annotated[int | None, typer.Option(metavar="BCM", help="The green lamp's pin.")]
Rtc = Annotated[str | None, typer.Option(metavar="CHIP", help=f"A clock chip on I2C: {', '.join(RTCS)}.")]
TrustOption = Annotated[
    Path | None,
    typer.Option("--trust", metavar="FOLDER", help="A published trust repository, or plain files."),
]
TrustUrl = Annotated[str | None, typer.Option(metavar="URL", help="Where newer trust is published: https://...")]
Province = Annotated[
    str | None, typer.Option(metavar="CODE", help="Whose rules hold here too: ISO 3166-2, such as vn-sg.")
]
Package = Annotated[Path | None, typer.Option(metavar="DEB", help="The package to install (make deb).")]
SshKey = Annotated[Path | None, typer.Option(metavar="FILE", help="A public key that may log in as technician.")]


def prepare(
    target: Target,
    name: Name = None,
    site: Site = None,
    lane: Lane = None,
    direction: Direction = "in",
    broker: Broker = None,
    centre: Centre = None,
    ca_fingerprint: Fingerprint = None,
    code: Code = False,  # noqa: FBT002 - typer makes a flag of it
    ssid: Ssid = None,
    country: Country = "VN",
    camera: Camera = None,
    red_pin: RedPin = None,
    green_pin: GreenPin = None,
    rtc: Rtc = None,
    trust: TrustOption = None,
    trust_url: TrustUrl = None,
    province: Province = None,
    package: Package = None,
    ssh_key: SshKey = None,
    dry_run: DryRunOption = False,  # noqa: FBT002 - typer makes a flag of it
    yes: YesOption = False,  # noqa: FBT002 - typer makes a flag of it
    lang: LangOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - typer makes a flag of it
) -> None:
    """Write what a kiosk's first boot needs to the boot partition of its card.

    Example: greengate prepare --name kiosk-7 --site "Ben Thanh" --lane A --broker broker.example:8883
    --centre https://centre.example:8443 --ca-fingerprint sha256:... --code --wifi Gate --trust trust
    --package greengate_0.1.0~deb13_arm64.deb /dev/sdb

    The card must have Raspberry Pi OS (trixie) on it, or be a FAT volume CIDATA for Debian's cloud images. The code
    and the Wi-Fi's key are erased from it at the first boot. Shows a plan and asks. Without a terminal, standard
    input gives the Wi-Fi's passphrase in its first line and the code in the next.

    Exit codes: 0 written, 2 wrong usage or wrong disk, 65 what was given cannot be used, 66 not there, 69 a tool is
    missing, 73 the card cannot be written, 77 no permission, 78 the configuration would be wrong, 130 not agreed to.
    """
    talk = Talk("prepare", lang, as_json=as_json)
    with telling(Talk(TOPIC, lang, as_json=as_json)):
        wishes = understood(
            Said(
                centre=centre,
                ca_fingerprint=ca_fingerprint,
                name=name or talk.ask("ask-name", flag="--name"),
                site=site or talk.ask("ask-site", flag="--site"),
                lane=lane or talk.ask("ask-lane", flag="--lane"),
                direction=direction,
                broker=broker or talk.ask("ask-broker", flag="--broker"),
                camera=camera,
                red_pin=red_pin,
                green_pin=green_pin,
                trust_url=trust_url,
                province=province,
            )
        )
    if trust is None and any(pin is not None for pin in wishes.lamps or ()):
        talk.fail(Exit.USAGE, "trust-needed")
    if trust_url is not None and (trust is None or not is_repository(trust)):
        talk.fail(Exit.USAGE, "trust-url-without-root")
    if rtc is not None and rtc not in RTCS:
        talk.fail(Exit.USAGE, "rtc-unknown", rtc=rtc, known=", ".join(RTCS))
    if (code or wishes.centre or wishes.ca_fingerprint) and not (wishes.centre and wishes.ca_fingerprint):
        talk.fail(Exit.USAGE, "centre-incomplete")
    try:
        with open_target(target) as volume:
            kiosk = Kiosk(
                wishes=wishes,
                wifi=_wifi(ssid, country, talk, dry_run=dry_run),  # asked for first: so the docstring says
                code=_code(talk) if code and not dry_run else None,
                trust=trust,
                package=package,
                ssh_key=_public_key(ssh_key, talk),
                rtc=rtc,
            )
            plan = steps(
                kiosk, volume, target, talk.lang, lambda why: talk.warn("province-untaken", province=province, why=why)
            )
            if not carry_out(plan, talk, dry_run=dry_run, yes=yes):
                return
    except CardError as error:
        talk.fail(error.exit, error.code, **error.values)
    talk.say("prepared", target=str(target), name=kiosk.name)


def _wifi(ssid: str | None, country: str, talk: Talk, *, dry_run: bool) -> Wifi | None:
    if ssid is None or dry_run:  # the plan is the same: network-config is written anyway
        return None
    passphrase = talk.ask("ask-wifi", flag="--wifi", secret=True, ssid=ssid)
    try:
        return wifi(ssid, passphrase, country)
    except ValueError as error:
        talk.fail(Exit.USAGE, f"wifi-{error}")


def _code(talk: Talk) -> str:
    try:
        return plain(talk.ask("ask-code", flag="--code", secret=True))
    except CodeShapeError as error:
        talk.fail(Exit.DATA, "code-shape", n=error.n)


def _public_key(path: Path | None, talk: Talk) -> str | None:
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            text = file.read(KEY_MAX_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError):
        talk.fail(Exit.NO_INPUT, "ssh-key-unreadable", file=str(path))
    if not text.startswith(("ssh-", "ecdsa-", "sk-")) or "\n" in text:  # a private key begins with dashes
        talk.fail(Exit.DATA, "ssh-key-wrong", file=str(path))
    return text
