"""A province's own machine: its keys, and its publication, which the nation's takes in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
from tuf.api.metadata import Metadata, TargetFile, Targets

from centre.files import PUBLIC, make_folder, write_whole
from centre.trust.building import encoded, files_of, same_content
from centre.trust.drafts import Draft, decoded
from centre.trust.home import TrustError, TrustHome, writing
from centre.trust.keys import Held, free_name, make_key, plain_name
from centre.trust.repository import Repository
from centre.trust.roles import RoleKeys, check_threshold, expires, half_over, lacking, missing_keys, reaches, sign
from centre.trust.staging import Waiting, read_staged, waiting, write_staged
from centre.trust.taking import check_lengths
from verifier.rule_file import Role, role_of


class Province(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Whose keys speak for a province, as its own machine knows; those before the last change sign too."""

    version: Literal[1]
    days: int
    keys: RoleKeys
    before: RoleKeys | None = None


@dataclass(frozen=True, slots=True)
class ProvincePublished:
    """A province's publication, and whether it is new."""

    role: Role
    version: int
    expires: datetime
    files: int
    new: bool


def init_province(
    home: TrustHome, code: str, number: int, threshold: int, days: int, to: Path
) -> tuple[Province, bool]:
    """Make a province's keys; return them and whether they are new.

    Raises: TrustError.
    """
    if _file(home, code).exists():
        return read_province(home, code), False
    role = role_of(code)
    check_threshold(role, threshold, number)
    keys = [make_key(to, f"{role}-{one}") for one in range(1, number + 1)]
    made = Province(1, days, RoleKeys(role, threshold, {key.keyid: key.to_dict() for key in keys}))
    _write(home, code, made)
    return made, True


def read_province(home: TrustHome, code: str) -> Province:
    """Return a province whose machine this is.

    Raises: TrustError.
    """
    if not _file(home, code).exists():
        raise TrustError(f"{home.home} is not {code}'s: run greengate-centre trust init --province {code}")
    return decoded(_file(home, code), Province)


def rotate_province(home: TrustHome, code: str, to: Path) -> tuple[str, str]:
    """Put a new key in the place of the one that is there longest; return the names of both.

    Raises: TrustError.
    """
    province = read_province(home, code)
    public = province.keys.public()
    gone, *stay = public.values()
    key = make_key(to, free_name(map(plain_name, public.values()), role_of(code), to))
    keys = RoleKeys(province.keys.role, province.keys.threshold, {one.keyid: one.to_dict() for one in (*stay, key)})
    _write(home, code, Province(1, province.days, keys, province.keys))
    return plain_name(key), plain_name(gone)


def publish_province(home: TrustHome, code: str, held: Held, now: datetime, *, anew: bool = False) -> ProvincePublished:
    """Publish a province's rules and profiles into its own folder; the same again where nothing changed.

    Raises: TrustError; of missing signatures after what has them was staged.
    """
    province, repo, role = read_province(home, code), Repository(home.province(code) / "repo"), role_of(code)
    staged = home.province(code) / "staged.json"
    before = _newest(repo, role)
    files = {path: repo.lay_target(path, data) for path, data in Draft(home).rules(role).items()}
    waits = None if anew or reaches(held, province.keys) else read_staged(staged).get(role)
    made = _made(repo, province, before, files, waits, now)
    if made is before:
        return _told(role, made, new=False)
    check_lengths(made.signed, role)
    both = [province.keys, *([] if province.before is None else [province.before])]
    sign(made, held, both)
    if missing := lacking(made, [province.keys]):
        write_staged(staged, [waiting(role, made, [province.keys])])
        raise missing_keys(missing)
    repo.lay(role, made.signed.version, encoded(made))
    write_staged(staged, [])
    kept = set(repo.versions(role)[-2:])
    repo.prune({role: kept}, files_of([repo.signed_targets(role, number) for number in kept]))
    return _told(role, made, new=True)


def provinces_of(home: TrustHome) -> Sequence[str]:
    """Return the provinces whose machine this is."""
    folder = home.folder / "provinces"
    return sorted(path.parent.name for path in folder.glob("*/role.json"))


def newest_of(home: TrustHome, code: str) -> Metadata[Targets] | None:
    """Return what a province published last, None where nothing.

    Raises: TrustError.
    """
    return _newest(Repository(home.province(code) / "repo"), role_of(code))


def _told(role: Role, metadata: Metadata[Targets], *, new: bool) -> ProvincePublished:
    signed = metadata.signed
    return ProvincePublished(role, signed.version, signed.expires, len(signed.targets), new)


def _made(
    repo: Repository,
    province: Province,
    before: Metadata[Targets] | None,
    files: dict[str, TargetFile],
    waits: Waiting | None,
    now: datetime,
) -> Metadata[Targets]:
    """Return what is to be signed: what waits already, else what differs from the publication before, or is due.

    Where none of that is so, the publication before.
    """
    role = Role(province.keys.role)
    if waits is not None and (before is None or waits.parsed().signed.version > before.signed.version):
        return waits.parsed()
    made: Metadata[Targets] = Metadata(Targets(repo.next_version(role), None, expires(now, province.days), files))
    if before is None or not same_content(made.signed, before.signed) or lacking(before, [province.keys]):
        return made
    return made if half_over(before.signed.expires, now, province.days) else before


def _newest(repo: Repository, role: str) -> Metadata[Targets] | None:
    versions = repo.versions(role)
    return repo.signed_targets(role, versions[-1]) if versions else None


def _file(home: TrustHome, code: str) -> Path:
    return home.province(code) / "role.json"


def _write(home: TrustHome, code: str, province: Province) -> None:
    path = _file(home, code)
    with writing(path):
        make_folder(path.parent, 0o755)
        write_whole(path, msgspec.json.encode(province), PUBLIC)
