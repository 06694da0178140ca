"""Each measurement runs from end to end and writes what it promises; how fast the machine is, is not asked here."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.common import Limit, percentile
from tests.postgres_server import MISSING, programs

ROOT = Path(__file__).resolve().parents[2]


def quick(name: str, folder: Path, *, timeout_s: float = 60) -> dict[str, Any]:
    """Run a measurement in its quick form and return its result."""
    result = folder / f"{name}.json"
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{name}", "--quick", "--json", str(result)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "measured" in done.stdout
    found: dict[str, Any] = json.loads(result.read_text("utf-8"))
    assert found["bench"] == name
    assert found["quick"] is True
    assert found["machine"]["cpus"] >= 1
    assert found["limits"]
    assert all(limit["name"] and (limit["most"], limit["least"]) != (None, None) for limit in found["limits"])
    return found


def test_verify(tmp_path: Path) -> None:
    found = quick("verify", tmp_path)
    for kind in ("es256", "ps256"):
        assert found[kind]["verify_us"] > found[kind]["raw_us"] > 0
        assert found[kind]["overhead_us"] > 0
        assert set(found["layers_us"][kind]) == {"base45", "zlib", "cose", "signer.verify", "cwt", "payload"}
    assert found["ps256"]["characters"] > found["es256"]["characters"] > 300
    assert found["overhead_ratio_ps256_es256"] > 0


def test_rules(tmp_path: Path) -> None:
    found = quick("rules", tmp_path)
    assert found["rules"]["count"] >= 270
    assert found["rules"]["applying"] == 30
    assert 0 < found["rules_us"]["p50"] <= found["rules_us"]["p99"]
    assert 0 < found["raw_us"] < found["verify_us"] < found["verify_and_rules_us"]
    assert found["load_ms"] > 0


def test_permits(tmp_path: Path) -> None:
    found = quick("permits", tmp_path)
    assert found["permits"] == sum(found["versions"].values()) == 50
    assert 0 < found["characters"]["p50"] <= found["characters"]["max"] <= 311


def test_hostile(tmp_path: Path) -> None:
    found = quick("hostile", tmp_path)
    assert found["exceptions"] == []
    assert found["mutated"] == 300
    assert found["crafted"] > 250
    assert 0 < found["accepted_mutated"] < 100, "other encodings of the same signed bytes are the same pass"
    assert len(found["worst_time"]) == 10
    costs = [cost["cpu_ms"] for cost in found["worst_time"]]
    assert costs == sorted(costs, reverse=True)
    assert max(cost["peak_mib"] for cost in found["worst_memory"]) > 0
    signed = found["accepted_crafted"]
    assert signed
    assert all(name.startswith(("claims: ", "claims of ")) for name in signed), "only what an issuer signed as a pass"


def test_latency(tmp_path: Path) -> None:
    found = quick("latency", tmp_path)
    lights = found["lights"]
    assert lights >= 3
    assert found["verdicts"] == {"accepted": lights}
    assert found["green_leases_in_history"] >= lights
    assert found["stored_at_centre"] >= lights
    assert found["record_bytes"] >= 4096
    steps = found["steps_ms"]
    assert set(steps) == {"capture_to_read", "read_to_gate", "verify", "record", "light", "total"}
    for times in (*steps.values(), found["peer_fsync_ms"]):
        assert 0 < times["p50"] <= times["p99"] <= times["max"]
    assert steps["total"]["max"] >= steps["record"]["max"]


def test_startup(tmp_path: Path) -> None:
    found = quick("startup", tmp_path)
    for kind in ("new_journal", "old_journal"):
        start = found["start"][kind]
        assert set(start["programs_s"]) == {"reader", "gate", "uplink", "panel"}
        assert 0 < start["ready_s"]["p50"] <= start["ready_s"]["max"]
        assert start["in_service_s"]["max"] > 0
    for name in ("reader", "gate", "uplink"):
        assert (
            0 < found["memory"][name]["uss_mib"] <= found["memory"][name]["pss_mib"] <= found["memory"][name]["rss_mib"]
        )
        assert found["imports_alone"][name]["pss_mib"] > 0
    assert found["pss_mib_together"] == pytest.approx(
        sum(found["memory"][name]["pss_mib"] for name in ("reader", "gate", "uplink"))
    )


def test_devices(tmp_path: Path) -> None:
    found = quick("devices", tmp_path)
    assert found["devices"] == 20
    assert 0 < found["enrol_each_ms"]["p50"] <= found["enrol_each_ms"]["max"] <= found["enrol_s"] * 1e3
    assert found["add_s"] > 0
    assert found["peer_requests_s"] > 0


def test_journal(tmp_path: Path) -> None:
    found = quick("journal", tmp_path)
    for commits in (found["commits"]["journal"], found["commits"]["bare"]):
        assert commits["commits_per_s"] > 0
        assert 0 < commits["p50_ms"] <= commits["p99_ms"] <= commits["max_ms"]
    assert all(written >= 4096 for written in found["wear_bytes"].values())
    assert found["wear_bytes"]["seldom"] < found["wear_bytes"]["carried after each"]
    shares = [size["share_of_30_days"] for size in found["room"]]
    assert shares == sorted(shares)
    assert 0 < shares[-1] < 0.8


def test_sync(tmp_path: Path) -> None:
    found = quick("sync", tmp_path)
    assert found["requests"] == 2
    assert found["first_requests"] > found["targets"]
    for times in (found["sync"], found["bare"], found["process"]):
        assert 0 < times["p50_ms"] <= times["p95_ms"] <= times["max_ms"]


def test_uplink(tmp_path: Path) -> None:
    found = quick("uplink", tmp_path)
    assert found["rows"] <= found["stored"] <= found["rows"] + found["online"]
    assert found["drained_per_s"] > 0
    assert found["peer_per_s"] > 0
    assert 0 < found["online_s"]["p50"] <= found["online_s"]["p95"] <= found["online_s"]["max"]
    assert found["peak_mib"] > 0


def test_revocation(tmp_path: Path) -> None:
    found = quick("revocation", tmp_path)
    assert list(found["sizes"]) == ["10000", "100000"]
    for size, measured in found["sizes"].items():
        assert measured["compile"]["count"] == measured["load"]["hashes"] == int(size)
        assert measured["load"]["ms"] > 0
        warm, cold = measured["look_up"]["warm_us"], measured["look_up"]["cold"]
        assert all(0 < times["p50"] <= times["p99"] for times in warm.values())
        assert cold["set"]["pages_max"] == 1 < cold["bisection"]["pages_max"]
        assert cold["set"]["major_faults_max"] > 0
    delta = found["delta"]
    assert delta["changed"] == 100
    assert 100 * 17 / 1024 < delta["kib"] < 100 * 19 / 1024
    assert min(delta[name] for name in ("make_s", "apply_s", "copy_s", "apply_peak_mib")) > 0


def test_switching(tmp_path: Path) -> None:
    found = quick("switching", tmp_path)
    assert found["switches"] == 1
    assert found["verdicts"] == {"still": 100, "switching": 100}
    for times in found["verdicts_ms"].values():
        assert 0 < times["p50"] <= times["p99"] <= times["longest of a round, median"] <= times["max"]


@pytest.mark.slow
@pytest.mark.skipif(programs() is None, reason=MISSING)
def test_collector(tmp_path: Path) -> None:
    found = quick("collector", tmp_path)
    assert set(found["one"]) == {"400", "10", "1"}
    for rates in found["one"].values():
        assert min(rates.values()) > 0
        assert rates["collector_cpu_s"] > rates["store_cpu_s"]
    for name in ("store", "broker"):
        assert set(found["processes"][name]) == {"1", "2"}
        assert min(found["processes"][name].values()) > 0


@pytest.mark.parametrize(
    "name",
    [
        "verify",
        "rules",
        "permits",
        "hostile",
        "latency",
        "startup",
        "devices",
        "journal",
        "kiosk",
        "uplink",
        "collector",
        "fleet",
        "revocation",
        "switching",
        "reading",
    ],
)
def test_help_has_an_example(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{name}", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert f"example: python -m bench.{name}" in done.stdout


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(1, 101)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile(values, 1) == 100
    assert percentile([7.0], 0.99) == 7


def test_a_limit_is_kept_up_to_its_figure() -> None:
    assert Limit("x", 2.0, 2.0).met
    assert not Limit("x", 2.01, 2.0).met
