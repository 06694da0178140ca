"""Signed permits (LX1): issued, printed for the windscreen, revoked."""
