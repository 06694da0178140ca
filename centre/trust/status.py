"""How a trust repository is: what is published and until when, whose keys sign it, and what the draft changes."""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from tuf.api.metadata import Metadata, Root, Targets

from centre.trust.building import Published, issued_of, published_in
from centre.trust.drafts import FRESHNESS, SIGNERS, Draft
from centre.trust.home import TrustError, TrustHome
from centre.trust.keys import name_of
from centre.trust.provincial import newest_of, provinces_of, read_province
from centre.trust.repository import Repository
from centre.trust.roles import ROLES, RoleKeys, lacking, role_keys
from centre.trust.sets import INDEX, Index, changed_sets, read_index
from centre.trust.staging import read_staged
from centre.trust.watching import watched
from verifier.freshness import parse_freshness
from verifier.rule_file import role_of
from verifier.signers import read_entries


def nation_status(home: TrustHome, now: datetime) -> dict[str, Any]:
    """Return how a nation's repository is; `warnings` holds what somebody has to do.

    Raises: TrustError.
    """
    repo = Repository(home.repo)
    root, published = repo.root(), published_in(repo)
    if root is None:
        raise TrustError(f"{home.home} has no trust repository: run greengate-centre trust init")
    index = _index(repo, published)
    staged = read_staged(home.staged)
    waits = [line for one in staged.values() for line in lacking(one.parsed(), one.needs)]
    return {
        "published": _published(repo, published),
        "roles": _roles(root, published),
        "provinces": _provinces(home, published),
        "sets": [{"name": one.name, "count": one.count, "deltas": len(one.deltas)} for one in index.sets],
        "staged": {role: one.parsed().signed.version for role, one in staged.items()},
        "draft": _changes(home, published, index, now),
        "warnings": waits + _warnings(repo, root, published, now),
    }


def province_status(home: TrustHome, code: str, now: datetime) -> dict[str, Any]:
    """Return how a province's own publication is.

    Raises: TrustError.
    """
    province, newest = read_province(home, code), newest_of(home, code)
    waits = [
        line
        for one in read_staged(home.province(code) / "staged.json").values()
        for line in lacking(one.parsed(), one.needs)
    ]
    ends = None if newest is None else newest.signed.expires
    soon = [f"{role_of(code)}: ends on {ends:%F}: publish again"] if ends and ends - now < timedelta(days=7) else []
    was = {} if newest is None else {path: file.hashes["sha256"] for path, file in newest.signed.targets.items()}
    return {
        "province": code,
        "version": None if newest is None else newest.signed.version,
        "expires": ends,
        "keys": _keys(province.keys),
        "draft": _different(Draft(home).rules(role_of(code)), was),
        "warnings": waits + soon,
    }


def statuses(home: TrustHome, now: datetime) -> list[dict[str, Any]]:
    """Return how the nation's repository of a home is, and each province's whose machine this is.

    Raises: TrustError where the home has neither.
    """
    own = [province_status(home, code, now) for code in provinces_of(home)]
    if own and Repository(home.repo).root() is None:
        return own
    return [nation_status(home, now), *own]


def _published(repo: Repository, published: Published) -> dict[str, Any] | None:
    if published.timestamp is None or published.targets is None:
        return None
    files = published.targets.signed.targets
    return {
        "version": published.timestamp.signed.version,
        "issued": issued_of(published.timestamp.signed),
        "signers": len(read_entries(repo.target(files[SIGNERS]))),
        "rules": sum(path.startswith("rules/") for path in files),
        "profiles": sum(path.startswith("profiles/") for path in files),
    }


def _roles(root: Metadata[Root], published: Published) -> dict[str, dict[str, Any]]:
    """Return each role's version, end, threshold and keys."""
    parts: dict[str, Any] = {
        "root": root,
        "targets": published.targets,
        "snapshot": published.snapshot,
        "timestamp": published.timestamp,
    }
    return {
        role: {
            "version": None if parts[role] is None else parts[role].signed.version,
            "expires": None if parts[role] is None else parts[role].signed.expires,
            **_keys(role_keys(root.signed, role)),
        }
        for role in ROLES
    }


def _keys(keys: RoleKeys) -> dict[str, Any]:
    return {"threshold": keys.threshold, "keys": [name_of(key) for key in keys.public().values()]}


def _provinces(home: TrustHome, published: Published) -> dict[str, dict[str, Any]]:
    """Return each province that the draft delegates to, and what of it is published."""
    return {
        code: {**_province(published.provinces.get(code)), **_keys(keys)}
        for code, keys in Draft(home).provinces().items()
    }


def _province(metadata: Metadata[Targets] | None) -> dict[str, Any]:
    if metadata is None:
        return {"version": None, "expires": None, "rules": 0}
    signed = metadata.signed
    return {"version": signed.version, "expires": signed.expires, "rules": len(signed.targets)}


def _index(repo: Repository, published: Published) -> Index:
    file = published.files.get(INDEX)
    return Index(1, []) if file is None else read_index(repo.target(file))


def _changes(home: TrustHome, published: Published, index: Index, now: datetime) -> list[str]:
    """Return what the next publication changes."""
    draft = Draft(home)
    was = {
        path: file.hashes["sha256"]
        for path, file in published.files.items()
        if path != INDEX and not path.startswith("revocations/")
    }
    found = _different(draft.checked(), was)
    delegated = _delegated(published.targets)
    found += [f"province {code}" for code, keys in draft.provinces().items() if delegated.get(code) != keys]
    return found + [f"revocations {name}" for name in changed_sets(home, index, now)]


def _delegated(targets: Metadata[Targets] | None) -> dict[str, RoleKeys]:
    if targets is None or targets.signed.delegations is None:
        return {}
    roles: Iterable[str] = targets.signed.delegations.roles or ()
    return {role.removeprefix("province-"): role_keys(targets.signed, role) for role in roles}


def _different(draft: dict[str, bytes], was: dict[str, str]) -> list[str]:
    now = {path: hashlib.sha256(data).hexdigest() for path, data in draft.items()}
    return sorted(path for path in {*now, *was} if now.get(path) != was.get(path))


def _warnings(repo: Repository, root: Metadata[Root], published: Published, now: datetime) -> list[str]:
    if published.timestamp is None or published.targets is None:
        return ["nothing is published: run greengate-centre trust publish"]
    found = watched(root.signed, published, now)
    limits = parse_freshness(repo.target(published.files[FRESHNESS]))
    age = now - issued_of(published.timestamp.signed)
    shortest = min(limits.keys.ageing_hours, limits.revocations.ageing_hours, limits.rules.ageing_hours)
    if age > timedelta(hours=shortest):
        found.append(f"timestamp: issued {age.days} days ago, and kiosks warn after {shortest:g} hours: publish")
    return found
