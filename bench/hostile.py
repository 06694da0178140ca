"""Time and memory of `verify()` on hostile texts: mutated passes of all formats, and texts crafted against each layer.

Each text is judged once for its time (CPU time of the thread; one over 10 ms is judged twice more and the least
counts, for a busy machine also evicts caches) and once under tracemalloc for the peak of its memory. tracemalloc sees
Python's memory only, so each crafted text is also judged in a process of its own, whose largest size (max RSS) is
compared with that of one that judges a good pass.
"""

import os
import sys
import time
import tracemalloc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from bench.common import Limit, arguments, console, finish, progress, table
from bench.crafted import crafted
from bench.crafted_kinds import Issuers, crafted_kinds
from drivers.clock import open_clock
from provisioning.issuer import DemoIssuer
from tests.mutations import Good, good_passes, mutated
from tests.mutations_kinds import KINDS, Kind
from verifier import Accepted, Revocations, Signer, TrustList, Verifier
from verifier.cose import Kid

COUNT, QUICK_COUNT = 100_000, 300
SEED = 20260601
CPU_MAX_MS, MEMORY_MAX_MIB = 50.0, 32.0
AGAIN_MS = 10.0
WORST = 10
HUGE_KID = Kid(b"RSA 8192")
MIB = 2**20


@dataclass(slots=True)
class Cost:
    """What one text cost."""

    name: str
    characters: int
    verdict: str
    cpu_ms: float
    wall_ms: float
    peak_mib: float = 0.0
    rss_mib: float | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """A verifier and the moment to judge at."""

    verifier: Verifier
    at: datetime

    def judge(self, text: str) -> str:
        """Return the verdict in words; an exception is what must not happen, and is told."""
        try:
            verdict = self.verifier.verify(text, self.at)
        except Exception as error:  # noqa: BLE001 - that there is none is what is measured
            return f"EXCEPTION {type(error).__name__}"
        return "accepted" if isinstance(verdict, Accepted) else str(verdict.reason)

    def cost(self, name: str, text: str) -> Cost:
        """Judge a text and return its time."""
        costs = [self._timed(name, text)]
        if costs[0].cpu_ms > AGAIN_MS:
            costs += [self._timed(name, text) for _ in range(2)]
        return min(costs, key=lambda cost: cost.cpu_ms)

    def _timed(self, name: str, text: str) -> Cost:
        wall_ns, cpu_ns = time.perf_counter_ns(), time.thread_time_ns()
        verdict = self.judge(text)
        cpu_ns, wall_ns = time.thread_time_ns() - cpu_ns, time.perf_counter_ns() - wall_ns
        return Cost(name, len(text), verdict, cpu_ns / 1e6, wall_ns / 1e6)

    def peak_mib(self, text: str) -> float:
        """Judge a text and return the peak of Python's memory; tracemalloc must run."""
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        self.judge(text)
        return (tracemalloc.get_traced_memory()[1] - before) / MIB

    def rss_mib(self, texts: Sequence[str]) -> float:
        """Judge texts in a process of its own and return the largest size it had."""
        pid = os.fork()
        if pid == 0:
            for text in texts:
                self.judge(text)
            os._exit(0)
        _, _, usage = os.wait4(pid, 0)
        return usage.ru_maxrss / 1024


def huge_signer(at: datetime) -> Signer:
    """Return a signer with an RSA key of 8192 bits; nobody has its private half."""
    key = rsa.RSAPublicNumbers(65537, 2**8192 - 65537).public_key()
    year = timedelta(days=365)
    return Signer(HUGE_KID, "VN", key, frozenset({"test", "vaccination", "recovery"}), at - year, at + year, demo=True)


def bent(good: Sequence[Good], kinds: Mapping[str, Kind], seed: int, count: int) -> Iterator[tuple[str, str]]:
    """Yield names and texts of that many mutated passes, as many of each format."""
    each = count // (1 + len(kinds))
    for number, text in enumerate(mutated(good, seed, count - len(kinds) * each)):
        yield f"mutated: hcert, {number} of seed {seed}", text
    for format_, kind in kinds.items():
        for number, text in enumerate(kind.mutated(seed, each)):
            yield f"mutated: {format_}, {number} of seed {seed}", text


def measured(subject: Subject, cases: Iterable[tuple[str, str]], total: int, title: str) -> list[Cost]:
    """Return the costs of named texts, with their peak memory."""
    costs = []
    with progress() as bar:
        for name, text in bar.track(cases, total=total, description=title):
            cost = subject.cost(name, text)
            tracemalloc.start()
            cost.peak_mib = subject.peak_mib(text)
            tracemalloc.stop()
            costs.append(cost)
    return costs


def show(title: str, costs: Sequence[Cost]) -> None:
    """Print costs."""
    shown = table(title, "text", ">characters", "verdict", ">CPU ms", ">wall ms", ">peak MiB", ">RSS MiB")
    for cost in costs:
        rss = "" if cost.rss_mib is None else f"{cost.rss_mib:.1f}"
        figures = f"{cost.cpu_ms:.2f}", f"{cost.wall_ms:.2f}", f"{cost.peak_mib:.2f}", rss
        shown.add_row(cost.name, str(cost.characters), cost.verdict, *figures)
    console.print(shown)


def run(at: datetime, seed: int, count: int) -> tuple[list[Cost], list[Cost]]:
    """Return the costs of all crafted texts and of that many mutated passes."""
    issuer, rsa_issuer = DemoIssuer(at), DemoIssuer(at, algorithm="PS256")
    issuers, kinds = Issuers.new(at), {format_: kind(at) for format_, kind in KINDS.items()}
    signers = [Signer.from_der(one.certificate_der) for one in (issuer, rsa_issuer)] + [huge_signer(at)]
    signers += issuers.signers() + [signer for kind in kinds.values() for signer in kind.signers]
    subject = Subject(Verifier(TrustList(signers), Revocations()), at)
    good = good_passes([issuer, rsa_issuer])
    cases = [*crafted(issuer, rsa_issuer, HUGE_KID), *crafted_kinds(issuers, at)]
    costs = measured(subject, cases, len(cases), "crafted texts")
    ordinary_mib = subject.rss_mib([good[0].text])
    for cost, (_, text) in zip(costs, cases, strict=True):
        cost.rss_mib = max(0.0, subject.rss_mib([good[0].text, text]) - ordinary_mib)
    return costs, measured(subject, bent(good, kinds, seed, count), count, "mutated passes")


def _memory(cost: Cost) -> float:
    return max(cost.peak_mib, cost.rss_mib or 0.0)


def main() -> int:
    """Measure, print, write."""
    parser = arguments("hostile", __doc__)
    parser.add_argument("--count", type=int, help=f"mutated passes; default {COUNT}, quick {QUICK_COUNT}")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the mutations; default {SEED}")
    args = parser.parse_args()
    count = args.count or (QUICK_COUNT if args.quick else COUNT)
    costs, mutants = run(open_clock("system").now(), args.seed, count)
    everything = costs + mutants
    slowest = sorted(everything, key=lambda cost: cost.cpu_ms, reverse=True)[:WORST]
    heaviest = sorted(everything, key=_memory, reverse=True)[:WORST]
    show(f"the {WORST} that took longest, of {len(everything)}", slowest)
    show(f"the {WORST} that took most memory", heaviest)
    exceptions = [cost.name for cost in everything if cost.verdict.startswith("EXCEPTION")]
    result: dict[str, Any] = {
        "seed": args.seed,
        "mutated": len(mutants),
        "crafted": len(costs),
        "accepted_mutated": sum(cost.verdict == "accepted" for cost in mutants),
        "accepted_crafted": [cost.name for cost in costs if cost.verdict == "accepted"],
        "slowest_mutated_ms": max(cost.cpu_ms for cost in mutants),
        "exceptions": exceptions,
        "worst_time": [asdict(cost) for cost in slowest],
        "worst_memory": [asdict(cost) for cost in heaviest],
    }
    limits = [
        Limit("exceptions", len(exceptions), 0),
        Limit("longest CPU time", slowest[0].cpu_ms, CPU_MAX_MS, "ms"),
        Limit("largest peak, tracemalloc", max(cost.peak_mib for cost in everything), MEMORY_MAX_MIB, "MiB"),
        Limit("largest growth of a process", max(cost.rss_mib or 0.0 for cost in costs), MEMORY_MAX_MIB, "MiB"),
    ]
    return finish("hostile", result, limits, args)


if __name__ == "__main__":
    sys.exit(main())
