"""The centre's certificate authority: its key, its certificates, its revocation list."""
