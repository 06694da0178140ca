"""Build the Debian packages: `python -m provisioning.deb.build`. Standard library, pip and dpkg-deb alone."""
