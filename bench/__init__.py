"""Measurements of the whole and its parts; see README.md."""
