"""The nation's list of signers: its form, its bounds, and that certificates wait until a pass names them."""

import base64
import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.issuer import DemoIssuer
from tests.vectors import vectors
from tests.verifier.certificates import BAD_BASIC_CONSTRAINTS, certificate
from tests.verifier.signer_lists import AT, CERTIFICATE, EDWARDS, KID, P256, entry, written
from verifier import Accepted, Reason, Refused, Revocations, Signer, Verifier
from verifier.cose import Kid
from verifier.documents.document import FormatName
from verifier.signed_list import Listed, read_signed_list
from verifier.signers import (
    KINDS_OF,
    Jwk,
    SignerEntry,
    encode_signers,
    parse_signers,
    read_entries,
)
from verifier.trust import load_certificate


def test_the_form_is_the_one_written_down() -> None:
    data = encode_signers([entry(kinds=("test",), areas=("VN-SG",), not_before=AT, name="Lab 7")])
    assert json.loads(data) == {
        "version": 1,
        "signers": [
            {
                "kid": "MTIzNDU2Nzg=",
                "format": "hcert",
                "certificate": base64.b64encode(CERTIFICATE).decode(),
                "jwk": None,
                "kinds": ["test"],
                "issuers": [],
                "areas": ["VN-SG"],
                "not_before": "2026-06-01T00:00:00Z",
                "not_after": None,
                "country": "",
                "name": "Lab 7",
            }
        ],
    }


codes = st.lists(st.sampled_from(["VN", "VN-SG", "LA", "VN-HN-00001"]), max_size=3).map(tuple)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)
times = st.none() | st.datetimes(timezones=st.just(UTC))


@st.composite
def entries(draw: st.DrawFn) -> SignerEntry:
    before, after = draw(times), draw(times)
    if before is not None and after is not None:
        before, after = min(before, after), max(before, after)
    common: dict[str, Any] = {
        "kid": draw(st.binary(min_size=1, max_size=64)),
        "issuers": tuple(text for text in draw(st.lists(texts.map(str.strip), max_size=3)) if text),
        "areas": draw(codes),
        "not_before": before,
        "not_after": after,
        "country": draw(st.sampled_from(["", "VN"])),
        "name": draw(texts),
    }
    if draw(st.booleans()):
        return entry(kinds=draw(st.sampled_from([(), ("test",), ("test", "recovery")])), **common)
    format_ = draw(st.sampled_from([name for name in KINDS_OF if name != "hcert"]))
    kinds = tuple(draw(st.lists(st.sampled_from(KINDS_OF[format_]), min_size=1, max_size=3)))
    jwk = Jwk(**draw(st.sampled_from([P256, EDWARDS] if format_ == "lx1" else [P256])))
    key: dict[str, Any] = {"certificate": None, "jwk": jwk}
    return entry(format=format_, kinds=kinds, **(key if draw(st.booleans()) else {}), **common)


@given(st.lists(entries(), max_size=4))
def test_what_is_encoded_is_read_again(listed: list[SignerEntry]) -> None:
    data = encode_signers(listed)
    assert read_entries(data) == listed
    trust = parse_signers(data)
    assert len(trust) == len(trust.signers()) == len(listed)
    assert (trust.unusable, trust.others) == ((), {})


def test_certificates_wait_until_a_pass_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    from_der = Signer.from_der

    def counted(der: bytes, kid: Kid, country: str, *, format_: FormatName, kinds: Collection[str]) -> Signer:
        read.append(der)
        return from_der(der, kid, country, format_=format_, kinds=kinds)

    monkeypatch.setattr(Signer, "from_der", counted)
    trust = parse_signers(
        b'{"version":1,"signers":[' + written()[27:-2] + b"," + written(kid="AAAA", country="LA")[27:-2] + b"]}"
    )
    assert (len(trust), trust.demo, read) == (2, False, [])
    (signer,) = trust.by_kid(Kid(b"\0\0\0"))
    assert (signer.kid, signer.country, len(read)) == (b"\0\0\0", "LA", 1)


def test_an_unusable_certificate_is_told_when_it_is_read_and_takes_nobody_down() -> None:
    good, bad = json.loads(written())["signers"][0], json.loads(written(certificate="AAAA"))["signers"][0]
    trust = parse_signers(json.dumps({"version": 1, "signers": [bad, good, bad | {"kid": "AAAA"}]}).encode())
    assert (len(trust), trust.unusable) == (3, ())
    assert len(trust.by_kid(Kid(KID))) == 1
    assert [line.partition(":")[0] for line in trust.unusable] == ["entry 1"]
    assert len(trust.signers()) == 1
    assert [line.partition(":")[0] for line in trust.unusable] == ["entry 1", "entry 3"]


def test_what_an_entry_says_bounds_its_signer() -> None:
    der = certificate("1.3.6.1.4.1.1847.2021.1.1", "1.3.6.1.4.1.1847.2021.1.3")
    hour = timedelta(hours=1)
    listed = entry(
        certificate=der,
        kinds=("test", "vaccination"),
        issuers=("Lab 7",),
        areas=("VN-SG",),
        not_before=AT + hour,
        not_after=AT + 100 * hour,
        country="VN",
    )
    (signer,) = parse_signers(encode_signers([listed])).signers()
    assert signer.kinds == {"test"}
    assert signer.country == "VN"
    assert signer.issuers == {"Lab 7"}
    assert signer.areas == {"VN-SG"}
    assert (signer.not_before, signer.not_after) == (AT + hour, AT + 24 * hour)


def test_an_entry_without_bounds_is_its_certificate() -> None:
    assert parse_signers(encode_signers([entry()])).signers() == [Signer.from_der(CERTIFICATE, Kid(KID))]


def test_extensions_that_cannot_be_parsed_drop_nobody() -> None:
    der = certificate("1.3.6.1.4.1.1847.2021.1.3", extra=(BAD_BASIC_CONSTRAINTS,))
    trust = parse_signers(encode_signers([entry(certificate=der)]))
    assert [signer.kinds for signer in trust.signers()] == [{"recovery"}]


def test_signers_of_other_formats_judge_no_health_certificate(issuer: DemoIssuer, at: datetime) -> None:
    listed = [
        entry(kid=issuer.kid, format="vds-nc", certificate=issuer.certificate_der),
        entry(format="shc", certificate=None, jwk=Jwk(**P256)),
        entry(format="lx1", certificate=None, jwk=Jwk(**EDWARDS), kinds=("vehicle",)),
    ]
    trust = parse_signers(encode_signers(listed))
    assert [signer.format for signer in trust.signers()] == ["vds-nc", "shc", "lx1"]
    assert [sorted(signer.kinds) for signer in trust.signers()[1:]] == [sorted(KINDS_OF["shc"]), ["vehicle"]]
    verdict = Verifier(trust, Revocations()).verify(issuer.issue(), at)
    assert isinstance(verdict, Refused)
    assert verdict.reason is Reason.UNKNOWN_ISSUER


def test_a_format_of_a_newer_nation_takes_the_list_from_nobody() -> None:
    trust = parse_signers(written(format="lx2"))
    assert (len(trust), trust.others) == (0, {"lx2": 1})
    assert not trust


def test_demo_certificates_are_known_unread(issuer: DemoIssuer) -> None:
    assert parse_signers(encode_signers([entry(), entry(certificate=issuer.certificate_der)])).demo
    assert not parse_signers(encode_signers([entry()])).demo


def test_passes_by_the_list(issuer: DemoIssuer, at: datetime) -> None:
    def judged(**scope: object) -> Reason:
        listed = [entry(), entry(kid=issuer.kid, certificate=issuer.certificate_der, **scope)]
        verdict = Verifier(parse_signers(encode_signers(listed)), Revocations()).verify(issuer.issue(), at)
        assert isinstance(verdict, Accepted | Refused)
        return verdict.reason

    assert judged() is Reason.VALID
    assert judged(kinds=("test",)) is Reason.WRONG_KEY_USAGE
    assert judged(areas=("VN-SG",)) is Reason.OUTSIDE_SCOPE
    assert judged(issuers=("Lab 7",)) is Reason.OUTSIDE_SCOPE
    assert judged(not_after=at - timedelta(days=1)) is Reason.SIGNER_NOT_VALID


def test_the_production_list_goes_over_whole() -> None:
    folder = vectors("production-de")
    given_ = read_signed_list(
        (folder / "dsc-list.json").read_bytes(), (folder / "dsc-list-signing-key.pem").read_bytes()
    )
    listed = [entry(kid=one.kid, certificate=one.der, country=one.country) for one in given_ if isinstance(one, Listed)]
    trust = parse_signers(encode_signers(listed))
    assert len(trust) == len(trust.signers()) == 829
    assert trust.unusable == ()
    unparsable = 0
    for signer, one in zip(trust.signers(), listed, strict=True):
        assert one.certificate is not None
        assert signer == Signer.from_der(one.certificate, Kid(one.kid), one.country)
        try:
            _ = load_certificate(one.certificate).extensions
        except ValueError:
            unparsable += 1
    assert unparsable > 0  # and yet there
