"""The product's uplink, out of patience ten times sooner: so much more is in the air when something is struck."""

import sys

from drivers.broker import connection, mqtt
from firmware import uplink, uplink_sending

RESEND_LEAST_S, RESEND_S, RESEND_MAX_S = 0.5, 1.0, 6.0
KEEPALIVE_S = 2
RETRY_MAX_S = 3.0


def hurry() -> None:
    """Shorten the waits; a wait that is no longer there by its name is an error."""
    for module, waits in (
        (uplink_sending, {"RESEND_LEAST_S": RESEND_LEAST_S, "RESEND_S": RESEND_S, "RESEND_MAX_S": RESEND_MAX_S}),
        (connection, {"KEEPALIVE_S": KEEPALIVE_S}),
        (mqtt, {"RETRY_MAX_S": RETRY_MAX_S}),
    ):
        for name, seconds in waits.items():
            assert hasattr(module, name), f"{module.__name__} has no {name}"
            setattr(module, name, seconds)


if __name__ == "__main__":
    hurry()
    sys.exit(uplink.main())
