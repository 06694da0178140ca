"""`greengate first-boot`: what the card's boot partition brings becomes this kiosk; its secrets are erased there.

provisioning/identity/README.md lists the files. Trust data and configuration come first, so that the kiosk is in
service even where the centre is away; its check-ins wait. The same command goes on wherever it was stopped.
"""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from drivers.clock import open_clock
from firmware.config import CONFIG_MAX_BYTES, Config, ConfigError, load_config_text
from firmware.sync_errors import RefusedError
from provisioning.alone import alone
from provisioning.config_file import write_config
from provisioning.durable import read_bounded
from provisioning.exits import Exit
from provisioning.identity.code import CodeShapeError, plain
from provisioning.identity.enrolment import Enrolment, tell_installed
from provisioning.identity.folder import CERTIFICATE
from provisioning.identity.keys import CertificateError, holder
from provisioning.identity.telling import ERRORS, TOPIC, Told, told
from provisioning.identity.trust_copy import bring_trust, is_repository, lay_root
from provisioning.identity.wishes import WishError, Wishes, centre_of, fingerprint_of, name_of
from provisioning.layout import BOOT, THIS_MACHINE, Layout, RootOption
from provisioning.plan import Step, carry_out
from provisioning.prepared_card import PreparedCard, Result
from provisioning.talk import DryRunOption, JsonOption, LangOption, Talk
from provisioning.units import PROGRAMS, Systemd, UnitsError

HERE = THIS_MACHINE / BOOT
SMALL_MAX_BYTES = 4096  # ours: enrol.toml and code have a few lines
DEAD_CODES = frozenset({"code-used", "code-expired"})  # nobody can use them again: they need not stay on the card
OF_THE_CLOCK = frozenset({"no-longer-valid"})  # of a certificate made this minute: it is the clock that is ahead

BootOption = Annotated[Path, typer.Option("--boot", metavar="DIR", help="The card's boot partition.")]


class _Enrol(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What enrol.toml says."""

    name: str
    centre: str
    ca_fingerprint: str


class NotWaiting(Systemd):
    """The system's units, told without waiting: they wait for this very command to end."""

    def tell(self, verb: str, *units: str) -> None:
        """Tell units. Raises: UnitsError."""
        self._run("--no-block", verb, *(f"{unit}.service" for unit in units))


def first_boot(
    boot: BootOption = HERE,
    root: RootOption = THIS_MACHINE,
    lang: LangOption = None,
    dry_run: DryRunOption = False,  # noqa: FBT002 - typer makes flags of these
    as_json: JsonOption = False,  # noqa: FBT002 - as above
) -> None:
    """Make this machine the kiosk that its card was prepared for; greengate-first-boot.service does it by itself.

    Example: greengate first-boot

    Exit codes: 0 done, or nothing to do, 2 wrong usage, 65 refused (code, fingerprint, trust data), 66 a file is
    missing on the card, 73 not written, 75 the centre is away, 77 not root, 78 the configuration is wrong, 130 stopped.
    """
    talk, layout = Talk(TOPIC, lang, as_json=as_json), Layout(root)
    if layout.here and not dry_run:
        talk.need_root()
    card = PreparedCard(boot)
    if not card.waits:
        talk.say("nothing-to-do")
        return
    if dry_run:
        carry_out(_planned(card, layout), talk, dry_run=True)
        return
    with alone(layout, talk):
        run = _FirstBoot(card, Enrolment(layout, NotWaiting(), open_clock("system").now()), talk)
        try:
            state = run.take()
        except ERRORS as error:
            fault = _retried(told(error))
            run.leave(fault)
            talk.fail(fault.exit, fault.code, **fault.values)
        talk.say(f"first-boot-{state}")


def _retried(fault: Told) -> Told:
    return fault._replace(exit=Exit.TRY_AGAIN) if fault.code in OF_THE_CLOCK else fault


def _planned(card: PreparedCard, layout: Layout) -> list[Step]:
    """Return what it would do, as far as the card tells before the centre is asked."""
    steps = [Step("step-config", _later, {"file": layout.config})]
    if card.trust.is_dir():
        steps.insert(0, Step("step-trust", _later, {"source": card.trust, "folder": layout.trust}))
    if card.enrol.is_file():
        steps += [Step("step-key", _later), Step("step-install", _later, {"folder": layout.identity})]
    return steps


def _later() -> None:
    """Do nothing: a plan that is only shown."""


class _FirstBoot:
    """One run."""

    def __init__(self, card: PreparedCard, enrolment: Enrolment, talk: Talk) -> None:
        self._card = card
        self._enrolment = enrolment
        self._layout = enrolment.layout
        self._talk = talk
        self._at = open_clock("system").now()
        self._device = ""
        self._installed = card.installed()

    def take(self) -> str:
        """Take all that the card brings; return what this is now: "enrolled" or "configured".

        Raises: one of `ERRORS`.
        """
        text = read_bounded(self._card.config, CONFIG_MAX_BYTES).decode("utf-8", "replace")
        config = load_config_text(text, self._layout.config.parent)
        self._device = config.device.name
        self._install_once(text, config)
        state = "enrolled" if self._enrol() else "configured"
        self._card.erase_secrets(self._layout.root)
        self._leave(state)
        self._card.set_aside()  # the last: there is nothing to do any more
        return state

    def leave(self, fault: Told) -> None:
        """Leave on the card how it went; a code that nobody can use again goes."""
        why = Talk(TOPIC, "en").text(fault.code, **fault.values)
        state = "waiting" if fault.exit is Exit.TRY_AGAIN else "failed"
        try:
            if fault.code in DEAD_CODES:
                self._card.erase_secrets(self._layout.root)
            self._leave(state, why)
        except OSError as error:  # the fault itself is told all the same
            self._talk.warn("cannot-write", path=str(error.filename or self._card.boot), why=error.strerror)

    def _leave(self, state: str, why: str = "") -> None:
        self._card.leave(Result(state, self._at, self._device, why, self._installed))

    def _install_once(self, text: str, config: Config) -> None:
        """Install what the card brings, unless it was before: what somebody changed on the kiosk since stays."""
        digest = self._card.digest()
        if self._installed == digest and self._layout.config.is_file():
            return
        self._install(text, config)
        self._installed = digest
        self._leave("waiting")

    def _install(self, text: str, config: Config) -> None:
        """Bring trust data and configuration, and the programs to them."""
        before = _content(self._layout.config)
        source = self._card.trust
        if source.is_dir():
            self._bring_trust(source, config)
        write_config(self._layout.config, text)
        self._talk.say("step-config", file=str(self._layout.config))
        if _content(self._layout.config) != before:
            self._tell_units("restart", *PROGRAMS)

    def _bring_trust(self, source: Path, config: Config) -> None:
        """Take the card's trust data; of a repository that expired on its way, the root alone where others will come.

        That root is what they begin with: from `trust.url` comes what it leads to.
        """
        target = self._layout.trust
        try:
            why = bring_trust(source, target, config)
        except RefusedError as error:
            if config.trust.url is None or not is_repository(source):
                raise
            lay_root(source, target)
            self._talk.warn("trust-later", why=str(error), url=config.trust.url)
        else:
            self._talk.say("step-trust", source=str(source), folder=str(target))
            if why is not None:
                self._talk.warn("province-untaken", province=config.trust.province, why=why)

    def _enrol(self) -> bool:
        """Enrol where the card says with whom; return whether this device is enrolled now."""
        path = self._card.enrol
        current = self._enrolment.identity.current
        pending = self._enrolment.identity.pending.there()
        if current is not None and not pending and holder(current.get(CERTIFICATE) or b"")[0] == self._device:
            self._enrolment.identity.forget_old()  # what a power cut left
            return True
        if not path.is_file():
            return False
        wishes = self._wishes(path)
        self._steps(wishes)
        self._tell_units("restart", "greengate-uplink")
        self._enrolment.finish()
        self._talk.say("enrolled", name=wishes.name)
        return True

    def _steps(self, wishes: Wishes) -> None:
        enrolment = self._enrolment
        if enrolment.kept().name not in {None, wishes.name}:
            enrolment.identity.pending.wipe()
        enrolment.keep(wishes)
        if not enrolment.certified():
            steps: tuple[tuple[str, Callable[[], object]], ...] = (
                ("step-key", enrolment.make_key),
                ("step-request", lambda: enrolment.make_request(str(wishes.name))),
                ("step-ca", lambda: enrolment.pin_ca(str(wishes.centre), str(wishes.ca_fingerprint))),
                ("step-ask", lambda: enrolment.ask_centre(wishes, self._code())),
            )
            for code, step in steps:
                step()
                self._talk.say(code, name=wishes.name, centre=wishes.centre, pin=wishes.ca_fingerprint)
        enrolment.install(wishes)
        self._talk.say("step-install", folder=str(self._layout.identity))

    def _wishes(self, path: Path) -> Wishes:
        try:
            text = read_bounded(path, SMALL_MAX_BYTES).decode()
            said = msgspec.convert(tomllib.loads(text), _Enrol)
            found = name_of(said.name).over(fingerprint_of(said.ca_fingerprint)).over(centre_of(said.centre))
        except WishError:
            raise
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{path}: {error}") from None
        if found.name != self._device:
            raise CertificateError("card-of-two", name=found.name, device=self._device)
        return found

    def _code(self) -> str:
        path = self._card.code
        try:
            return plain(read_bounded(path, SMALL_MAX_BYTES).decode("ascii", "replace"))
        except FileNotFoundError:
            raise CertificateError("no-code-on-card", path=str(path)) from None
        except CodeShapeError as error:
            raise CertificateError("code-shape", n=error.n) from None

    def _tell_units(self, verb: str, *names: str) -> None:
        try:
            tell_installed(self._layout, NotWaiting(), verb, *names)
        except UnitsError as error:  # at a boot they start after this command anyway
            self._talk.warn("units-not-told", why=str(error))


def _content(path: Path) -> bytes | None:
    try:
        return read_bounded(path, CONFIG_MAX_BYTES)
    except OSError:
        return None
