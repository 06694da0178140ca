"""How a nation's trust repository begins: keys, the first root, and what the draft holds before anybody adds to it."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from tuf.api.metadata import Key

from centre.trust.building import encoded, first_root
from centre.trust.drafts import Draft
from centre.trust.home import TrustHome
from centre.trust.keys import held_keys, make_key, name_of
from centre.trust.repository import Repository
from centre.trust.roles import ROLES, check_threshold, expires, lacking, missing_keys, role_keys, sign


class Begun(NamedTuple):
    """Whether a repository is new, its first root, and its keys' names."""

    new: bool
    root: Path
    keys: list[str]


def init_nation(
    home: TrustHome,
    now: datetime,
    *,
    numbers: Mapping[str, int],
    thresholds: Mapping[str, int],
    days: dict[str, int],
    offline_days: int | None,
    root_to: Path | None,
) -> Begun:
    """Make a repository, or return the one that is there; the first root is laid last.

    Args:
        home: Whose; nobody else works on it.
        now: When.
        numbers: How many keys each role has.
        thresholds: How many of them have to sign.
        days: For how many days each role's metadata is signed.
        offline_days: How long a kiosk may be offline at most.
        root_to: Where the root's keys are made.

    Raises: TrustError.
    """
    repo = Repository(home.repo)
    path = home.repo / "root.json"
    present = repo.root()
    if present is not None:
        repo.lay_first_root(repo.bytes_of("root", 1))
        return Begun(new=False, root=path, keys=[name_of(key) for key in present.signed.keys.values()])
    for role in ROLES:
        check_threshold(role, thresholds[role], numbers[role])
    keys: dict[str, list[Key]] = {role: _made(home, role, numbers[role], root_to) for role in ROLES}
    Draft(home).begin(days, offline_days)
    root = first_root(keys, thresholds, expires(now, days["root"]))
    needs = [role_keys(root.signed, "root")]
    sign(root, held_keys(home.keys, [root_to] if root_to else []), needs)
    if missing := lacking(root, needs):
        raise missing_keys(missing)
    repo.lay("root", 1, encoded(root))
    repo.lay_first_root(encoded(root))
    return Begun(new=True, root=path, keys=[name_of(key) for some in keys.values() for key in some])


def _made(home: TrustHome, role: str, number: int, root_to: Path | None) -> list[Key]:
    folder = root_to if root_to is not None and role == "root" else home.keys
    return [make_key(folder, f"{role}-{one}") for one in range(1, number + 1)]
