"""The documents a pass may carry: one file per kind."""
