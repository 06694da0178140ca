"""Whatever is bent in a permit: a verdict, never an exception, and never green for other bytes than were signed."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest

from tests.mutations import bent
from tests.simulators.lx1 import KIND_NAMES, PERMIT, Lx1Issuer, encoded, message_of, text_of
from verifier import Accepted, Revocations, TrustList, Verifier, base45
from verifier.documents import lx1

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
SHARES = 4  # for as many processes
MUTATIONS = 20_000 // SHARES

Mutation = Callable[[random.Random, bytes], str]


def _text(rng: random.Random, message: bytes) -> str:
    characters = list(text_of(message))
    at = rng.randrange(len(characters))
    characters[at : at + rng.randint(0, 2)] = rng.choice(base45.ALPHABET + "\naé\x00") * rng.randint(0, 2)
    return "".join(characters)


def _packed(rng: random.Random, message: bytes) -> str:
    text = text_of(message, packed=True)
    return "LX1:" + base45.encode(bent(rng, base45.decode(text.removeprefix("LX1:"))))


def _message(rng: random.Random, message: bytes) -> str:
    return text_of(bent(rng, message))


def _part(rng: random.Random, message: bytes) -> str:
    parts: list[Any] = list(cbor2.loads(message).value)
    at = rng.choice((0, 2, 3))
    parts[at] = bent(rng, parts[at])
    return text_of(b"\xd2" + cbor2.dumps(parts))


def _claims(rng: random.Random, message: bytes) -> str:
    protected, unprotected, payload, signature = cbor2.loads(message).value
    claims = cbor2.loads(payload)
    target = rng.choice((claims, claims[PERMIT]))
    key = rng.choice(list(target))
    target[key] = rng.choice(
        (None, True, 0, 1, 2**63, 1.5, "", "51C99999", b"\xff" * 16, [], [[0, 1]], {}, {1: {1: 1}})
    )
    return text_of(b"\xd2" + cbor2.dumps([protected, dict(unprotected), encoded(claims), signature]))


MUTATORS: tuple[Mutation, ...] = (_text, _packed, _message, _part, _claims)


@pytest.mark.parametrize("share", range(SHARES))
def test_no_mutated_permit_raises_or_is_accepted_for_other_bytes(share: int) -> None:
    rng = random.Random(20260601 + share)  # noqa: S311 - repeatable, not secret
    issuers = (Lx1Issuer("EdDSA", seed="mutations"), Lx1Issuer("ES256", seed="mutations"))
    judge = Verifier(TrustList(issuer.entry().signer() for issuer in issuers), Revocations())
    messages = [message_of(issuer.issue(kind, AT)) for issuer in issuers for kind in KIND_NAMES]
    signed = {lx1.message(message).signed_bytes() for message in messages}
    accepted = 0
    for _ in range(MUTATIONS):
        text = rng.choice(MUTATORS)(rng, rng.choice(messages))
        if isinstance(judge.verify(text, AT), Accepted):
            accepted += 1
            assert lx1.message(message_of(text)).signed_bytes() in signed
    assert accepted < MUTATIONS / 10, "only what was bent into itself"
