"""Mutated documents of every signed format but EU certificates: each layer of a good one bent, repeatably by a seed.

Used by the property test (`tests/verifier/test_mutations_kinds.py`); EU certificates: `tests/mutations.py`.
"""

import json
import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import cbor2

from tests.mutations import bent
from tests.simulators import lx1, nzcp, shc, vds_nc
from tests.simulators.ecdsa import base64url
from verifier import base45
from verifier import base64url as strict_base64url
from verifier.trust import Signer

Bend = Callable[[random.Random], str]


class Kind(NamedTuple):
    """Good texts of a format, who signed them, and what bends them."""

    good: tuple[str, ...]
    signers: tuple[Signer, ...]
    mutated: Callable[[int, int], Iterator[str]]  # by seed and count


def lx1_kind(at: datetime) -> Kind:
    """Return signed permits of every kind, by either algorithm."""
    issuers = [lx1.Lx1Issuer("EdDSA"), lx1.Lx1Issuer("ES256")]
    texts = tuple(issuer.issue(kind, at) for issuer in issuers for kind in lx1.KIND_NAMES)
    return _kind(texts, tuple(issuer.entry().signer() for issuer in issuers), _lx1_bends)


def nzcp_kind(at: datetime) -> Kind:
    """Return NZ COVID Passes."""
    issuer = nzcp.NzcpIssuer(at)
    return _kind((issuer.issue(),), (issuer.trust_entry().signer(),), _nzcp_bends)


def shc_kind(at: datetime) -> Kind:
    """Return SMART Health Cards with doses and with a test."""
    issuer = shc.ShcIssuer(at)
    texts = issuer.issue("vaccination"), issuer.issue("test")
    return _kind(texts, (issuer.trust_entry().signer(),), _shc_bends)


def vds_nc_kind(at: datetime) -> Kind:
    """Return VDS-NC seals of both kinds, by every algorithm, each a country's: one authority is tried, not three."""
    es256, es384, es512 = (
        vds_nc.VdsNcIssuer(at, alg, country=country, state=state)
        for alg, country, state in (("ES256", "AU", "AUS"), ("ES384", "NZ", "NZL"), ("ES512", "JP", "JPN"))
    )
    texts = es256.issue("vaccination"), es256.issue("test"), es384.issue("vaccination"), es512.issue("test")
    return _kind(texts, tuple(issuer.trust_entry().signer() for issuer in (es256, es384, es512)), _vds_nc_bends)


KINDS: dict[str, Callable[[datetime], Kind]] = {
    "lx1": lx1_kind,
    "shc": shc_kind,
    "nzcp": nzcp_kind,
    "vds-nc": vds_nc_kind,
}


def _kind(texts: tuple[str, ...], signers: tuple[Signer, ...], bends_of: Callable[[str], Sequence[Bend]]) -> Kind:
    bends = [bends_of(text) for text in texts]

    def mutated(seed: int, count: int) -> Iterator[str]:
        rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
        for _ in range(count):
            yield rng.choice(rng.choice(bends))(rng)

    return Kind(texts, signers, mutated)


def _lx1_bends(text: str) -> Sequence[Bend]:
    message = lx1.message_of(text)
    packed = zlib.compress(message)

    def enveloped(parts: Sequence[Any]) -> str:
        return lx1.text_of(b"\xd2" + cbor2.dumps(list(parts), canonical=True))

    return (
        lambda rng: _edited(rng, text, base45.ALPHABET),
        lambda rng: "LX1:" + base45.encode(bent(rng, packed)),
        lambda rng: lx1.text_of(bent(rng, message)),
        *_cose_bends(cbor2.loads(message).value, enveloped),
    )


def _nzcp_bends(text: str) -> Sequence[Bend]:
    message = nzcp.bytes_of(text)
    return (
        lambda rng: _edited(rng, text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567=/"),
        lambda rng: nzcp.text_of(bent(rng, message)),
        *_cose_bends(cbor2.loads(message).value, lambda parts: nzcp.text_of(cbor2.dumps(list(parts)))),
    )


def _cose_bends(parts: Sequence[Any], enveloped: Callable[[Sequence[Any]], str]) -> Sequence[Bend]:
    """Return what bends an envelope's parts, its protected header by values, and its claims by values."""
    protected, unprotected, payload, signature = parts
    header, claims = cbor2.loads(protected), cbor2.loads(payload)

    def part(rng: random.Random) -> str:
        changed = [protected, dict(unprotected), payload, signature]
        at = rng.choice((0, 2, 3))
        changed[at] = bent(rng, changed[at])
        return enveloped(changed)

    def headed(rng: random.Random) -> str:
        held = rng.choice(({}, {4: b"key-1"}, {2: [1]}, {1: -7}, {(1, 2): 0}))
        return enveloped([cbor2.dumps(_changed(rng, header), canonical=True), held, payload, signature])

    def claimed(rng: random.Random) -> str:
        return enveloped([protected, unprotected, cbor2.dumps(_changed(rng, claims), canonical=True), signature])

    return part, headed, claimed


def _shc_bends(text: str) -> Sequence[Bend]:
    card = shc.jws_of(text)
    segments = card.split(".")
    parts = [strict_base64url.decode(segment) for segment in segments]
    header = json.loads(parts[0])
    claims = json.loads(_inflated(parts[1]))

    def replaced(place: int, data: bytes) -> str:
        return shc.numeric(".".join([*segments[:place], base64url(data), *segments[place + 1 :]]))

    def part(rng: random.Random) -> str:
        place = rng.randrange(3)
        return replaced(place, bent(rng, parts[place]))

    return (
        lambda rng: _edited(rng, text, "0123456789/"),
        lambda rng: shc.numeric(_edited(rng, card, "ABCXYZabcxyz0189-_.")),
        part,
        lambda rng: replaced(0, json.dumps(_changed(rng, header)).encode()),
        lambda rng: replaced(1, shc.deflated(bent(rng, json.dumps(claims).encode()))),
        lambda rng: replaced(1, shc.deflated(json.dumps(_changed(rng, claims)).encode())),
    )


def _vds_nc_bends(text: str) -> Sequence[Bend]:
    seal = json.loads(text)

    def member(rng: random.Random) -> str:
        name = rng.choice(("cer", "sigvl"))
        data = base64url(bent(rng, strict_base64url.decode(seal["sig"][name])))
        return json.dumps(seal | {"sig": seal["sig"] | {name: data}})

    return (
        lambda rng: _edited(rng, text, '{}[]":,\\u0019 \nabAB-_=.'),
        member,
        lambda rng: json.dumps(_changed(rng, seal), ensure_ascii=rng.random() < 0.5),
        lambda rng: json.dumps(seal | {"data": _changed(rng, seal["data"])}, indent=rng.choice((None, 1))),
    )


def _inflated(data: bytes) -> bytes:
    return zlib.decompress(data, -zlib.MAX_WBITS)


def _edited(rng: random.Random, text: str, alphabet: str) -> str:
    """Return the text with one to three runs of characters cut, put in or replaced."""
    characters = list(text)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(characters))
        characters[at : at + rng.randint(0, 2)] = rng.choice(alphabet + "\né\x00") * rng.randint(0, 2)
    return "".join(characters)


def _changed(rng: random.Random, tree: Any) -> Any:  # noqa: ANN401 - JSON or CBOR of any sort
    """Return a tree with a value somewhere in it replaced, or left out."""
    tree = _copied(tree)
    container = rng.choice(list(_containers(tree)))
    key = rng.choice(list(container) if isinstance(container, dict) else range(len(container)))
    if rng.random() < 0.2:
        del container[key]
    else:
        container[key] = rng.choice(
            (None, True, -1, 2, 1.5, 2**60, "", " VN ", "x" * 300, [], [[]], {}, {"a": {"b": 1}})
        )
    return tree


def _copied(tree: Any) -> Any:  # noqa: ANN401 - JSON or CBOR of any sort
    match tree:
        case dict():
            return {key: _copied(inner) for key, inner in tree.items()}
        case list():
            return [_copied(inner) for inner in tree]
        case _:
            return tree


def _containers(tree: Any) -> Iterator[Any]:  # noqa: ANN401 - JSON or CBOR of any sort
    if isinstance(tree, dict | list) and tree:
        yield tree
        for inner in tree.values() if isinstance(tree, dict) else tree:
            yield from _containers(inner)
