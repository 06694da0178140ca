"""`greengate explain --batch`: whole test suites through one process."""

import base64
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioning.batch import moment_of
from provisioning.issuer import DemoIssuer
from tests.provisioning.command import Done, greengate
from tests.vectors import dgc_files
from tests.verifier.test_conformance import LAYER_OF, WRONG

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
ISSUER = DemoIssuer(AT)
DSC = base64.b64encode(ISSUER.certificate_der).decode()
GOOD = ISSUER.issue()


def batch(*cases: dict[str, Any] | str | bytes, options: tuple[str | Path, ...] = ()) -> Done:
    lines = (json.dumps(case) if isinstance(case, dict) else case for case in cases)
    given = b"\n".join(line.encode() if isinstance(line, str) else line for line in lines)
    return greengate("explain", "--batch", *options, given=given)


def case(**changed: object) -> dict[str, object]:
    return {"text": GOOD, "at": AT.isoformat(), "dsc": [DSC]} | changed


def test_every_file_of_the_public_test_data_through_one_process() -> None:
    files = list(dgc_files())
    lines = []
    for _, file in files:
        context = file["TESTCTX"]
        at, dsc = context["VALIDATIONCLOCK"], [context["CERTIFICATE"]]
        lines.append(json.dumps({"text": file["PREFIX"], "at": at, "dsc": dsc}))
    command = [sys.executable, "-m", "provisioning.main", "explain", "--batch", "--json"]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    results = [json.loads(line) for line in done.stdout.splitlines()]
    differing = set()
    judged = 0
    for (name, file), result in zip(files, results, strict=True):
        for expectation, expected in file["EXPECTEDRESULTS"].items():
            if layer := LAYER_OF.get(expectation):
                judged += 1
                if (result["layers"][layer] == "ok") is not expected:
                    differing.add((name, expectation))
    assert differing == {known for known in WRONG if known[1] != "JSON"}
    assert judged > 2500


def test_a_line_a_case_in_order() -> None:
    late = (AT + timedelta(days=400)).isoformat()
    done = batch(case(), case(at=late), case(dsc=[]), case(text="https://example.org"), case(text=""))
    assert done.code == 0
    reasons = [result["reason"] for result in done.results]
    assert reasons == ["valid", "expired", "no-trust-list", "online-only", "unsupported-kind"]
    assert done.results[0].keys() == {"verdict", "reason", "layers", "details", "document", "format", "code"}


def test_what_a_case_leaves_out_the_command_line_says(tmp_path: Path) -> None:
    certificate = tmp_path / "signer.der"
    certificate.write_bytes(ISSUER.certificate_der)
    options = ("--dsc", certificate, "--at", AT.isoformat())
    done = batch({"text": GOOD}, {"text": GOOD, "at": None, "dsc": None}, case(dsc=[]), options=options)
    assert [result["reason"] for result in done.results] == ["valid", "valid", "no-trust-list"]


def test_a_time_without_a_zone_is_utc() -> None:
    last = ISSUER.issue(expires=AT)
    times = ("2026-06-01T12:00:00", "2026-06-01T12:00:01", "2026-06-01T19:00:00+07:00", "20260601T120000Z")
    done = batch(*(case(text=last, at=time) for time in times))
    assert [result["reason"] for result in done.results] == ["valid", "expired", "valid", "valid"]
    assert moment_of("2026-06-01").utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("nonsense", "not a case"),
        ("[]", "not a case"),
        ("{}", "not a case"),
        ('{"text": 5}', "not a case"),
        ('{"text": "HC1:", "dsc": "one"}', "not a case"),
        ('{"text": "\\ud800"}', "not a case"),
        (b'{"text": "\xff"}', "not a case"),
        ('{"text": "x", "more": ' + "[" * 100_000 + "]" * 100_000 + "}", "not a case"),
        ('{"text": "x", "at": "noon"}', "at is not a time"),
        ('{"text": "x", "at": ""}', "at is not a time"),
        ('{"text": "x", "dsc": ["!!"]}', "dsc 1 is not base64"),
        (json.dumps({"text": "x", "dsc": [DSC, "ééé="]}), "dsc 2 is not base64"),
        ('{"text": "' + "x" * (1 << 20) + '"}', "longer than 1048576 bytes"),
        ("x" * (3 << 20), "longer than 1048576 bytes"),
    ],
)
def test_a_line_that_is_no_case_is_told_and_the_next_is_judged(line: str | bytes, says: str) -> None:
    done = batch(case(), line, case())
    assert done.code == 65
    first, wrong, last = done.results
    assert (first["reason"], last["reason"]) == ("valid", "valid")
    assert wrong["error"].startswith("line 2: ")
    assert says in wrong["error"]


def test_a_certificate_that_is_none_is_nobody_to_trust() -> None:
    bad = base64.b64encode(b"no certificate").decode()
    done = batch(case(dsc=[bad]), case(dsc=[bad, DSC]))
    assert done.code == 0
    assert [result["reason"] for result in done.results] == ["no-trust-list", "valid"]


def test_empty_lines_say_nothing() -> None:
    done = batch("", case(), "  ", "\r", case(), "")
    assert (done.code, len(done.results)) == (0, 2)
    assert batch("").results == []


def test_a_pass_besides_is_wrong_usage() -> None:
    done = batch(case(), options=("--json", GOOD))
    assert done.code == 2
    assert "standard input" in done.result["error"]
