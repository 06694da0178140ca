"""A program under another user and a tight umask, as systemd runs it: python -m tests.firmware.as_user UID GIDS MODULE.

The module and what it needs are loaded by root first: this interpreter may lie where the other user may not look.
"""

import contextlib
import importlib
import os
import pkgutil
import sys

import drivers

# What programs load as they go.
LATER = ("shutil", "gettext", "encodings.idna", "subprocess", "difflib", "importlib.metadata._adapters")


def main() -> int:
    """Become the user, and then the program."""
    user, groups, name, *arguments = sys.argv[1:]
    group, *more = map(int, groups.split(","))
    for later in (*LATER, *(found.name for found in pkgutil.walk_packages(drivers.__path__, "drivers."))):
        with contextlib.suppress(ImportError):  # a driver of hardware that is not here
            importlib.import_module(later)
    program = importlib.import_module(name)
    os.setgroups(more)
    os.setgid(group)
    os.setuid(int(user))
    os.umask(0o077)
    sys.argv[:] = [name, *arguments]
    status: int = program.main()
    return status


if __name__ == "__main__":
    sys.exit(main())
