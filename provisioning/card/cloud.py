"""cloud-init's files (NoCloud): what a blank system does at its first boot until the package takes over.

Source: cloud-init, "NoCloud" data source and module reference; netplan's YAML for network-config. Written as JSON,
which YAML contains: no text that a technician types can break out of its place.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

FOLDER = "greengate"  # on the boot partition
MOUNTED = "/boot/firmware"  # where the running kiosk has the boot partition
TIME_ZONE = "Asia/Ho_Chi_Minh"
INSTALLER = "greengate-install.service"
INSTALL_RETRY_S = 30  # ours: until there is a network
SEED_LABEL = "CIDATA"  # NoCloud looks for a file system of this name
TECHNICIAN = "technician"
PSK_ROUNDS, PSK_BYTES = 4096, 32  # IEEE 802.11-2020, annex J.4: passphrase to PSK

# The package comes from the card, what it needs from Debian's mirrors, or from the system's own cache. Once it is
# there, its own units go on, and this one goes for good: a purged package stays purged. Until then it is tried
# again, and dpkg first takes up what a power cut left.
_INSTALL_UNIT = """\
[Unit]
Description=Install the kiosk's software from its card
RequiresMountsFor={mounted}
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=oneshot
Environment=DEBIAN_FRONTEND=noninteractive
ExecStartPre=-/usr/bin/dpkg --configure -a
ExecStartPre=-/usr/bin/apt-get update -q
ExecStart=/usr/bin/apt-get install -y -q --no-install-recommends {mounted}/{folder}/{package}{parts}
ExecStartPost=/usr/bin/systemctl disable {installer}
ExecStartPost=/bin/rm -f /etc/systemd/system/{installer}
Restart=on-failure
RestartSec={retry_s}

[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True, slots=True)
class Wifi:
    """A wireless network; `psk` is 64 hexadecimal digits, never the passphrase."""

    ssid: str
    psk: str
    country: str


def wifi(ssid: str, passphrase: str, country: str) -> Wifi:
    """Return a wireless network from its passphrase (8 to 63 printable ASCII characters).

    Raises: ValueError naming the part that is wrong: "ssid" (1 to 32 bytes), "passphrase", "country" (ISO 3166-1).
    """
    if not 1 <= len(ssid.encode()) <= 32 or not ssid.isprintable():  # noqa: PLR2004 - IEEE 802.11: an SSID's octets
        raise ValueError("ssid")
    if not 8 <= len(passphrase) <= 63 or not passphrase.isascii() or not passphrase.isprintable():  # noqa: PLR2004 - annex J
        raise ValueError("passphrase")
    if len(country) != 2 or not country.isascii() or not country.isalpha():  # noqa: PLR2004 - as above
        raise ValueError("country")
    psk = hashlib.pbkdf2_hmac("sha1", passphrase.encode(), ssid.encode(), PSK_ROUNDS, PSK_BYTES)
    return Wifi(ssid, psk.hex(), country.upper())


def user_data(
    hostname: str, *, package: str | None, parts: Sequence[str] = (), ssh_key: str | None, seeded: bool
) -> bytes:
    """Return `user-data`: host name, time zone, who may log in, and the unit that installs the package.

    Args:
        hostname: The device's name.
        package: The file's name of the package in our folder; None: it is installed by hand.
        parts: Packages of the system's that camera and lamps need beside it.
        ssh_key: A public key for the user `technician`; None: nobody logs in over the network.
        seeded: The files lie on a volume of their own (Debian), which is to be mounted, not on Raspberry Pi OS's boot
            partition, which is.
    """
    wanted: dict[str, object] = {
        "hostname": hostname,
        "manage_etc_hosts": True,
        "timezone": TIME_ZONE,
        "ssh_pwauth": False,
        "disable_root": True,
        "users": [_technician(ssh_key)] if ssh_key else [],
    }
    if package:
        path = f"/etc/systemd/system/{INSTALLER}"
        wanted["write_files"] = [{"path": path, "permissions": "0644", "content": _install_unit(package, parts)}]
        wanted["runcmd"] = [["systemctl", "daemon-reload"], ["systemctl", "enable", "--now", "--no-block", INSTALLER]]
    if seeded:
        wanted["mounts"] = [[f"LABEL={SEED_LABEL}", MOUNTED, "vfat", "rw,nosuid,nodev,noexec,umask=0077"]]
    return b"#cloud-config\n" + _json(wanted)


def meta_data(hostname: str, instance: str) -> bytes:
    """Return `meta-data`: cloud-init takes the files for new ones where `instance` is another than before."""
    return _json({"instance-id": instance, "local-hostname": hostname})


def network_config(network: Wifi | None) -> bytes:
    """Return `network-config` (netplan, version 2): cable by DHCP, and the wireless network where there is one."""
    dhcp = {"dhcp4": True, "optional": True}
    wanted: dict[str, object] = {"version": 2, "ethernets": {"wired": {"match": {"name": "e*"}, **dhcp}}}
    if network:
        point = {"auth": {"key-management": "psk", "password": network.psk}}
        wireless = {**dhcp, "regulatory-domain": network.country, "access-points": {network.ssid: point}}
        wanted["wifis"] = {"wlan0": wireless}
    return b"# netplan\n" + _json({"network": wanted})


def _install_unit(package: str, parts: Sequence[str]) -> str:
    return _INSTALL_UNIT.format(
        mounted=MOUNTED,
        folder=FOLDER,
        package=package,
        parts="".join(f" {part}" for part in parts),
        installer=INSTALLER,
        retry_s=INSTALL_RETRY_S,
    )


def _technician(ssh_key: str) -> dict[str, object]:
    return {
        "name": TECHNICIAN,
        "lock_passwd": True,
        "sudo": "ALL=(ALL) NOPASSWD:ALL",
        "groups": ["sudo", "video"],
        "shell": "/bin/bash",
        "ssh_authorized_keys": [ssh_key],
    }


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"
