"""The rescue reader: read a code that no other reader can, from one frame or several of one presentation."""
