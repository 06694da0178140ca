"""The trust repository: made, signed and published."""
