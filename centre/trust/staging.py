"""A publication that waits for signatures: one file, which may travel to another machine's keys and back."""

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from tuf.api.metadata import Metadata, Root, Targets

from centre.files import PUBLIC, write_whole
from centre.output import EX_DATA
from centre.trust.drafts import SIGNERS
from centre.trust.home import TrustError, read_bounded, writing
from centre.trust.keys import Held, name_of
from centre.trust.roles import ROLES, RoleKeys, lacking, sign

STAGED_MAX_BYTES = 32 * 1024 * 1024  # ours: root and targets, each of 5 MB at most
VERSION = 1


class Waiting(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One metadata file, and whose signatures it needs: of a new root those of the old one's keys too."""

    role: str
    metadata: dict[str, Any]
    needs: list[RoleKeys]

    def parsed(self) -> Metadata[Any]:
        """Return the metadata.

        Raises: TrustError.
        """
        found: Metadata[Any] | None = None
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
            found = Metadata.from_dict(msgspec.json.decode(msgspec.json.encode(self.metadata)))  # it takes it apart
        if found is None or found.signed.type != (self.role if self.role in ROLES else Targets.type):
            raise TrustError(f"{self.role[:64]!a}: what is staged is damaged: remove staged.json, begin anew", EX_DATA)
        return found


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    version: int
    staged: list[Waiting]


def waiting(role: str, metadata: Metadata[Any], needs: list[RoleKeys]) -> Waiting:
    """Return metadata as it is staged."""
    return Waiting(role, metadata.to_dict(), needs)


def read_staged(path: Path) -> dict[str, Waiting]:
    """Return what is staged, by role; nothing where there is no file.

    Raises: TrustError.
    """
    if not path.exists():
        return {}
    try:
        found = msgspec.json.decode(read_bounded(path, STAGED_MAX_BYTES), type=_File)
    except msgspec.MsgspecError:
        found = None
    if found is None or found.version != VERSION:
        raise TrustError(f"{path} is no staged publication: remove it and publish anew", EX_DATA)
    return {one.role: one for one in found.staged}


def write_staged(path: Path, staged: Iterable[Waiting]) -> None:
    """Write what is staged; without any the file goes.

    Raises: TrustError.
    """
    some = list(staged)
    with writing(path.parent):
        if some:
            write_whole(path, msgspec.json.encode(_File(VERSION, some)), PUBLIC)
        else:
            path.unlink(missing_ok=True)


def sign_staged(path: Path, held: Held) -> list[dict[str, Any]]:
    """Sign what is staged with the keys that are held; return for each file what it is, who signed, who is missing.

    Raises: TrustError.
    """
    staged, told = read_staged(path), []
    signed: list[Waiting] = []
    for one in staged.values():
        metadata = one.parsed()
        added = sign(metadata, held, one.needs)
        signed.append(waiting(one.role, metadata, one.needs))
        told.append(
            {
                "role": one.role,
                "version": metadata.signed.version,
                "expires": metadata.signed.expires,
                "holds": _held_in(metadata.signed),
                "signed": added,
                "missing": lacking(metadata, one.needs),
            }
        )
    if signed:
        write_staged(path, signed)
    return told


def _held_in(signed: Any) -> str:  # noqa: ANN401 - any kind of metadata
    """Return what somebody who signs can compare with what was meant."""
    if isinstance(signed, Root):
        roles = {role: ", ".join(name_of(signed.keys[keyid]) for keyid in signed.roles[role].keyids) for role in ROLES}
        return "; ".join(f"{role}: {keys}" for role, keys in roles.items())
    provinces = () if signed.delegations is None else signed.delegations.roles or ()
    signers = signed.targets.get(SIGNERS)
    list_ = [f"{SIGNERS} {signers.hashes.get('sha256')}"] if signers else []
    return ", ".join([f"{len(signed.targets)} files", *list_, *provinces])
