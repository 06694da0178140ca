"""The technicians' command line; see README.md."""
