"""A simulated fleet: kiosks with the real uplink, a real broker, real collectors, a real database."""
