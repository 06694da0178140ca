"""Take journals that come on sticks."""
