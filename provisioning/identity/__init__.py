"""A device's identity: its key, its certificate, and how it comes by them."""
