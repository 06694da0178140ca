"""`greengate selftest`: a valid, a forged and an empty picture through the real programs, and what became of them."""
