"""Put the lamps out, whoever lit them: run after a gate has died (ExecStopPost, or the supervisor)."""

import sys

from drivers.errors import DeviceError, DeviceMissingError
from firmware.config import ConfigError
from firmware.program import configuration, refuse
from firmware.wiring import darken_of


def main() -> int:
    """Darken the configured lamps; exit 0, 1 where a lamp did not obey, 78 (EX_CONFIG) where none is there."""
    try:
        darken_of(configuration("darken", __doc__))
    except (ConfigError, DeviceMissingError) as error:
        return refuse("darken", error)
    except DeviceError as error:
        refuse("darken", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
