"""Time `verify()` of a pass against the raw check of the same signature by `cryptography`.

Both in one run, in turns, so that a busy machine slows both: a round times each of four calls once, in an order that
turns from round to round. Raw means: the key is an object, the message is ready as bytes, the ECDSA signature is
already DER. What `verify()` takes beyond that is our overhead.

The two passes hold the same claims but for the signer's key identifier. What differs is the signature: 64 bytes for
ES256, 256 for a PS256 of RSA 2048, so that the PS256 text is about 300 characters longer, and Base45 and zlib have more
to do. ES256 on the other hand has its signature turned into DER. So overhead is told by pass and by character of text.
"""

import gc
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from bench.common import Limit, arguments, console, finish, progress, table
from drivers.clock import open_clock
from provisioning.issuer import Algorithm, DemoIssuer
from verifier import Accepted, Revocations, Signer, TrustList, Verifier, base45, compression, cose, cwt
from verifier.documents import hcert
from verifier.prefix import HC1

ROUNDS, QUICK_ROUNDS = 20_000, 50
RATIO_MAX, OVERHEAD_RATIO_MAX = 2.0, 1.0

Call = Callable[[], object]


class Case(NamedTuple):
    """A pass with what is timed of it."""

    text: str
    verify: Call
    raw: Call
    layers: dict[str, Call]


def case_of(algorithm: Algorithm, at: datetime) -> Case:
    """Issue a pass and prepare the calls on it."""
    issuer = DemoIssuer(at, algorithm=algorithm)
    text = issuer.issue()
    signer = Signer.from_der(issuer.certificate_der)
    verifier = Verifier(TrustList([signer]), Revocations())
    if not isinstance(verifier.verify(text, at), Accepted):
        raise SystemExit(f"the {algorithm} pass is not accepted: there is nothing to measure")
    base45_text = text.removeprefix(HC1)
    zlib_bytes = base45.decode(base45_text)
    cose_bytes = compression.inflated(zlib_bytes)
    message = cose.decode(cose_bytes)
    claims = cwt.decode(message.payload, -260)
    layers: dict[str, Call] = {
        "base45": lambda: base45.decode(base45_text),
        "zlib": lambda: compression.inflated(zlib_bytes),
        "cose": lambda: cose.decode(cose_bytes),
        "signer.verify": lambda: signer.verify(message),
        "cwt": lambda: cwt.decode(message.payload, -260),
        "payload": lambda: hcert.parse(claims.content),
    }
    return Case(text, lambda: verifier.verify(text, at), _raw(signer, message), layers)


def _raw(signer: Signer, message: cose.Sign1) -> Call:
    key, signed, signature = signer.key, message.signed_bytes(), message.signature
    sha256 = hashes.SHA256()
    if isinstance(key, ec.EllipticCurvePublicKey):
        r, s = signature[:32], signature[32:]
        der = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
        ecdsa = ec.ECDSA(sha256)
        return lambda: key.verify(der, signed, ecdsa)
    pss = padding.PSS(padding.MGF1(sha256), salt_length=sha256.digest_size)
    return lambda: key.verify(signature, signed, pss, sha256)


def timed(calls: Sequence[Call], rounds: int, title: str) -> list[list[int]]:
    """Time the calls in turns; return for each its times by round, in nanoseconds."""
    times: list[list[int]] = [[0] * rounds for _ in calls]
    for call in calls:
        call()
    gc.collect()
    gc.disable()
    try:
        with progress() as bar:
            for round_ in bar.track(range(rounds), description=title):
                for step in range(len(calls)):
                    which = (round_ + step) % len(calls)
                    call = calls[which]
                    start_ns = time.perf_counter_ns()
                    call()
                    times[which][round_] = time.perf_counter_ns() - start_ns
    finally:
        gc.enable()
    return times


def figures(case: Case, verify_ns: list[int], raw_ns: list[int]) -> dict[str, float]:
    """Return medians in microseconds; the overhead is the median of the differences within a round."""
    verify_us, raw_us = statistics.median(verify_ns) / 1e3, statistics.median(raw_ns) / 1e3
    overhead_us = statistics.median(v - r for v, r in zip(verify_ns, raw_ns, strict=True)) / 1e3
    return {
        "characters": len(case.text),
        "verify_us": verify_us,
        "raw_us": raw_us,
        "ratio": verify_us / raw_us,
        "overhead_us": overhead_us,
        "overhead_ns_per_character": overhead_us * 1e3 / len(case.text),
    }


def layer_figures(cases: dict[str, Case], rounds: int) -> dict[str, dict[str, float]]:
    """Return the median of each layer alone, in microseconds."""
    calls = [(name, layer, call) for name, case in cases.items() for layer, call in case.layers.items()]
    times = timed([call for _, _, call in calls], rounds, "layers")
    found: dict[str, dict[str, float]] = {name: {} for name in cases}
    for (name, layer, _), layer_ns in zip(calls, times, strict=True):
        found[name][layer] = statistics.median(layer_ns) / 1e3
    return found


def show(result: dict[str, Any]) -> None:
    """Print what was found."""
    es256, ps256 = result["es256"], result["ps256"]
    shown = table("verify() and the raw signature check", "median", ">ES256", ">PS256")
    for name in es256:
        shown.add_row(name.replace("_", " "), f"{es256[name]:.2f}", f"{ps256[name]:.2f}")
    console.print(shown)
    shown = table("layers alone, median us", "layer", ">ES256", ">PS256")
    for name in result["layers_us"]["es256"]:
        shown.add_row(name, *(f"{result['layers_us'][kind][name]:.2f}" for kind in ("es256", "ps256")))
    console.print(shown)


def main() -> int:
    """Measure, print, write."""
    parser = arguments("verify", __doc__)
    parser.add_argument("--rounds", type=int, default=None, help=f"default {ROUNDS}, quick {QUICK_ROUNDS}")
    args = parser.parse_args()
    rounds = args.rounds or (QUICK_ROUNDS if args.quick else ROUNDS)
    at = open_clock("system").now()
    cases = {"es256": case_of("ES256", at), "ps256": case_of("PS256", at)}
    calls = [call for case in cases.values() for call in (case.verify, case.raw)]
    times = timed(calls, rounds, "verify and raw")
    result: dict[str, Any] = {
        "rounds": rounds,
        "es256": figures(cases["es256"], times[0], times[1]),
        "ps256": figures(cases["ps256"], times[2], times[3]),
        "layers_us": layer_figures(cases, max(QUICK_ROUNDS, rounds // 10)),
    }
    overhead_ratio = result["ps256"]["overhead_us"] / result["es256"]["overhead_us"]
    result["overhead_ratio_ps256_es256"] = overhead_ratio
    show(result)
    limits = [
        Limit("ES256: verify() to raw", result["es256"]["ratio"], RATIO_MAX, "x"),
        Limit("overhead: PS256 to ES256", overhead_ratio, OVERHEAD_RATIO_MAX, "x"),
    ]
    return finish("verify", result, limits, args)


if __name__ == "__main__":
    sys.exit(main())
