"""What `prepare` puts on a boot partition: file names and their content, the one that starts it all last."""

import hashlib
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from firmware.config import Config, ConfigError, load_config_text
from firmware.sync_errors import SyncError
from firmware.trust_folder import Trust, TrustFolderError, load_trust
from provisioning.card import cloud
from provisioning.card.boot_config import with_block
from provisioning.card.errors import CardError
from provisioning.config_file import render
from provisioning.config_keys import toml
from provisioning.exits import Exit
from provisioning.identity.enrolment import configuration
from provisioning.identity.trust_copy import METADATA, ROOT, TARGETS, bring_trust, is_repository
from provisioning.identity.wishes import Wishes
from provisioning.layout import Layout
from provisioning.words import Lang

CODE_FILE, ENROL_FILE = f"{cloud.FOLDER}/code", f"{cloud.FOLDER}/enrol.toml"
CONFIG_TXT, USER_DATA = "config.txt", "user-data"
SECRET = {CODE_FILE, "network-config"}  # erased at the first boot
TRUST_FOLDER = f"{cloud.FOLDER}/trust"
RESULT_FILE = f"{cloud.FOLDER}/result.json"  # says what the first boot installed already: a card prepared anew counts
PASSING = (CODE_FILE, ENROL_FILE, RESULT_FILE)  # what must not stay of an earlier preparation
CONFIG_FOLDER = Layout().config.parent
PACKAGE_MAX_BYTES = 512 * 1024 * 1024  # ours: the package has about 100 MB
TRUST_MAX_BYTES = 256 * 1024 * 1024  # ours: a nation's ten million revoked passes take 160 MB; the partition has 512
Untaken = Callable[[str], None]
_PACKAGE_NAME = re.compile(r"greengate_[A-Za-z0-9.+~-]+_(?:arm64|amd64)\.deb")  # it goes into a unit's command
_DEB_MAGIC = b"!<arch>\ndebian-binary"  # deb(5)


@dataclass(frozen=True, slots=True)
class Kiosk:
    """What a kiosk is to be."""

    wishes: Wishes
    code: str | None
    trust: Path | None
    package: Path | None
    wifi: cloud.Wifi | None
    ssh_key: str | None
    rtc: str | None

    @property
    def name(self) -> str:
        """Return the device's name."""
        return self.wishes.name or ""

    @property
    def pins(self) -> list[int]:
        """Return the pins of its lamps, none where they are simulated."""
        return [pin for pin in self.wishes.lamps or () if pin is not None]

    @property
    def parts(self) -> list[str]:
        """Return the system's packages that its camera and lamps need; Raspberry Pi OS has them."""
        camera = ["python3-picamera2"] if self.wishes.camera and self.wishes.camera[0] == "picamera2" else []
        return [*camera, *(["python3-lgpio"] if self.pins else [])]


def checked_configuration(kiosk: Kiosk, lang: Lang) -> bytes:
    """Return the kiosk's configuration. Raises: CardError where the kiosk would refuse it."""
    wishes = kiosk.wishes.over(Wishes(trust=str(kiosk.trust) if kiosk.trust else None))
    text = render(configuration(wishes, {}), lang)
    try:
        load_config_text(text, CONFIG_FOLDER)
    except ConfigError as error:
        raise CardError(Exit.CONFIG, "config-wrong", why=str(error)) from None
    return text.encode()


def contents(kiosk: Kiosk, lang: Lang, untaken: Untaken, *, config_txt: str | None) -> dict[str, bytes]:
    """Return all files by name, in the order of writing: `user-data`, without which nothing begins, is the last.

    Args:
        kiosk: What it is to be.
        lang: Of the comments in the configuration.
        untaken: Is told why the province's part of a repository could not be taken.
        config_txt: The boot loader's present configuration; None on a volume that is no Raspberry Pi's.
    Raises: CardError for a package or trust folder that cannot be used.
    """
    files: dict[str, bytes] = {}
    if kiosk.package:
        files[f"{cloud.FOLDER}/{kiosk.package.name}"] = _package(kiosk.package)
    config = checked_configuration(kiosk, lang)
    if kiosk.trust:
        files |= _trust(kiosk.trust, config, untaken)
    files[f"{cloud.FOLDER}/greengate.toml"] = config
    centre, pin = kiosk.wishes.centre, kiosk.wishes.ca_fingerprint
    if centre and pin:
        files[ENROL_FILE] = _table({"centre": centre, "ca_fingerprint": pin, "name": kiosk.name})
    if kiosk.code:
        files[CODE_FILE] = kiosk.code.encode() + b"\n"
    if config_txt is not None:
        files[CONFIG_TXT] = with_block(config_txt, dark=kiosk.pins, rtc=kiosk.rtc).encode()
    instance = f"greengate-{kiosk.name}-{_digest(files)}"
    files["network-config"] = cloud.network_config(kiosk.wifi)
    files["meta-data"] = cloud.meta_data(kiosk.name, instance)
    files[USER_DATA] = cloud.user_data(
        kiosk.name,
        package=kiosk.package.name if kiosk.package else None,
        parts=kiosk.parts,
        ssh_key=kiosk.ssh_key,
        seeded=config_txt is None,
    )
    return files


def _package(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(PACKAGE_MAX_BYTES + 1)
    except OSError as error:
        raise CardError(Exit.NO_INPUT, "package-unreadable", package=path, why=error.strerror) from None
    if not _PACKAGE_NAME.fullmatch(path.name) or not data.startswith(_DEB_MAGIC) or len(data) > PACKAGE_MAX_BYTES:
        raise CardError(Exit.DATA, "package-wrong", package=path)
    return data


def _trust(folder: Path, text: bytes, untaken: Untaken) -> dict[str, bytes]:
    config = load_config_text(text.decode(), CONFIG_FOLDER)
    if is_repository(folder):
        return _repository(folder, config, untaken)
    trust = _loaded(folder)
    if config.signal.kind == "gpio" and trust.demo:
        raise CardError(Exit.DATA, "trust-demo", folder=folder)
    return _read_all(folder, sorted(path for path in folder.iterdir() if path.is_file()))


def _repository(folder: Path, config: Config, untaken: Untaken) -> dict[str, bytes]:
    """Return a published repository's files, once it was taken here as the kiosk will take it."""
    with tempfile.TemporaryDirectory(prefix="greengate-") as tried:
        try:
            why = bring_trust(folder, Path(tried), config)
        except (TrustFolderError, SyncError, OSError) as error:
            raise CardError(Exit.DATA, "trust-wrong", why=str(error).replace(tried, str(folder))) from None
    if why is not None:
        untaken(why)
    below = [path for part in (METADATA, TARGETS) for path in (folder / part).rglob("*")]
    found = [path for path in below if path.is_file() and not path.is_symlink()]  # a stick's links lead anywhere
    return _read_all(folder, [folder / ROOT, *sorted(found)])


def _read_all(folder: Path, paths: list[Path]) -> dict[str, bytes]:
    if sum(path.stat().st_size for path in paths) > TRUST_MAX_BYTES:
        raise CardError(Exit.DATA, "trust-large", folder=folder)
    return {f"{TRUST_FOLDER}/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in paths}


def _loaded(folder: Path) -> Trust:
    try:
        trust = load_trust(folder)
    except TrustFolderError as error:
        raise CardError(Exit.DATA, "trust-wrong", why=str(error)) from None
    if not trust.signers.signers():
        raise CardError(Exit.DATA, "trust-empty", folder=folder)
    return trust


def _table(values: dict[str, str]) -> bytes:
    return "".join(f"{name} = {toml(value)}\n" for name, value in values.items()).encode()


def _digest(files: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, data in files.items():
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:12]
