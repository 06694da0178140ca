"""Keys of the nation's roles changed: a new root, signed by the old root's keys and its own, which `publish` takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tuf.api.metadata import Key, Metadata, Root

from centre.output import EX_UNAVAILABLE, EX_USAGE
from centre.trust.building import next_root
from centre.trust.drafts import read_settings
from centre.trust.home import TrustError, TrustHome
from centre.trust.keys import free_name, held_keys, make_key, name_of, plain_name, public_key
from centre.trust.repository import Repository
from centre.trust.roles import check_threshold, expires, lacking, root_needs, sign
from centre.trust.staging import read_staged, waiting, write_staged


@dataclass(frozen=True, slots=True)
class Rotated:
    """The root that waits to be published, and what of a role changed in it."""

    role: str
    root: int
    added: str
    revoked: str
    missing: list[str]


def rotate(
    home: TrustHome,
    role: str,
    folders: Sequence[Path],
    now: datetime,
    *,
    public: Path | None,
    to: Path,
    which: str | None,
) -> Rotated:
    """Put a new key in the place of one of a role's; several rotations make one root.

    Args:
        home: Whose; nobody else works on it.
        role: Of the nation's four.
        folders: Further folders with keys.
        now: When.
        public: A key that was made elsewhere; else one is made.
        to: Where it is made.
        which: The key that goes, by its name or the begin of its identifier; else the one that is there longest.

    Raises: TrustError.
    """
    current = Repository(home.repo).root()
    if current is None:
        raise TrustError(f"{home.home} has no trust repository: run greengate-centre trust init")
    staged = read_staged(home.staged)
    root = _pending(current, staged["root"].parsed() if "root" in staged else None)
    root.signed.expires = expires(now, read_settings(home.settings).days["root"])
    gone = _chosen(root.signed, role, which)
    names = [plain_name(key) for key in root.signed.keys.values()]
    key = make_key(to, free_name(names, role, to)) if public is None else public_key(public)
    _change(root.signed, role, key, gone)
    needs = root_needs(current, root)
    sign(root, held_keys(home.keys, folders), needs)
    staged["root"] = waiting("root", root, needs)
    write_staged(home.staged, staged.values())
    return Rotated(role, root.signed.version, name_of(key), name_of(gone), lacking(root, needs))


def _pending(current: Metadata[Root], staged: Metadata[Root] | None) -> Metadata[Root]:
    """Return the root to change: the one that waits already, without its signatures, else the next."""
    if staged is None or staged.signed.version != current.signed.version + 1:
        return next_root(current, current.signed.expires)
    staged.signatures.clear()
    return staged


def _chosen(root: Root, role: str, which: str | None) -> Key:
    keys = [root.keys[keyid] for keyid in root.roles[role].keyids]
    if which is None:
        return keys[0]
    found = [key for key in keys if plain_name(key) == which or key.keyid.startswith(which.lower())]
    if len(found) != 1:
        known = ", ".join(name_of(key) for key in keys)
        raise TrustError(f"--revoke-key {which[:64]!a}: name one of {known}", EX_UNAVAILABLE)
    return found[0]


def _change(root: Root, role: str, key: Key, gone: Key) -> None:
    if key.keyid in root.roles[role].keyids:
        raise TrustError(f"{name_of(key)} is a key of {role} already: give another", EX_USAGE)
    if key.keyid in root.keys:
        raise TrustError(f"{name_of(key)} is another role's key: each role has keys of its own", EX_USAGE)
    root.revoke_key(gone.keyid, role)
    root.add_key(key, role)
    check_threshold(role, root.roles[role].threshold, len(root.roles[role].keyids))
