"""Texts made to cost a verifier dear: each aims at one layer, as far as its bounds let it."""

import math
import random
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import cbor2

from provisioning.issuer import DemoIssuer, hc1
from verifier import base45
from verifier.compression import COSE_MAX_BYTES
from verifier.cose import ES256, PS256
from verifier.prefix import HC1, TEXT_MAX_CHARS

SCANNER_CHARS = 5_000_000  # a USB scanner types what it likes, for as long as it likes
HASH_MODULUS = 2**61 - 1  # of Python's numbers: hash(n) == n % HASH_MODULUS
FRAME_BYTES = 160  # what is left for headers, claims and a signature around what is crafted
ROOM = COSE_MAX_BYTES - FRAME_BYTES
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

# Keys that are arrays of -1 and -2 have one hash, since hash(-1) == hash(-2) in CPython; what stands before these
# bits is equal in all keys, so that each comparison has to go through it.
PREFIXES = {
    "bits": b"",
    "arrays": b"\x81\x20",
    "deep-arrays": b"\x81" * 8 + b"\x20",
    "empty-maps": b"\xa0",
    "maps": b"\xa1\x00\x00",
    "simple-values": b"\xe0",
    "half-floats": b"\xf9\x3c\x01",
    "integers": b"\x1b" + b"\x7f" * 8,
    "texts": b"\x62ab",
    "tags": b"\xd2\x80",
    "nested-tags": b"\xd2" * 7 + b"\x80",
    "tagged-maps": b"\xd2\xa0",
    "colliding-maps": b"\xa2\x20\x00\x21\x00",
}
PREFIX_LENGTHS = (1, 2, 4, 8, 16)


def crafted(issuer: DemoIssuer, rsa_issuer: DemoIssuer, huge_kid: bytes) -> Iterator[tuple[str, str]]:
    """Yield names and texts; `huge_kid` names a signer with the largest RSA key."""
    for group, cases in (
        ("text", _texts()),
        ("zlib", _zlib()),
        ("cbor", _cbor()),
        ("keys", _keys(issuer)),
        ("cose", _cose(issuer, rsa_issuer, huge_kid)),
        ("claims", _claims(issuer)),
    ):
        for name, text in cases:
            yield f"{group}: {name}", text


def _texts() -> Iterator[tuple[str, str]]:
    body = base45.encode(bytes(random.Random(1).randbytes(2862)))  # noqa: S311 - repeatable, not secret
    yield "longest, zeros", HC1 + "0" * (TEXT_MAX_CHARS - len(HC1))
    yield "longest, random bytes", HC1 + body[: (TEXT_MAX_CHARS - len(HC1)) // 3 * 3]
    yield "longest, last group too large", HC1 + "0" * (TEXT_MAX_CHARS - len(HC1) - 4) + ":::"
    yield "one character too long", HC1 + "0" * (TEXT_MAX_CHARS - len(HC1) + 1)
    yield "scanner, Base45", HC1 + "0" * SCANNER_CHARS
    yield "scanner, not ASCII", HC1 + "\U0001f7e9" * SCANNER_CHARS
    yield "scanner, not a pass", "https://example.org/" + "x" * SCANNER_CHARS
    yield "longest, lone surrogates", HC1 + "\ud800" * (TEXT_MAX_CHARS - len(HC1))
    yield "prefix only", HC1
    yield "prefixes", HC1 * (TEXT_MAX_CHARS // len(HC1))


def _zlib() -> Iterator[tuple[str, str]]:
    def text(data: bytes) -> str:
        return HC1 + base45.encode(data[:2860])

    yield "bomb, 2.8 MB of zeros", text(zlib.compress(bytes(2_800_000), 9))
    yield "zeros up to the bound", text(zlib.compress(bytes(COSE_MAX_BYTES), 9))
    yield "zeros over the bound", text(zlib.compress(bytes(COSE_MAX_BYTES + 1), 9))
    yield "empty stored blocks", text(b"\x78\x9c" + b"\x00\x00\x00\xff\xff" * 571)
    yield "empty fixed blocks, no end", text(b"\x78\x9c" + b"\x02\x08\x20\x80\x00" * 571)
    yield "preset dictionary", text(b"\x78\xbb" + b"\x00" * 2000)
    yield "bytes behind the end", text(zlib.compress(b"x") + bytes(2800))


def _cbor() -> Iterator[tuple[str, str]]:
    huge = 2**64 - 1
    yield from (
        ("nested arrays", hc1(b"\x81" * ROOM)),
        ("nested arrays without length", hc1(b"\x9f" * ROOM)),
        ("nested maps", hc1(b"\xa1\x00" * (ROOM // 2))),
        ("nested map keys", hc1(b"\xa1" * ROOM)),
        ("nested date tags", hc1(b"\xc0" * ROOM)),
        ("nested tags 18", hc1(b"\xd2" * ROOM)),
        ("nested tags 61", hc1(b"\xd8\x3d" * (ROOM // 2))),
        ("dates in an array", hc1(b"\x99\x07\xd0" + b"\xc1\x00" * 1900)),
        ("tags 18 in an array", hc1(b"\x99\x07\xd0" + b"\xd2\x80" * 1900)),
        ("empty arrays", hc1(b"\x99\x0f\x00" + b"\x80" * 0x0F00)),
        ("empty maps", hc1(b"\x99\x0f\x00" + b"\xa0" * 0x0F00)),
        ("text chunks", hc1(b"\x7f" + b"\x60" * ROOM + b"\xff")),
        ("byte chunks", hc1(b"\x5f" + b"\x40" * ROOM + b"\xff")),
        ("not UTF-8", hc1(b"\x79\x0e\x00" + b"\xff" * 0x0E00)),
        ("duplicate keys", hc1(b"\xb9\x07\x00" + b"\x00\x00" * 0x0700)),
        ("bignum", hc1(b"\xc2\x59\x0e\x00" + b"\xff" * 0x0E00)),
        ("decimal with a huge exponent", hc1(cbor2.dumps(cbor2.CBORTag(4, [10**9, 1])))),
        ("bigfloat with a huge exponent", hc1(cbor2.dumps(cbor2.CBORTag(5, [10**9, 1])))),
        ("regular expression", hc1(cbor2.dumps(cbor2.CBORTag(35, "(a+)+" * 700)))),
        ("e-mail", hc1(cbor2.dumps(cbor2.CBORTag(36, "a:\n" * 1200)))),
        ("shared references", hc1(b"\xd8\x1c\x81\xd8\x1d\x00" * 500)),
    )
    for name, head in (("bytes", 0x5B), ("text", 0x7B), ("array", 0x9B), ("map", 0xBB)):
        for claimed in (2**20, 2**31 - 1, 2**32, 2**63 - 1, huge):
            yield f"{name} that claims {claimed}", hc1(bytes([head]) + claimed.to_bytes(8, "big"))


def _keys(issuer: DemoIssuer) -> Iterator[tuple[str, str]]:
    """Yield maps whose keys collide, in each place that a map is read from."""
    places: dict[str, Callable[[bytes], str]] = {
        "unprotected": lambda map_: hc1(b"\x84\x40" + map_ + b"\x40\x40"),
        "protected": lambda map_: hc1(cbor2.dumps([map_, {}, b"", b""])),
        "signed claims": lambda map_: hc1(cbor2.dumps(issuer.sign1(map_))),
    }
    for place, text in places.items():
        for name, prefix in PREFIXES.items():
            for length in PREFIX_LENGTHS if prefix else (0,):
                yield f"{length} {name} before the bits, {place}", text(colliding(prefix * length, length))
        yield f"integers of one hash, {place}", text(_map([n * HASH_MODULUS for n in range(8)]))
        yield f"integers that share low bits, {place}", text(_map([n << 32 for n in range(ROOM // 10)]))
        yield f"integers along one probe sequence, {place}", text(_map(_probing(ROOM // 5)))
        yield f"tuples of integers, {place}", text(_map([(n, -n) for n in range(ROOM // 8)]))
        yield f"small integers, {place}", text(_map(list(range(ROOM // 4))))


def colliding(prefix: bytes, items: int, room: int = ROOM) -> bytes:
    """Return a map of as many keys as there is room for, all of one hash, the prefix (of `items` items) in each."""
    count = room
    while True:
        bits = max(1, math.ceil(math.log2(count)))
        head = items + bits
        key_bytes = (1 if head < 24 else 2) + len(prefix) + bits + 1  # noqa: PLR2004 - RFC 8949, section 3
        if count * key_bytes <= room:
            break
        count -= 1
    array = bytes([0x80 + head]) if head < 24 else bytes([0x98, head])  # noqa: PLR2004 - as above
    keys = (array + prefix + bytes(0x20 + (key >> bit & 1) for bit in range(bits)) + b"\x00" for key in range(count))
    return b"\xb9" + count.to_bytes(2, "big") + b"".join(keys)


def _map(keys: list[Any]) -> bytes:
    return cbor2.dumps(dict.fromkeys(keys, 0))


def _probing(count: int) -> list[int]:
    """Return integers of which half fill a run of a dict's probe sequence, and half all begin at its start."""
    size = 1 << (count * 3 // 2).bit_length()
    slot, run = 1, []
    for _ in range(count // 2):
        run.append(slot)
        slot = (5 * slot + 1) % size
    return run + [1 + size * 32**3 * step for step in range(1, count // 2)]


def _cose(issuer: DemoIssuer, rsa_issuer: DemoIssuer, huge_kid: bytes) -> Iterator[tuple[str, str]]:
    payload = cbor2.dumps({4: 2**40, -260: {1: {}}})

    def signed_as(alg: int, kid: bytes, signature: bytes) -> str:
        return hc1(cbor2.dumps([cbor2.dumps({1: alg, 4: kid}), {}, payload, signature]))

    for size in (0, 1, 63, 64, 65, 256, 3000):
        yield f"ES256 signature of {size} bytes", signed_as(ES256, issuer.kid, b"\xff" * size)
    for number in (0, 1, P256_ORDER - 1, P256_ORDER):
        yield f"ES256 r = s = {number:x}", signed_as(ES256, issuer.kid, number.to_bytes(32, "big") * 2)
    for size in (0, 255, 256, 257, 1024, 3000):
        yield f"PS256 signature of {size} bytes, RSA 2048", signed_as(PS256, rsa_issuer.kid, b"\x5a" * size)
        yield f"PS256 signature of {size} bytes, RSA 8192", signed_as(PS256, huge_kid, b"\x5a" * size)
    for size in (0, 1, 3000):
        yield f"kid of {size} bytes", signed_as(ES256, b"k" * size, bytes(64))
    for alg in (0, 2**64 - 1, -(2**64)):
        yield f"algorithm {alg}", signed_as(alg, issuer.kid, bytes(64))
    yield "payload of 3000 bytes", hc1(cbor2.dumps(issuer.sign1(bytes(3000))))


def _claims(issuer: DemoIssuer) -> Iterator[tuple[str, str]]:
    def body(**fields: Any) -> str:  # noqa: ANN401 - whatever CBOR holds
        certificate = {"ver": "1.3.0", "nam": {}, "dob": ""} | fields
        return issuer.text({1: "VN", 4: 2**40, 6: 0, -260: {1: certificate}})

    yield "version of 3000 digits", body(ver="1" * 3000)
    yield "version of 3000 dots", body(ver="1." * 1500)
    yield "3000 blanks to strip", body(dob=" " * 3000, v=[{}])
    yield "name of 3000 characters", body(nam={"fn": "ệ" * 1000}, v=[{"ci": "x"}])
    yield "1000 entries", body(v=[{}] * 1000)
    yield "entries of all kinds", body(v=[{}] * 400, t=[{}] * 400, r=[{}] * 400)
    yield "identifier of 3000 characters", body(v=[{"ci": "x" * 3000}])
    for number in (math.inf, math.nan, 1e308, 2**64 - 1, -(2**64)):
        yield f"dose {number}", body(v=[{"dn": number}])
        yield f"expiry {number}", issuer.text({4: number, -260: {1: {"ver": "1.3.0", "v": [{}]}}})
        yield f"issued {number}", issuer.text({4: 2**40, 6: number, -260: {1: {"ver": "1.3.0", "v": [{}]}}})
