"""`greengate prepare`, on images and folders as a technician has them."""

import fcntl
import json
import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from drivers.clock import open_clock
from firmware.config import load_config_text
from provisioning.card.cloud import wifi
from provisioning.exits import Exit
from provisioning.issuer import DemoIssuer
from provisioning.main import app
from tests.provisioning.cards import OFFSET, make_image, read, run
from tests.provisioning.kiosk import trust_folder

RASPBERRY = {"config.txt": b"arm_64bit=1\n", "cmdline.txt": b"root=PARTUUID=1 ds=nocloud\n"}
WHERE = ["--name", "kiosk-7", "--site", "Chợ Bến Thành", "--lane", "A", "--broker", "broker.example:8884"]
CENTRE = ["--centre", "https://centre.example:8443", "--ca-fingerprint", "sha256:" + "ab" * 32]
LAMPS = ["--red-pin", "17", "--green-pin", "27"]
CODE = "0123456789ABCDEFGHJKMNPQRS"
FAT32_SECTORS = 600_000  # 300 MB, hardly any of them written


def prepare(*arguments: str, answers: str = "") -> Result:
    return CliRunner().invoke(app, ["prepare", "--lang", "en", *arguments], input=answers)


def image(tmp_path: Path, files: dict[str, bytes] = RASPBERRY, **more: object) -> Path:
    return make_image(tmp_path, files=files, **more)  # type: ignore[arg-type]


def package(folder: Path, name: str = "greengate_0.1.0~deb13_arm64.deb") -> Path:
    path = folder / name
    path.write_bytes(b"!<arch>\ndebian-binary   0           0     0     644     4         `\n2.0\n")
    return path


def test_a_card_gets_all_that_the_first_boot_needs(tmp_path: Path) -> None:
    card = image(tmp_path)
    trust = trust_folder(tmp_path / "trust", open_clock("system").now())
    lamps = ["--camera", "picamera2:0", *LAMPS, "--rtc", "ds3231", "--trust", str(trust)]
    options = [*WHERE, *CENTRE, *lamps, "--code", "--wifi", "Gate", "--package", str(package(tmp_path))]
    done = prepare(*options, "--yes", str(card), answers=f"very secret\n{CODE}\n")
    assert done.exit_code == 0, done.output
    config = load_config_text(read(card, "greengate/greengate.toml").decode(), Path("/etc/greengate"))
    assert (config.device.name, config.device.site, config.device.lane) == ("kiosk-7", "Chợ Bến Thành", "A")
    assert (config.broker.host, config.broker.port) == ("broker.example", 8884)
    assert (config.signal.kind, config.signal.red_pin, config.clock.kind) == ("gpio", 17, "system")
    enrol = tomllib.loads(read(card, "greengate/enrol.toml").decode())
    assert enrol == {"centre": CENTRE[1], "ca_fingerprint": CENTRE[3], "name": "kiosk-7"}
    assert read(card, "greengate/code").decode().strip() == CODE
    assert read(card, "config.txt").decode().startswith("arm_64bit=1\n")
    assert "gpio=17,27=op,dl" in read(card, "config.txt").decode()
    wanted = json.loads(read(card, "user-data").decode().partition("\n")[2])
    parts = "greengate_0.1.0~deb13_arm64.deb python3-picamera2 python3-lgpio\n"
    assert f"/boot/firmware/greengate/{parts}" in wanted["write_files"][0]["content"]


def test_no_passphrase_is_on_the_card_and_no_secret_in_the_output(tmp_path: Path) -> None:
    card = image(tmp_path)
    done = prepare(*WHERE, *CENTRE, "--code", "--wifi", "Gate", "-y", str(card), answers=f"very secret\n{CODE}\n")
    assert done.exit_code == 0, done.output
    assert b"very secret" not in card.read_bytes()
    assert "very secret" not in done.output
    assert CODE not in done.output
    network = json.loads(read(card, "network-config").decode().partition("\n")[2])["network"]
    point = network["wifis"]["wlan0"]["access-points"]["Gate"]["auth"]
    assert re.fullmatch("[0-9a-f]{64}", point["password"])


def test_the_same_command_again_has_nothing_to_do(tmp_path: Path) -> None:
    card = image(tmp_path)
    assert prepare(*WHERE, "-y", str(card)).exit_code == 0
    before = card.read_bytes()
    again = prepare(*WHERE, str(card))
    assert (again.exit_code, card.read_bytes()) == (0, before)
    assert "nothing to do" in again.output


def test_a_dry_run_changes_nothing_and_asks_for_no_secret(tmp_path: Path) -> None:
    card = image(tmp_path)
    before = card.read_bytes()
    done = prepare(*WHERE, *CENTRE, "--code", "--wifi", "Gate", "--dry-run", str(card))
    assert (done.exit_code, card.read_bytes()) == (0, before)
    assert "user-data" in done.output


def test_a_code_of_an_earlier_preparation_does_not_stay(tmp_path: Path) -> None:
    card = image(tmp_path)
    assert prepare(*WHERE, *CENTRE, "--code", "-y", str(card), answers=f"{CODE}\n").exit_code == 0
    assert CODE.encode() in card.read_bytes()
    assert prepare(*WHERE, "-y", str(card)).exit_code == 0
    assert CODE.encode() not in card.read_bytes()
    assert b"enrol.toml" not in run("mdir", "-b", "-i", f"{card}@@{OFFSET}", "::/greengate")


def test_a_card_prepared_anew_is_installed_anew(tmp_path: Path) -> None:
    boot = tmp_path / "bootfs"
    boot.mkdir()
    (boot / "config.txt").write_text("")
    assert prepare(*WHERE, "-y", str(boot)).exit_code == 0
    left = boot / "greengate/result.json"
    left.write_text("{}")  # the first boot's: it says what is installed
    assert prepare(*WHERE, "-y", str(boot)).exit_code == 0
    assert not left.exists()


def test_nobody_to_ask_and_no_yes_writes_nothing(tmp_path: Path) -> None:
    card = image(tmp_path)
    before = card.read_bytes()
    done = prepare(*WHERE, str(card))
    assert (done.exit_code, card.read_bytes()) == (Exit.USAGE, before)
    assert "--yes" in done.output


def test_user_data_is_written_last(tmp_path: Path) -> None:
    done = prepare(*WHERE, "-y", "--json", str(image(tmp_path)))
    files = [event["file"] for line in done.output.splitlines() if "file" in (event := json.loads(line))]
    assert files[-1] == "user-data"


def test_a_mounted_boot_folder_gets_the_same_files(tmp_path: Path) -> None:
    boot = tmp_path / "bootfs"
    boot.mkdir()
    (boot / "config.txt").write_text("")
    assert prepare(*WHERE, "-y", str(boot)).exit_code == 0
    assert (boot / "user-data").read_text().startswith("#cloud-config\n")
    assert not list(boot.rglob("*.new"))


def test_debians_seed_volume_is_mounted_where_the_kiosk_looks(tmp_path: Path) -> None:
    card = image(tmp_path, {}, label="CIDATA")
    assert prepare(*WHERE, "-y", str(card)).exit_code == 0
    wanted = json.loads(read(card, "user-data").decode().partition("\n")[2])
    assert wanted["mounts"][0][:2] == ["LABEL=CIDATA", "/boot/firmware"]


def test_trust_is_checked_and_copied(tmp_path: Path) -> None:
    trust = tmp_path / "trust"
    trust.mkdir()
    (trust / "demo.der").write_bytes(DemoIssuer(open_clock("system").now()).certificate_der)
    lamps = ["--camera", "picamera2:0", *LAMPS]
    card = image(tmp_path)
    refused = prepare(*WHERE, *lamps, "--trust", str(trust), "-y", str(card))
    assert (refused.exit_code, "real gate" in refused.output) == (Exit.DATA, True)
    assert prepare(*WHERE, "--trust", str(trust), "-y", str(card)).exit_code == 0  # a simulation may
    assert read(card, "greengate/trust/demo.der") == (trust / "demo.der").read_bytes()
    (trust / "demo.der").rename(trust / "other.der")
    assert prepare(*WHERE, "--trust", str(trust), "-y", str(card)).exit_code == 0
    assert b"demo.der" not in run("mdir", "-b", "-i", f"{card}@@{OFFSET}", "::/greengate/trust")


@pytest.mark.parametrize(
    ("files", "code", "said"),
    [
        ({}, Exit.DATA, "no boot partition"),
        ({"sysconf.txt": b"", "config.txt": b""}, Exit.DATA, "no cloud-init"),
    ],
)
def test_what_is_no_kiosks_system_is_refused(tmp_path: Path, files: dict[str, bytes], code: Exit, said: str) -> None:
    card = image(tmp_path, files)
    before = card.read_bytes()
    done = prepare(*WHERE, "-y", str(card))
    assert (done.exit_code, said in done.output, card.read_bytes()) == (code, True, before)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--name", "Kiosk 7"], Exit.USAGE, "Kiosk 7"),
        (["--broker", "host:none"], Exit.USAGE, "host:none"),
        (["--camera", "polaroid"], Exit.USAGE, "polaroid"),
        (["--red-pin", "17"], Exit.USAGE, "pin"),
        (["--red-pin", "17", "--green-pin", "17"], Exit.USAGE, "17"),
        (LAMPS, Exit.USAGE, "--trust"),
        (["--rtc", "sundial"], Exit.USAGE, "ds3231"),
        (["--direction", "sideways"], Exit.USAGE, "sideways"),
        (["--code"], Exit.USAGE, "--centre"),
        ([*CENTRE, "--code"], Exit.DATA, "26 characters"),
        (["--centre", "http://centre", "--ca-fingerprint", CENTRE[3]], Exit.USAGE, "http://centre"),
        ([*CENTRE[:3], "sha256:00"], Exit.USAGE, "sha256:00"),
        (["--trust", "/nowhere"], Exit.DATA, "/nowhere"),
        (["--package", "/nowhere.deb"], Exit.NO_INPUT, "/nowhere.deb"),
        (["--package", "/etc/hostname"], Exit.DATA, "make deb"),
        (["--ssh-key", "/nowhere"], Exit.NO_INPUT, "/nowhere"),
        (["--ssh-key", "/etc/passwd"], Exit.DATA, "private"),
        (["--wifi", "x" * 33], Exit.USAGE, "32 bytes"),
        (["--wifi", "Gate", "--country", "Viet Nam"], Exit.USAGE, "VN"),
    ],
)
def test_wrong_options_are_told_before_anything_is_written(
    tmp_path: Path, arguments: list[str], code: Exit, said: str
) -> None:
    boot = tmp_path / "bootfs"
    boot.mkdir()
    (boot / "config.txt").write_text("")
    done = prepare(*WHERE, *arguments, "-y", str(boot), answers="long enough\n")
    assert (done.exit_code, sorted(path.name for path in boot.iterdir())) == (code, ["config.txt"]), done.output
    assert said in done.output
    assert len(done.output.splitlines()) == 1


@pytest.mark.parametrize(
    ("target", "code"), [("/nowhere", Exit.NO_INPUT), ("/", Exit.USAGE), ("/dev/null", Exit.USAGE)]
)
def test_wrong_targets_are_refused(target: str, code: Exit) -> None:
    assert prepare(*WHERE, "-y", target).exit_code == code


def test_a_full_card_is_told_before_anything_is_written(tmp_path: Path) -> None:
    card = image(tmp_path, sectors=16384)
    before = card.read_bytes()
    large = package(tmp_path)
    with large.open("ab") as file:
        file.truncate(9 * 1024**2)
    done = prepare(*WHERE, "--package", str(large), "-y", str(card))
    assert (done.exit_code, card.read_bytes()) == (Exit.CANNOT_WRITE, before)
    assert "MiB" in done.output


def test_two_technicians_at_one_card_do_not_mix(tmp_path: Path) -> None:
    card = image(tmp_path)
    with card.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert prepare(*WHERE, "-y", str(card)).exit_code == Exit.TRY_AGAIN
    assert prepare(*WHERE, "-y", str(card)).exit_code == 0


def test_an_image_cut_short_is_told(tmp_path: Path) -> None:
    card = image(tmp_path)
    with card.open("r+b") as file:
        file.truncate(OFFSET + 512)
    done = prepare(*WHERE, "-y", str(card))
    assert done.exit_code in {Exit.CANNOT_WRITE, Exit.DATA}
    assert len(done.output.splitlines()) == 1


@pytest.mark.parametrize("sectors", [65536, FAT32_SECTORS])
def test_no_secret_of_an_earlier_preparation_is_left_between_files(tmp_path: Path, sectors: int) -> None:
    card = image(tmp_path, sectors=sectors)
    other = f"7{CODE[1:]}"
    first = wifi("Gate", "very secret", "VN").psk
    for passphrase, code in (("very secret", CODE), ("another one", other)):
        done = prepare(*WHERE, *CENTRE, "--code", "--wifi", "Gate", "-y", str(card), answers=f"{passphrase}\n{code}\n")
        assert done.exit_code == 0, done.output
    there = card.read_bytes()
    assert [secret in there for secret in (CODE.encode(), first.encode(), other.encode())] == [False, False, True]
    assert prepare(*WHERE, "-y", str(card)).exit_code == 0
    there = card.read_bytes()
    assert [secret in there for secret in (other.encode(), wifi("Gate", "another one", "VN").psk.encode())] == [
        False
    ] * 2
