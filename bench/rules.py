"""Time all rules of the strictest country on one pass, and `verify()` with them against the raw signature check.

The rules are the 271 that Germany's app had in production (../shared/vectors/production-de), on a day when they were
in force; the country is the one with most of them for a good vaccination pass. Where the vectors are not there: about
as many, made up after the same pattern. The result says which. All calls are timed in turns, as in `bench.verify`, so
that a busy machine slows all.
"""

import json
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from bench.common import Limit, arguments, console, finish, percentile, table
from bench.verify import case_of, timed
from provisioning.issuer import DemoIssuer
from verifier import Accepted, Revocations, Signer, TrustList, Verifier
from verifier.rule_file import NATION, RuleFile, Scope
from verifier.rules import Place, RuleSet
from verifier.value_sets import ValueSets

ROUNDS, QUICK_ROUNDS = 20_000, 50
LOADS, QUICK_LOADS = 20, 1
RULES_MAX_US, RATIO_MAX = 300.0, 3.0
AT = datetime(2023, 2, 1, 12, tzinfo=UTC)
PUBLISHED = Path(__file__).resolve().parents[2] / "shared" / "vectors" / "production-de"
MADE_UP_COUNTRIES, MADE_UP_RULES = 9, 30
_LONG_AGO = datetime(2021, 1, 1, tzinfo=UTC)


class Rules(NamedTuple):
    """Rules to measure with, and where they are from."""

    origin: str
    files: list[RuleFile]
    value_sets: ValueSets


def rules_here() -> Rules:
    """Return the production rules, or where they are not here made-up ones."""
    if not PUBLISHED.exists():
        return Rules("made up", [contained(body) for body in made_up()], {})
    bodies = json.loads((PUBLISHED / "eu-rules.json").read_text("utf-8"))
    sets = json.loads((PUBLISHED / "eu-value-sets.json").read_text("utf-8"))
    for body in bodies:
        del body["hash"]  # who hands rules out adds it
    return Rules(
        "production-de",
        [contained(body) for body in bodies],
        {one["valueSetId"]: frozenset(one["valueSetValues"]) for one in sets},
    )


def contained(body: dict[str, Any]) -> RuleFile:
    """Return the container around a rule."""
    return RuleFile("rule", NATION, body["Identifier"], 1, _LONG_AGO, None, Scope(), body)


def made_up() -> Iterator[dict[str, Any]]:
    """Give rules of several countries after the pattern of the strictest: a product, its doses, their age."""
    for number in range(MADE_UP_COUNTRIES * MADE_UP_RULES):
        country = f"X{chr(ord('A') + number // MADE_UP_RULES)}"
        doses = {">=": [{"var": "payload.v.0.dn"}, {"var": "payload.v.0.sd"}]}
        recent = {
            "not-after": [
                {"plusTime": [{"var": "external.validationClock"}, 0, "day"]},
                {"plusTime": [{"var": "payload.v.0.dt"}, 270 + number, "day"]},
            ]
        }
        product = {"in": [{"var": "payload.v.0.mp"}, ["EU/1/20/1528", "EU/1/20/1507", f"EU/1/21/{number}"]]}
        yield {
            "Identifier": f"VR-{country}-{number:04}",
            "Type": "Acceptance",
            "Country": country,
            "Version": "1.0.0",
            "SchemaVersion": "1.0.0",
            "Engine": "CERTLOGIC",
            "EngineVersion": "1.0.0",
            "CertificateType": "Vaccination",
            "Description": [{"lang": "en", "desc": "Made up"}],
            "ValidFrom": "2021-06-01T00:00:00Z",
            "ValidTo": "2030-06-01T00:00:00Z",
            "AffectedFields": ["v.0.mp", "v.0.dn", "v.0.sd", "v.0.dt"],
            "Logic": {"if": [{"var": "payload.v.0"}, {"if": [{"and": [product, doses]}, recent, True]}, True]},
        }


def good_pass() -> tuple[Verifier, str, Accepted]:
    """Issue a pass; return who verifies it, its text and its verdict."""
    issuer = DemoIssuer(AT)
    verifier = Verifier(TrustList([Signer.from_der(issuer.certificate_der)]), Revocations())
    text = issuer.issue()
    verdict = verifier.verify(text, AT)
    if not isinstance(verdict, Accepted):
        raise SystemExit("the pass is not accepted: there is nothing to measure")
    return verifier, text, verdict


def strictest(rules: RuleSet, verdict: Accepted) -> tuple[Place, int]:
    """Return a lane in the country that asks most of the pass, and how many of its rules apply."""
    places = [Place(country, "", "venue") for country in sorted({rule.country or "" for rule in rules.rules})]
    number, place = max((len(rules.rules_for(verdict.document, one, AT)) - 1, one) for one in places)
    return place, number


def load_ms(rules: Rules, rounds: int) -> float:
    """Return the median time to read and compile all rules."""
    times = []
    for _ in range(rounds):
        start_ns = time.perf_counter_ns()
        RuleSet(rules.files, rules.value_sets)
        times.append((time.perf_counter_ns() - start_ns) / 1e6)
    return statistics.median(times)


def main() -> int:
    """Measure, print, write."""
    parser = arguments("rules", __doc__)
    parser.add_argument("--rounds", type=int, default=None, help=f"default {ROUNDS}, quick {QUICK_ROUNDS}")
    args = parser.parse_args()
    rounds = args.rounds or (QUICK_ROUNDS if args.quick else ROUNDS)
    found = rules_here()
    rules = RuleSet(found.files, found.value_sets)
    verifier, text, verdict = good_pass()
    document, claims = verdict.document, verdict.claims
    place, applying = strictest(rules, verdict)
    if rules.judged(document, place, AT, claims).result != "passed":
        raise SystemExit(f"the pass does not pass the rules of {place.country}: not all of them would be measured")
    calls = (
        lambda: (verifier.verify(text, AT), rules.judged(document, place, AT, claims)),
        case_of("ES256", AT).raw,
        lambda: rules.judged(document, place, AT, claims),
        lambda: verifier.verify(text, AT),
    )
    both, raw, alone, verify = timed(calls, rounds, "verify, rules and raw")
    result: dict[str, Any] = {
        "rounds": rounds,
        "rules": {"origin": found.origin, "count": len(rules.rules), "country": place.country, "applying": applying},
        "load_ms": load_ms(found, QUICK_LOADS if args.quick else LOADS),
        "rules_us": {name: percentile(alone, share) / 1e3 for name, share in (("p50", 0.5), ("p99", 0.99))},
        "verify_us": statistics.median(verify) / 1e3,
        "verify_and_rules_us": statistics.median(both) / 1e3,
        "raw_us": statistics.median(raw) / 1e3,
        "ratio": statistics.median(both) / statistics.median(raw),
    }
    show(result)
    limits = [
        Limit(f"{applying} rules of {place.country} on one pass, p50", result["rules_us"]["p50"], RULES_MAX_US, "us"),
        Limit("ES256: verify() and rules to raw", result["ratio"], RATIO_MAX, "x"),
    ]
    return finish("rules", result, limits, args)


def show(result: dict[str, Any]) -> None:
    """Print what was found."""
    rules = result["rules"]
    shown = table(f"{rules['origin']}: {rules['count']} rules, {rules['applying']} of {rules['country']}", "", ">us")
    for name in ("p50", "p99"):
        shown.add_row(f"rules, {name}", f"{result['rules_us'][name]:.2f}")
    for name in ("verify_us", "verify_and_rules_us", "raw_us"):
        shown.add_row(name.removesuffix("_us").replace("_", " "), f"{result[name]:.2f}")
    shown.add_row(f"reading and compiling all {rules['count']}", f"{result['load_ms'] * 1e3:.0f}")
    console.print(shown)


if __name__ == "__main__":
    sys.exit(main())
