"""LX1's test vectors: `python -m tests.verifier.lx1_vectors` writes them to docs/formats/ anew.

All of it is made of fixed seeds (ES256 signatures as in RFC 6979), so a new file is the same as the one before.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cbor2

from tests.simulators.lx1 import KIND_NAMES, PERMIT, Lx1Issuer, encoded, message_of, text_of
from tests.simulators.lx1_bounds import OPTIONAL
from tests.simulators.lx1_faulty import FaultyPermits
from verifier.signers import encode_signers

FILE = Path(__file__).parents[2] / "docs" / "formats" / "lx1-vectors.json"
SEED = "vectors"
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
ABOUT = "Made by tests/verifier/lx1_vectors.py. The keys are test keys of no value: never list one as a signer."
REPEATING = ", ".join(["xét nghiệm"] * 4)  # worth compressing


def issuers() -> tuple[Lx1Issuer, Lx1Issuer]:
    """Return the two that the valid vectors are of."""
    return Lx1Issuer("EdDSA", seed=f"{SEED} EdDSA"), Lx1Issuer("ES256", seed=f"{SEED} ES256", issuer="VN-HN")


def vectors() -> dict[str, Any]:
    """Return what the file holds: bytes in hex, keys as JWK."""
    edwards, p256 = issuers()
    rows = [row for issuer in (edwards, p256) for row in _valid(issuer)]
    faulty = FaultyPermits(edwards, AT, seed=SEED)
    rows += [
        _row(
            one.name,
            one.text,
            one.issuer,
            AT,
            one.reason,
            "undecided" if one.reason == "unsupported-kind" else "refused",
        )
        for one in faulty
    ]
    signers = [*faulty.entries(), p256.entry()]
    return {
        "version": 1,
        "about": ABOUT,
        "signers": json.loads(encode_signers(signers)),
        "revoked": sorted(hash16.hex() for hash16 in faulty.revoked()),
        "private_keys": {issuer.algorithm: issuer.jwk | {"d": issuer.private} for issuer in (edwards, p256)},
        "vectors": rows,
    }


def _valid(issuer: Lx1Issuer) -> Iterator[dict[str, Any]]:
    """Give what is accepted, and what is no longer or not yet a second later or before."""

    def row(name: str, claims: dict[int, Any], at: datetime = AT, *, packed: bool | None = None) -> dict[str, Any]:
        text = text_of(issuer.message(encoded(claims)), packed=packed)
        return _row(f"{issuer.algorithm}: {name}", text, issuer, at, "valid", "accepted", claims)

    for kind in KIND_NAMES:
        claims = issuer.claims(kind, AT)
        yield row(f"{kind} with every field", claims)
        required = {number: value for number, value in claims[PERMIT].items() if number not in OPTIONAL}
        least = {label: value for label, value in claims.items() if label != 5} | {PERMIT: required}
        yield row(f"{kind} with nothing optional", least)
    vehicle, test = issuer.claims("vehicle", AT), issuer.claims("test", AT)
    yield row("compressed, though longer so", vehicle, packed=True)
    yield row("compressed, and shorter so", test | {PERMIT: test[PERMIT] | {44: REPEATING}})
    yield row("the second of its issue, where it holds from then", vehicle | {5: vehicle[6]}, _time(vehicle[6]))
    yield row("the second from which it holds", vehicle, _time(vehicle[5]))
    yield row("the last second of it", vehicle, _time(vehicle[4]))
    holder = {1: "TRAN", 3: "1987"}
    yield row("one name, year of birth only", issuer.claims("travel", AT, f1=holder))
    yield row("a carrier of 30 bytes", issuer.claims("vehicle", AT, f12="HTX vận tải Sài Gòn 2021"))
    early, late = _time(vehicle[5]) - timedelta(seconds=1), _time(vehicle[4]) + timedelta(seconds=1)
    for name, at, reason in (("a second too early", early, "not-yet-valid"), ("a second too late", late, "expired")):
        text = issuer.text(vehicle)
        yield _row(f"{issuer.algorithm}: {name}", text, issuer, at, reason, "refused", vehicle)


def _row(  # a row of the file has as many columns
    name: str,
    text: str,
    issuer: Lx1Issuer,
    at: datetime,
    reason: str,
    verdict: str,
    claims: dict[int, Any] | None = None,
) -> dict[str, Any]:
    known = {} if claims is None else {"claims": _json(claims), "payload": _payload(text).hex()}
    return {
        "name": name,
        "text": text,
        "key": issuer.jwk,
        "at": _iso(at),
        **known,
        "verdict": verdict,
        "reason": reason,
    }


def _payload(text: str) -> bytes:
    payload: bytes = cbor2.loads(message_of(text)).value[2]
    return payload


def _json(value: Any) -> Any:  # noqa: ANN401 - any CBOR
    """Return claims as JSON says them: numbers of fields as texts, bytes in hex."""
    match value:
        case dict():
            return {str(key): _json(held) for key, held in value.items()}
        case list():
            return [_json(held) for held in value]
        case bytes():
            return value.hex()
    return value


def _time(epoch_s: int) -> datetime:
    return datetime.fromtimestamp(epoch_s, UTC)


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def written() -> str:
    """Return the file's text: a line for each vector."""
    made = vectors()
    rows = ",\n".join(f"    {_line(row)}" for row in made.pop("vectors"))
    head = ",\n".join(f"  {_line(name)}: {_line(value)}" for name, value in made.items())
    return f'{{\n{head},\n  "vectors": [\n{rows}\n  ]\n}}\n'


def _line(value: Any) -> str:  # noqa: ANN401 - any JSON
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(written(), encoding="utf-8")
