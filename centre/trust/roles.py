"""Roles: whose keys and how many of them sign what, and for how long; and what is signed with keys that are held."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from securesystemslib.exceptions import UnverifiedSignatureError
from tuf.api.metadata import DelegatedRole, Key, Metadata, Root, Targets
from tuf.api.serialization import SerializationError

from centre.output import EX_DATA, EX_UNAVAILABLE, EX_USAGE
from centre.trust.home import TrustError
from centre.trust.keys import Held, name_of
from verifier.rule_file import role_of

ROLES = ("root", "targets", "snapshot", "timestamp")
PROVINCE = "province-"
KEYS_MAX = 16  # ours: of one role
DAYS_MAX = 3650  # ours: ten years, by when every key was changed
# How long each is good for. The timestamp's end follows from the nation's freshness: `offline_max_days`.
DAYS = {"root": 730, "targets": 365, "snapshot": 180, "province": 365}
KEYS_OF = {"root": 3, "targets": 1, "snapshot": 1, "timestamp": 1}
THRESHOLDS = {"root": 2, "targets": 1, "snapshot": 1, "timestamp": 1}  # one root key lost, or stolen, costs nothing


class RoleKeys(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which keys may sign for a role, as TUF writes them, and how many have to."""

    role: str
    threshold: int
    keys: dict[str, dict[str, Any]]

    def public(self) -> dict[str, Key]:
        """Return the keys by their identifiers.

        Raises: TrustError.
        """
        try:
            return {keyid: Key.from_dict(keyid, dict(fields)) for keyid, fields in self.keys.items()}
        except (ValueError, KeyError, TypeError):
            raise TrustError(f"{self.role[:64]!a}: its keys are damaged: bring the file from a backup") from None


def paths_of(code: str) -> list[str]:
    """Return what a province may sign; TUF's globs do not cross a slash, so these are files of one folder each."""
    return [f"rules/province/{code}/*", f"profiles/province/{code}/*"]


def role_keys(delegator: Root | Targets, role: str) -> RoleKeys:
    """Return whose keys a delegator names for a role.

    Raises: TrustError where it names none.
    """
    try:
        named = delegator.get_delegated_role(role)
        keys = {keyid: delegator.get_key(keyid).to_dict() for keyid in named.keyids}
    except ValueError:
        raise TrustError(f"{role}: the nation has not delegated to it: run greengate-centre trust delegate") from None
    return RoleKeys(role, named.threshold, keys)


def delegated(code: str, threshold: int, keys: Iterable[Key]) -> DelegatedRole:
    """Return what the nation signs of a province: its keys, and its own paths alone."""
    return DelegatedRole(role_of(code), [key.keyid for key in keys], threshold, True, paths_of(code))  # noqa: FBT003 - TUF's own order; True: no other role may sign these paths


def sign(metadata: Metadata[Any], held: Held, wanted: Iterable[RoleKeys]) -> list[str]:
    """Sign with each key that is held and wanted, and has not signed yet; return their names.

    Raises: TrustError.
    """
    added: list[str] = []
    payload = _payload(metadata)
    for keys in wanted:
        for keyid, key in keys.public().items():
            if keyid in held and not _signed(metadata, key, payload):
                metadata.sign(held[keyid], append=True)
                added.append(name_of(key))
    return added


def lacking(metadata: Metadata[Any], wanted: Iterable[RoleKeys]) -> list[str]:
    """Return, for each role whose threshold is not reached, who has not signed: empty where all is well.

    Raises: TrustError.
    """
    payload, found = _payload(metadata), []
    for keys in wanted:
        public = keys.public()
        missing = [name_of(key) for key in public.values() if not _signed(metadata, key, payload)]
        have = len(public) - len(missing)
        if have < keys.threshold:
            found.append(f"{keys.role}: {have} of {keys.threshold} signatures, missing of {', '.join(missing)}")
    return found


def reaches(held: Held, keys: RoleKeys) -> bool:
    """Tell whether the keys that are held suffice for a role."""
    return len(held.keys() & keys.keys.keys()) >= keys.threshold


def root_needs(old: Metadata[Root], new: Metadata[Root]) -> list[RoleKeys]:
    """Return whose signatures a new root needs: the old root's keys' and its own."""
    before, after = role_keys(old.signed, "root"), role_keys(new.signed, "root")
    return [before] if before == after else [before, after]


def unheld(keys: RoleKeys, held: Held) -> str:
    """Return which keys of a role are not here."""
    missing = [name_of(key) for keyid, key in keys.public().items() if keyid not in held]
    return f"{keys.role}: {len(keys.keys) - len(missing)} of {keys.threshold} keys here, missing {', '.join(missing)}"


def missing_keys(found: Iterable[str]) -> TrustError:
    """Return what to say where signatures are missing."""
    return TrustError("; ".join(found), EX_UNAVAILABLE)


def counts(given: Iterable[str], defaults: dict[str, int], option: str, most: int) -> dict[str, int]:
    """Return numbers by role as `role=n` gives them, over defaults.

    Raises: TrustError.
    """
    found = dict(defaults)
    for one in given:
        role, _, number = one.partition("=")
        if role not in defaults or not (number.isascii() and number.isdecimal() and 0 < int(number[:9]) <= most):
            raise TrustError(f"{option} {one[:64]!a}: give {'|'.join(defaults)}=1 to {most}", EX_USAGE)
        found[role] = int(number)
    return found


def check_threshold(role: str, threshold: int, keys: int) -> None:
    """Refuse a threshold that no number of the keys can reach.

    Raises: TrustError.
    """
    if not 0 < threshold <= keys <= KEYS_MAX:
        raise TrustError(
            f"{role}: a threshold of {threshold} with {keys} keys (at most {KEYS_MAX}): change one", EX_USAGE
        )


def expires(now: datetime, days: int) -> datetime:
    """Return when something signed now is over."""
    return now.replace(microsecond=0) + timedelta(days=days)


def half_over(ends: datetime, now: datetime, days: int) -> bool:
    """Tell whether half of the time is over that something was signed for, so that it is signed anew at leisure."""
    return ends - now < timedelta(days=days) / 2


def _payload(metadata: Metadata[Any]) -> bytes:
    try:
        return metadata.signed_bytes
    except SerializationError:  # TUF's canonical JSON has neither fractions nor half characters
        raise TrustError(f"{metadata.signed.type} metadata holds what nobody can sign: make it anew", EX_DATA) from None


def _signed(metadata: Metadata[Any], key: Key, payload: bytes) -> bool:
    signature = metadata.signatures.get(key.keyid)
    if signature is None:
        return False
    try:
        key.verify_signature(signature, payload)
    except UnverifiedSignatureError:
        return False
    return True
