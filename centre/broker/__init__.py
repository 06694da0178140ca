"""The broker's configuration and access list, and how it hears of revocations."""
