"""A step is done whole, and a Ctrl-C that came meanwhile is not lost."""

import contextlib
import signal
from pathlib import Path

import pytest

from centre.permits.issuing import Issuer
from centre.stopping import unbroken
from tests.centre.permit_site import VEHICLE, Office, new_office, table


def test_who_stops_within_a_step_stops_after_it() -> None:
    done = []

    def step() -> None:
        with unbroken():
            signal.raise_signal(signal.SIGINT)
            done.append("step")

    with pytest.raises(KeyboardInterrupt):
        step()
    assert done == ["step"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with unbroken():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_fails_within_a_step_is_told() -> None:
    with pytest.raises(ValueError, match="why"), unbroken():
        raise ValueError("why")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_stopped_within_a_row_nothing_is_issued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office: Office = new_office(tmp_path, monkeypatch)
    real = Issuer._signed

    def swallowing(issuer: Issuer, *rest: object) -> str:
        with contextlib.suppress(KeyboardInterrupt):  # as cbor2 does
            signal.raise_signal(signal.SIGINT)
        return real(issuer, *rest)  # type: ignore[arg-type]

    file = office.given("p.csv", table(VEHICLE))
    with monkeypatch.context() as patch:
        patch.setattr(Issuer, "_signed", swallowing)
        office.run("issue", "vehicle", "--csv", file, "--out", office.out, code=130)
    assert office.json("list") == []
