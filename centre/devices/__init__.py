"""Which devices there are: the registry, their one-time codes, lists of them."""
