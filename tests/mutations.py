"""Mutated passes: every layer of a good pass bent, deterministically by a seed.

Used by the property test (`tests/verifier/test_mutations.py`) and by `bench/hostile.py`.
"""

import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import cbor2

from provisioning.issuer import DemoIssuer, hc1
from verifier import base45
from verifier.prefix import HC1


class Good(NamedTuple):
    """A good pass and what it is made of."""

    text: str
    parts: tuple[bytes, dict[int, Any], bytes, bytes]


def good_passes(issuers: Sequence[DemoIssuer]) -> list[Good]:
    """Return a good pass of every kind by every issuer."""
    passes = []
    for issuer in issuers:
        for kind in "vtr":
            text = issuer.issue(kind=kind)
            message = cbor2.loads(zlib.decompress(base45.decode(text.removeprefix(HC1))))
            protected, unprotected, payload, signature = message.value
            passes.append(Good(text, (protected, dict(unprotected), payload, signature)))
    return passes


def mutated(passes: Sequence[Good], seed: int, count: int) -> Iterator[str]:
    """Yield `count` texts, each a good pass bent at one of its layers."""
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    for _ in range(count):
        yield rng.choice(_MUTATIONS)(rng, rng.choice(passes))


def bent(rng: random.Random, data: bytes) -> bytes:
    """Return the bytes with one to three edits: a bit flipped, a byte set, a run cut, doubled or put in."""
    edited = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(edited) + 1)
        match rng.randrange(5):
            case 0 if at < len(edited):
                edited[at] ^= 1 << rng.randrange(8)
            case 1 if at < len(edited):
                edited[at] = rng.choice((0x00, 0x1B, 0x5F, 0x7F, 0x9F, 0xBB, 0xBF, 0xD8, 0xF6, 0xF9, 0xFB, 0xFF))
            case 2:
                del edited[at : at + rng.randint(1, 8)]
            case 3:
                edited[at:at] = edited[at : at + rng.randint(1, 16)]
            case _:
                edited[at:at] = rng.randbytes(rng.randint(1, 8))
    return bytes(edited)


def _text(rng: random.Random, good: Good) -> str:
    alphabet = base45.ALPHABET + "\naé\x00"
    characters = list(good.text)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(characters))
        characters[at : at + rng.randint(0, 2)] = rng.choice(alphabet) * rng.randint(0, 2)
    return "".join(characters)


def _compressed(rng: random.Random, good: Good) -> str:
    return HC1 + base45.encode(bent(rng, base45.decode(good.text.removeprefix(HC1))))


def _cbor(rng: random.Random, good: Good) -> str:
    return hc1(bent(rng, cbor2.dumps(cbor2.CBORTag(18, list(good.parts)))))


def _cose(rng: random.Random, good: Good) -> str:
    parts: list[Any] = list(good.parts)
    at = rng.randrange(4)
    parts[at] = (
        bent(rng, parts[at])
        if isinstance(parts[at], bytes)
        else {rng.choice((1, 2, 4, 33, "x", b"k", (1, 2))): _value(rng)}
    )
    return hc1(cbor2.dumps(rng.choice((parts, cbor2.CBORTag(18, parts), cbor2.CBORTag(61, cbor2.CBORTag(18, parts))))))


def _claims(rng: random.Random, good: Good) -> str:
    protected, unprotected, payload, signature = good.parts
    claims = cbor2.loads(payload)
    target = rng.choice((claims, claims[-260], claims[-260][1], *_entries(claims)))
    key = rng.choice(list(target))
    if rng.random() < 0.2:
        del target[key]
    else:
        target[key] = _value(rng)
    return hc1(cbor2.dumps([protected, unprotected, cbor2.dumps(claims), signature]))


def _entries(claims: dict[Any, Any]) -> list[dict[str, Any]]:
    return [entry for kind in "vtr" for entry in claims[-260][1].get(kind, ())]


def _value(rng: random.Random) -> Any:  # noqa: ANN401 - anything CBOR can say
    values: tuple[Any, ...] = (
        None,
        True,
        -1,
        2**63,
        -(2**64),
        1.5,
        float("nan"),
        float("inf"),
        "",
        " VN ",
        "x" * 500,
        b"\xff" * 9,
        [],
        [[]],
        {},
        {1: {1: {1: 1}}},
        cbor2.CBORTag(0, "2021-01-01"),
        cbor2.CBORTag(1, 1e10),
        cbor2.CBORTag(99, 1),
    )
    return rng.choice(values)


_MUTATIONS: tuple[Callable[[random.Random, Good], str], ...] = (_text, _compressed, _cbor, _cose, _claims)
