"""`greengate-centre trust init`, `delegate`, `rotate`, `sign`: whose keys sign."""

import contextlib
from pathlib import Path
from typing import Annotated, Any

import typer

from centre.output import EX_NO_INPUT, EX_UNAVAILABLE, EX_USAGE, HOME, Home, Json, out, refuse
from centre.trust.beginning import init_nation
from centre.trust.drafts import Draft
from centre.trust.home import TrustError, TrustHome, checked_code
from centre.trust.keys import held_keys, name_of, public_key
from centre.trust.options import KeyFolders, Province, code_of, day, trust_told
from centre.trust.provincial import init_province, rotate_province
from centre.trust.repository import Repository
from centre.trust.roles import (
    DAYS,
    DAYS_MAX,
    KEYS_MAX,
    KEYS_OF,
    PROVINCE,
    ROLES,
    THRESHOLDS,
    RoleKeys,
    check_threshold,
    counts,
)
from centre.trust.rotating import rotate as rotate_role
from centre.trust.staging import sign_staged
from drivers.clock import open_clock
from verifier.rule_file import role_of

Numbers = list[str] | None


def init(
    province: Province = None,
    keys_of: Annotated[Numbers, typer.Option("--keys-of", metavar="ROLE=N", help="How many keys a role has.")] = None,
    threshold: Annotated[Numbers, typer.Option(metavar="ROLE=N", help="How many of them have to sign.")] = None,
    days: Annotated[
        Numbers, typer.Option(metavar="ROLE=N", help="For how many days a role's metadata is good.")
    ] = None,
    offline_days: Annotated[
        int | None, typer.Option(min=1, max=366, help="How long a kiosk may be offline at most; else 30.")
    ] = None,
    root_to: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the root's keys are made: a stick that is locked away.")
    ] = None,
    home: Home = HOME,
    *,
    json: Json = False,
) -> None:
    """Make the nation's trust repository, or with --province a province's keys, on its own machine.

    Keys: root 3, of which 2 have to sign, and one each for targets, snapshot and timestamp (--keys-of, --threshold);
    good for 730, 365 and 180 days (--days). They lie in HOME/trust/keys; carry those of the root away, and name their
    folder with --keys when they are needed. A province's role is called `province`. What is there stays; broken off
    midway, the same again goes on. `HOME/trust/repo/root.json` is what a kiosk begins with.

    Example: greengate-centre trust init --threshold root=2 --root-to /media/stick

    Exit codes: 0 done, or there already; 2 wrong usage; 65 a number out of bounds; 73 a folder cannot be written;
    75 another command works on it; 78 a key cannot be used.
    """
    trust, now = TrustHome(home), open_clock("system").now()
    with trust_told(json=json), trust.alone():
        code = code_of(province)
        if code is not None:
            out(_init_province(trust, code, keys_of or [], threshold or [], days or []), json=json)
            return
        lives = counts(days or [], {role: DAYS[role] for role in ("root", "targets", "snapshot")}, "--days", DAYS_MAX)
        made = init_nation(
            trust,
            now,
            numbers=counts(keys_of or [], KEYS_OF, "--keys-of", KEYS_MAX),
            thresholds=counts(threshold or [], THRESHOLDS, "--threshold", KEYS_MAX),
            days=lives,
            offline_days=offline_days,
            root_to=root_to,
        )
        out({"new": made.new, "root": str(made.root), "keys": ", ".join(made.keys)}, json=json)


def delegate(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The province, such as vn-sg.")],
    key: Annotated[list[Path], typer.Option("--key", metavar="PUB", help="A public key of the province's.")],
    threshold: Annotated[int, typer.Option(min=1, max=KEYS_MAX, help="How many of them have to sign.")] = 1,
    home: Home = HOME,
    *,
    json: Json = False,
) -> None:
    """Let a province sign rules and profiles for its own places; these keys are in the place of those before.

    It is in the draft until `trust publish`. The keys come from the province's `trust init --province`: compare their
    identifiers with it over the telephone.

    Example: greengate-centre trust delegate vn-sg --key /media/stick/province-vn-sg-1.pub

    Exit codes: 0 done, or so already; 2 wrong usage; 65 no public key; 66 a file cannot be opened; 73 the draft cannot
    be written; 75 another command works on it; 78 the home has no trust repository.
    """
    trust = TrustHome(home)
    with trust_told(json=json), trust.alone():
        trust.there()
        small = checked_code(code)
        keys = {one.keyid: one for one in map(public_key, key)}
        check_threshold(role_of(small), threshold, len(keys))
        root = Repository(trust.repo).root()
        if root is not None and not keys.keys().isdisjoint(root.signed.keys):
            raise TrustError(f"{small}: this is a key of the nation's: a province has keys of its own", EX_USAGE)
        public = {keyid: one.to_dict() for keyid, one in keys.items()}
        new = Draft(trust).delegate(small, RoleKeys(role_of(small), threshold, public))
        out({"province": small, "new": new, "keys": ", ".join(map(name_of, keys.values()))}, json=json)


def rotate(
    role: Annotated[str, typer.Argument(metavar="ROLE", help="root, targets, snapshot, timestamp or province-CODE.")],
    revoke_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="Which one goes, by name or identifier; else the oldest.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="PUB", help="A public key that was made elsewhere.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the new key is made; else HOME/trust/keys.")
    ] = None,
    keys: KeyFolders = None,
    home: Home = HOME,
    *,
    json: Json = False,
) -> None:
    """Put a new key in the place of one of a role's.

    Of the nation's roles this makes a new root, which needs the signatures of the old root's keys and, where those
    change, of the new ones: by those that are here or in --keys, the others by `trust sign`. `trust publish` takes it
    as soon as it has them. Of a province (on its machine) the nation has to delegate to the new keys then.

    Example: greengate-centre trust rotate timestamp --keys /media/stick

    Exit codes: 0 done (`missing` says who has to sign yet); 2 wrong usage; 65 no public key; 66 a folder or file cannot
    be opened; 69 there is no such key; 73 a folder cannot be written; 75 another command works on it; 78 the home has
    no trust repository.
    """
    trust, now = TrustHome(home), open_clock("system").now()
    with trust_told(json=json), trust.alone():
        if role.startswith(PROVINCE):
            if revoke_key is not None or key is not None:
                refuse(f"{role}: of a province the oldest key goes, and a new one is made here", EX_USAGE, json=json)
            added, gone = rotate_province(trust, checked_code(role.removeprefix(PROVINCE)), to or trust.keys)
            out({"role": role, "added": added, "revoked": gone}, json=json)
            return
        if role not in ROLES:
            refuse(f"{role[:64]!a} is no role: one of {', '.join(ROLES)}, province-CODE", EX_USAGE, json=json)
        done = rotate_role(trust, role, keys or [], now, public=key, to=to or trust.keys, which=revoke_key)
        said: dict[str, Any] = {"role": role, "root": done.root, "added": done.added, "revoked": done.revoked}
        out(said | {"missing": done.missing if json else "; ".join(done.missing) or None}, json=json)


def sign(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="What waits for signatures; else HOME/trust/staged.json.")
    ] = None,
    keys: KeyFolders = None,
    home: Home = HOME,
    *,
    json: Json = False,
) -> None:
    """Sign what waits for signatures with the keys that are here: in the home, and in folders that --keys names.

    Where `trust publish` or `rotate` said which keys are missing, carry HOME/trust/staged.json to their machine, sign
    it there, carry it back to where it lay, and publish. Without any key it only says what waits: look first whether
    version, role and what it holds are what you expect.

    Example: greengate-centre trust sign /media/stick/staged.json --keys /media/stick

    Exit codes: 0 signed (`missing` says who has to yet); 2 wrong usage; 65 no staged publication; 66 a file or folder
    cannot be opened; 69 nothing waits, or none of its keys is here; 73 the file cannot be written; 75 another command
    works on it; 78 a key cannot be used.
    """
    trust = TrustHome(home)
    path = file or trust.staged
    lock = trust.alone() if path.absolute() == trust.staged.absolute() else contextlib.nullcontext()
    with trust_told(json=json), lock:  # elsewhere than in the home it needs none, nor rights in it
        if not path.exists():
            code = EX_UNAVAILABLE if file is None else EX_NO_INPUT
            raise TrustError(f"{path}: nothing waits for signatures", code)
        told = sign_staged(path, held_keys(trust.keys, keys or []))
        for one in told:
            out(one if json else _flat(one), json=json)
        if not any(one["signed"] for one in told) and any(one["missing"] for one in told):
            raise TrustError("none of the missing keys is here: name their folder with --keys", EX_UNAVAILABLE)


def _flat(one: dict[str, Any]) -> dict[str, Any]:
    plain = {"expires": day(one["expires"]), "signed": ", ".join(one["signed"]), "missing": "; ".join(one["missing"])}
    said = one | {name: value or None for name, value in plain.items()}
    return {
        name: value if str(value).isprintable() else ascii(value) for name, value in said.items()
    }  # a stick's words


def _init_province(
    trust: TrustHome, code: str, keys_of: list[str], threshold: list[str], days: list[str]
) -> dict[str, Any]:
    made, new = init_province(
        trust,
        code,
        number=counts(keys_of, {"province": 1}, "--keys-of", KEYS_MAX)["province"],
        threshold=counts(threshold, {"province": 1}, "--threshold", KEYS_MAX)["province"],
        days=counts(days, {"province": DAYS["province"]}, "--days", DAYS_MAX)["province"],
        to=trust.keys,
    )
    names = ", ".join(map(name_of, made.keys.public().values()))
    return {"new": new, "province": code, "keys": names, "public": str(trust.keys / f"{role_of(code)}-1.pub")}
