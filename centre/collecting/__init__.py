"""Take check-ins from the broker and keep them, each once."""
