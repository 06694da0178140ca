"""Devices and networks behind ports, each with a simulator that ships; see README.md."""
