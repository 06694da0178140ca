"""The published vectors are what our verifier says, and what their program makes."""

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from centre.permits.encoding import Times, Unsigned, encode
from tests.simulators.lx1 import KIND_NAMES
from tests.verifier.lx1_vectors import FILE, issuers, written
from verifier import Accepted, Refused, Revocations, Undecided, Verifier
from verifier.revocation import PlainSet
from verifier.signers import parse_signers

PUBLISHED: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
VERDICTS = {"accepted": Accepted, "refused": Refused, "undecided": Undecided}


@pytest.fixture(scope="module")
def judge() -> Verifier:
    revoked = frozenset(map(bytes.fromhex, PUBLISHED["revoked"]))
    trust = parse_signers(json.dumps(PUBLISHED["signers"]).encode())
    return Verifier(trust, Revocations([PlainSet("lx1", hashes=revoked)]))


@pytest.mark.parametrize("vector", PUBLISHED["vectors"], ids=[vector["name"] for vector in PUBLISHED["vectors"]])
def test_the_verdict_is_the_vector_s(judge: Verifier, vector: dict[str, Any]) -> None:
    verdict = judge.verify(vector["text"], datetime.fromisoformat(vector["at"]))
    assert (type(verdict), str(verdict.reason)) == (VERDICTS[vector["verdict"]], vector["reason"])


def test_the_file_is_what_its_program_makes() -> None:
    assert written() == FILE.read_text(encoding="utf-8"), "run: python -m tests.verifier.lx1_vectors"


def test_there_is_one_of_everything() -> None:
    vectors = PUBLISHED["vectors"]
    accepted = [vector["name"] for vector in vectors if vector["verdict"] == "accepted"]
    for algorithm in ("EdDSA", "ES256"):
        for kind in KIND_NAMES:
            assert {f"{algorithm}: {kind} with every field", f"{algorithm}: {kind} with nothing optional"} < set(
                accepted
            )
    assert Counter(vector["reason"] for vector in vectors).keys() == {
        "valid", "unsupported-kind", "bad-base45", "bad-compression", "bad-cose", "bad-signature", "bad-cwt",
        "bad-payload", "unknown-issuer", "signer-not-valid", "wrong-key-usage", "outside-scope", "expired",
        "not-yet-valid", "revoked",
    }  # fmt: skip
    assert all("claims" in vector for vector in vectors if vector["verdict"] == "accepted")


@pytest.mark.parametrize("kind", KIND_NAMES)
@pytest.mark.parametrize("fields", ["every field", "nothing optional"])
def test_the_centre_issues_the_same_bytes(kind: str, fields: str) -> None:
    (vector,) = (one for one in PUBLISHED["vectors"] if one["name"] == f"EdDSA: {kind} with {fields}")
    claims = _numbered(vector["claims"])
    issued, begins, ends = (datetime.fromtimestamp(claims.get(label, claims[6]), UTC) for label in (6, 5, 4))
    content = {number: value for number, value in claims[-65537].items() if number != 0}
    permit = Unsigned(bytes.fromhex(claims[7]), kind, claims[1], Times(issued, begins, ends), content)  # type: ignore[arg-type]  # one of the kinds
    edwards, _ = issuers()
    assert encode(permit, edwards.kid, edwards.sign) == vector["text"]


def _numbered(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return claims with their numbers back from the texts that JSON makes of them."""
    if isinstance(value, dict):
        return {int(key): _numbered(held) for key, held in value.items()}
    return value
