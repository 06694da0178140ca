"""The product's uplink, out of patience ten times sooner: so much more is in the air when something is struck."""

import sys

from firmware import uplink

RESEND_S, RESEND_MAX_S = 1.0, 6.0

if __name__ == "__main__":
    uplink.RESEND_S, uplink.RESEND_MAX_S = RESEND_S, RESEND_MAX_S
    sys.exit(uplink.main())
