"""Where systemd listens for the panel: `python -m provisioning.panel_socket --config FILE FOLDER`.

Run by greengate-generator (systemd.generator(7)) at each start and each `systemctl daemon-reload`: a drop-in for
greengate-panel.socket, of panel.host and panel.port.
"""

import argparse
import ipaddress
import sys
from pathlib import Path

from firmware.config import ConfigError, load_config
from firmware.config_sections import PanelConfig
from firmware.program import refuse

LOOPBACK = "127.0.0.1"
DROP_IN = Path("greengate-panel.socket.d/address.conf")


def drop_in(panel: PanelConfig) -> str:
    """Return the drop-in. Raises: ConfigError for a name, which systemd does not look up."""
    try:
        address = ipaddress.ip_address(LOOPBACK if panel.host == "localhost" else panel.host)
    except ValueError:
        raise ConfigError(f"key panel.host: {panel.host} is no IP address: give one, or localhost") from None
    host = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 - IPv6
    return f"[Socket]\nListenStream=\nListenStream={host}:{panel.port}\nFreeBind=yes\n"


def main() -> int:
    """Write the drop-in into a folder of units; exit 0, or 78 (EX_CONFIG) where it stays as it is."""
    parser = argparse.ArgumentParser(prog="python -m provisioning.panel_socket", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="the device's configuration (TOML)")
    parser.add_argument("folder", type=Path, help="where units are generated")
    args = parser.parse_args()
    try:
        path = args.folder / DROP_IN
        text = drop_in(load_config(args.config).panel)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except (ConfigError, OSError) as error:
        return refuse("panel-socket", error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
