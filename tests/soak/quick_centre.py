"""The product's `greengate-centre`, which notices a lost connection ten times sooner."""

import sys

from centre.main import main
from drivers.broker import connection, mqtt
from tests.soak.quick_uplink import KEEPALIVE_S, RETRY_MAX_S

if __name__ == "__main__":
    connection.KEEPALIVE_S, mqtt.RETRY_MAX_S = KEEPALIVE_S, RETRY_MAX_S
    sys.exit(main())
