"""The parts of `prepare` that decide: which disk, which partition, which texts."""

import json
import struct

import msgspec
import pytest

from provisioning.card.boot_config import with_block
from provisioning.card.cloud import network_config, user_data, wifi
from provisioning.card.disks import MAX_BYTES, Disk, parse_report, refuse_wrong
from provisioning.card.errors import CardError
from provisioning.card.fat import places
from provisioning.card.partitions import parse_table

CARD = Disk(path="/dev/sdb", type="disk", size=32 * 10**9, rm=True, ro=False, tran="usb")


def changed(**values: object) -> Disk:
    return msgspec.structs.replace(CARD, **values)


def test_a_card_in_nobodys_use_may_be_written() -> None:
    refuse_wrong(CARD)
    refuse_wrong(changed(rm=False, tran=None, path="/dev/mmcblk0"))


@pytest.mark.parametrize(
    ("disk", "code"),
    [
        (changed(type="part"), "disk-is-part"),
        (changed(mountpoints=("/",)), "disk-of-system"),
        (changed(children=(changed(type="part", mountpoints=("/boot/firmware",)),)), "disk-of-system"),
        (changed(children=(changed(type="part", mountpoints=("[SWAP]",)),)), "disk-of-system"),
        (changed(children=(changed(children=(changed(mountpoints=("/media/a",)),)),)), "disk-mounted"),
        (changed(size=0), "disk-empty"),
        (changed(size=MAX_BYTES + 1), "disk-too-large"),
        (changed(ro=True), "disk-read-only"),
        (changed(rm=False, tran="sata"), "disk-not-removable"),
        (changed(rm=False, tran="nvme", path="/dev/nvme0n1"), "disk-not-removable"),
    ],
)
def test_every_wrong_disk_is_refused_for_what_it_is(disk: Disk, code: str) -> None:
    with pytest.raises(CardError) as caught:
        refuse_wrong(disk)
    assert caught.value.code == code


def test_lsblks_report_is_read_with_its_parts() -> None:
    part = {"path": "/dev/sdb1", "type": "part", "size": 5, "rm": True, "ro": False, "mountpoints": [None, "/media/x"]}
    whole = {"path": "/dev/sdb", "type": "disk", "size": 9, "rm": True, "ro": False, "mountpoints": [None]}
    report = json.dumps({"blockdevices": [{**whole, "children": [part]}]}).encode()
    assert parse_report(report).mounts() == {"/media/x"}


@pytest.mark.parametrize("report", [b"", b"{}", b'{"blockdevices": []}', b"nonsense"])
def test_a_strange_report_is_an_error_of_ours(report: bytes) -> None:
    with pytest.raises(CardError):
        parse_report(report)


def table(*partitions: tuple[str, int], sector: int = 512) -> bytes:
    found = [{"node": "x", "start": start, "size": 9, "type": kind} for kind, start in partitions]
    return json.dumps({"partitiontable": {"label": "dos", "sectorsize": sector, "partitions": found}}).encode()


def test_the_first_fat_partition_is_the_boot_partition() -> None:
    assert parse_table(table(("83", 1), ("c", 8192), ("c", 99999))) == 8192 * 512
    assert parse_table(table(("C12A7328-F81F-11D2-BA4B-00A0C93EC93B", 2048), sector=4096)) == 2048 * 4096
    assert parse_table(table(("83", 1))) is None
    assert parse_table(b"not json") is None


def test_wifi_keys_are_the_standards() -> None:
    """IEEE 802.11, annex J.4: the published test vectors."""
    vectors = {
        ("IEEE", "password"): "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e",
        ("ThisIsASSID", "ThisIsAPassword"): "0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af",
    }
    for (ssid, passphrase), psk in vectors.items():
        assert wifi(ssid, passphrase, "vn").psk == psk
        assert wifi(ssid, passphrase, "vn").country == "VN"


def test_nothing_that_is_typed_breaks_out_of_its_place() -> None:
    ssid = '"}\n- evil: {"'
    with pytest.raises(ValueError, match="ssid"):
        wifi(ssid, "long enough", "VN")
    hostile = '"}, "runcmd": ["'
    network = network_config(wifi(hostile, "long enough", "VN")).decode()
    points = json.loads(network.partition("\n")[2])["network"]["wifis"]["wlan0"]["access-points"]
    assert list(points) == [hostile]


def test_nobody_logs_in_who_was_not_named() -> None:
    plain = json.loads(user_data("kiosk-7", package=None, ssh_key=None, seeded=False).partition(b"\n")[2])
    assert (plain["users"], plain["ssh_pwauth"], plain["disable_root"]) == ([], False, True)
    assert "runcmd" not in plain
    keyed = json.loads(user_data("kiosk-7", package=None, ssh_key="ssh-ed25519 AAAA", seeded=False).partition(b"\n")[2])
    assert keyed["users"][0]["ssh_authorized_keys"] == ["ssh-ed25519 AAAA"]
    assert keyed["users"][0]["lock_passwd"] is True


def test_our_block_in_config_txt_is_replaced_and_the_rest_is_kept() -> None:
    theirs = "# theirs\ndtparam=audio=on\n"
    once = with_block(theirs, dark=[17, 27], rtc="ds3231")
    assert once.startswith(theirs)
    assert with_block(once, dark=[17, 27], rtc="ds3231") == once
    other = with_block(once, dark=[5, 6], rtc=None)
    assert ("gpio=5,6=op,dl" in other, "gpio=17" in other, "i2c-rtc" in other) == (True, False, False)
    assert with_block("", dark=[], rtc=None).endswith("end\n")


def test_a_block_that_was_cut_short_is_replaced_too() -> None:
    once = with_block("a=1\n", dark=[17], rtc=None)
    assert with_block(once[:-12], dark=[17], rtc=None) == once


FAT16 = bytes(11) + struct.pack("<HBHBH", 512, 4, 4, 2, 512) + bytes(3) + struct.pack("<H", 64)
FAT16 = FAT16.ljust(512, b"\0")
DATA = (4 + 2 * 64 + 32) * 512


def test_a_files_places_are_found_by_its_clusters() -> None:
    said = b"::/network-config <2> <11-19>\n"
    assert places(FAT16, said, 2**20) == [(DATA, 2048), (DATA + 9 * 2048, 9 * 2048)]
    assert places(FAT16, b"::/code Root directory or empty file\n", 2**20) == []


@pytest.mark.parametrize(
    ("sector", "said"),
    [(b"", b"<2>"), (bytes(512), b"<2>"), (FAT16, b"<1>"), (FAT16, b"<3-2>"), (FAT16, b"<2-268435455>")],
)
def test_a_file_system_that_means_nothing_is_not_written(sector: bytes, said: bytes) -> None:
    with pytest.raises(ValueError, match="no"):
        places(sector, said, 2**20)
