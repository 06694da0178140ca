"""What real issuers write into a health certificate, and what is none."""

from datetime import UTC, datetime
from typing import Any

import pytest

from provisioning.issuer import demo_entry
from verifier.documents.hcert import HealthCertificate, Recovery, Test, Vaccination, parse
from verifier.reasons import Reason, RefusedError

AT = datetime(2026, 6, 1, tzinfo=UTC)


def entry(kind: str, **changes: object) -> dict[str, Any]:
    fields = demo_entry(kind, "VN", AT) | changes
    return {key: value for key, value in fields.items() if value != "absent"}


def certificate(**changes: object) -> dict[Any, Any]:
    body: dict[str, Any] = {"ver": "1.3.0", "nam": {"fn": "Lê", "fnt": "LE"}, "dob": "1990-01-01", "v": [entry("v")]}
    body |= changes
    return {1: {key: value for key, value in body.items() if value != "absent"}}


def parsed(**changes: object) -> HealthCertificate:
    return parse(certificate(**changes))


def test_a_vaccination() -> None:
    found = parsed()
    assert found.kinds == ("vaccination",)
    assert isinstance(found.entry, Vaccination)
    assert (found.entry.country, found.entry.dose, found.entry.doses_in_series) == ("VN", 2, 2)
    assert (found.name.family, found.name.family_standard, found.name.given) == ("Lê", "LE", "")


def test_a_test_and_a_recovery() -> None:
    assert isinstance(parsed(v="absent", t=[entry("t")]).entry, Test)
    assert isinstance(parsed(v="absent", r=[entry("r")]).entry, Recovery)


@pytest.mark.parametrize("empty", [None, []])
def test_groups_without_an_entry_may_be_null_or_empty(empty: object) -> None:
    assert parsed(t=empty, r=empty).kinds == ("vaccination",)


@pytest.mark.parametrize("version", ["1.0.0", "1.0.1", "1.0.4", "1.2.1", "1.3.0", "1.3.1", "1.3.2", "1.3.3", " 1.3.0 "])
def test_all_versions_in_use(version: str) -> None:
    assert parsed(ver=version).version == version.strip()


def test_a_later_generation_is_not_the_holders_fault() -> None:
    with pytest.raises(RefusedError) as refused:
        parsed(ver="2.0.0")
    assert refused.value.reason is Reason.UNSUPPORTED_VERSION


@pytest.mark.parametrize(
    "date", ["2021", "2021-05", "", "2021-05-30", "2021-05-30T00:00:00", "2021-05-30T10:00:00+02:00"]
)
def test_dates_in_part_or_with_a_time(date: str) -> None:
    found = parsed(dob=date, v=[entry("v", dt=date)])
    assert found.date_of_birth == date
    assert isinstance(found.entry, Vaccination)
    assert found.entry.date == date


def test_padded_missing_and_null_texts_and_float_counts() -> None:
    found = parsed(
        nam=None, dob="absent", v=[entry("v", co=" VN ", dn=2.0, sd=None, ma=None, mp="absent", tg=" 840539006 ")]
    )
    assert isinstance(found.entry, Vaccination)
    assert (found.entry.country, found.entry.dose, found.entry.doses_in_series) == (" VN ", 2, None)
    assert found.entry.disease == "840539006"
    assert (found.entry.manufacturer, found.entry.product, found.name.family, found.date_of_birth) == ("", "", "", "")


@pytest.mark.parametrize(
    "changes",
    [
        {"v": "absent"},
        {"v": []},
        {"v": [entry("v"), entry("v")]},
        {"t": [entry("t")]},
        {"v": [None]},
        {"v": [{}]},
        {"v": ["text"]},
        {"v": {"0": 1}},
        {"v": "VACC"},
        {"nam": "Lê"},
        {"nam": {"fn": 1}},
        {"dob": 1990},
        {"ver": "absent"},
        {"ver": "1.3"},
        {"ver": "1.3.0.0"},
        {"ver": "1.3.x"},
        {"ver": 1.3},
        {"v": [entry("v", co=[])]},
        {"v": [entry("v", ci=b"URN")]},
        {"v": [entry("v", dn="2")]},
        {"v": [entry("v", dn=True)]},
        {"v": [entry("v", dn=1.5)]},
        {"v": [entry("v", dn=-1)]},
        {"v": [entry("v", sd=10**9)]},
        {"v": [entry("v", sd=float("nan"))]},
        {"v": [entry("v", sd=float("inf"))]},
    ],
)
def test_refuses(changes: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as refused:
        parsed(**changes)
    assert refused.value.reason is Reason.BAD_PAYLOAD


@pytest.mark.parametrize("claim", [{}, {1: None}, {1: []}, {2: {}}, {"1": {}}])
def test_refuses_what_is_no_certificate(claim: dict[Any, Any]) -> None:
    with pytest.raises(RefusedError) as refused:
        parse(claim)
    assert refused.value.reason is Reason.BAD_PAYLOAD
