"""The programs on the device, and what they are made of; see README.md."""
