"""The HTTPS service at which devices get, renew and give back their certificates."""
