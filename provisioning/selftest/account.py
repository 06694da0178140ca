"""Whose rights a test's programs have: the gate's own user's, where root runs the test and there is one."""

import grp
import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Any

USER, GROUP = "greengate-gate", "greengate"
LAMPS = "gpio"  # the group of the pins, which the gate's unit may have given it beside the user's own


@dataclass(frozen=True, slots=True)
class Account:
    """A user, its group, and the groups beside it; all None: whoever runs the test."""

    user: int | None = None
    group: int | None = None
    groups: tuple[int, ...] = ()

    @property
    def popen(self) -> dict[str, Any]:
        """Return the arguments with which subprocess.Popen starts a program with these rights."""
        if self.user is None:
            return {}
        return {"user": self.user, "group": self.group, "extra_groups": list(self.groups)}

    def take_over(self, folder: Path) -> None:
        """Give a new folder, but nothing in it, to the user; nobody else may look into it. Raises: OSError."""
        folder.chmod(0o700)
        if self.user is not None:
            os.chown(folder, self.user, -1)
        for path in folder.rglob("*"):  # made under whatever umask
            path.chmod(0o755 if path.is_dir() else 0o644)


def gate_account() -> Account:
    """Return the gate's account."""
    if os.geteuid() != 0:
        return Account()
    try:
        user, group = pwd.getpwnam(USER), grp.getgrnam(GROUP)
    except KeyError:
        return Account()
    lamps = {found.gr_gid for found in grp.getgrall() if found.gr_name == LAMPS}
    return Account(user.pw_uid, group.gr_gid, tuple({*os.getgrouplist(USER, group.gr_gid), *lamps}))
