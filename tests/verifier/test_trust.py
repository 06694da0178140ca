"""Signers: which keys count, for what and when; signed lists."""

import contextlib
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given
from hypothesis import strategies as st

from provisioning.issuer import DemoIssuer
from tests.verifier.certificates import AT, BAD_BASIC_CONSTRAINTS, certificate
from verifier import Signer, TrustList, TrustListError
from verifier.areas import covers
from verifier.cose import Kid
from verifier.documents.document import FormatName
from verifier.trust import KINDS
from verifier.trust_list import Reader

OTHER_USAGE = "1.3.6.1.5.5.7.3.2"  # TLS client, as in Viet Nam's certificates


@pytest.mark.parametrize("arc", ["1.3.6.1.4.1.1847.2021.1", "1.3.6.1.4.1.0.1847.2021.1"])
@pytest.mark.parametrize(("number", "kind"), [(1, "test"), (2, "vaccination"), (3, "recovery")])
def test_key_usage_in_both_arcs(arc: str, number: int, kind: str) -> None:
    assert Signer.from_der(certificate(f"{arc}.{number}")).kinds == {kind}


def test_a_certificate_that_names_no_kind_may_sign_every_kind() -> None:
    assert Signer.from_der(certificate()).kinds == set(KINDS)
    assert Signer.from_der(certificate(OTHER_USAGE)).kinds == set(KINDS)


def test_other_usages_beside_a_kind_change_nothing() -> None:
    assert Signer.from_der(certificate(OTHER_USAGE, "1.3.6.1.4.1.1847.2021.1.2")).kinds == {"vaccination"}


# A basic constraints extension with an explicit default value, which strict parsers reject


def test_badly_encoded_extensions_do_not_drop_the_key_nor_lift_its_limits() -> None:
    der = certificate("1.3.6.1.4.1.1847.2021.1.3", extra=(BAD_BASIC_CONSTRAINTS,))
    with pytest.raises(ValueError, match="pars"):
        _ = x509.load_der_x509_certificate(der).extensions
    assert Signer.from_der(der).kinds == {"recovery"}
    assert Signer.from_der(certificate(extra=(BAD_BASIC_CONSTRAINTS,))).kinds == set(KINDS)


def test_an_extension_given_twice_does_not_drop_the_key_nor_lift_its_limits() -> None:
    first, second = (
        x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.2.3.4.{number}"), b"\x05\0") for number in (5, 6)
    )
    der = certificate("1.3.6.1.4.1.1847.2021.1.3", extra=(first, second))
    twice = der.replace(bytes.fromhex("06042a030406"), bytes.fromhex("06042a030405"))
    with pytest.raises(x509.DuplicateExtension):
        _ = x509.load_der_x509_certificate(twice).extensions
    assert Signer.from_der(twice).kinds == {"recovery"}


def test_a_certificate_without_a_calendar_time_is_unusable() -> None:
    der = certificate()
    broken = der.replace(b"260602000000Z", b"269902000000Z")
    assert broken != der
    with pytest.raises(TrustListError, match="not a usable certificate"):
        Signer.from_der(broken)


CERTIFICATE = certificate("1.3.6.1.4.1.1847.2021.1.3")


def test_a_certificate_of_a_version_that_there_is_not_is_unusable() -> None:
    broken = CERTIFICATE.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020107"))
    with pytest.raises(TrustListError, match="not a usable certificate"):
        Signer.from_der(broken)


@given(st.data())
def test_any_bytes_are_a_signer_or_none(data: st.DataObject) -> None:
    der = bytearray(CERTIFICATE)
    for at in data.draw(st.lists(st.integers(0, len(der) - 1), max_size=4)):
        der[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(TrustListError):
        assert Signer.from_der(bytes(der)).kinds <= set(KINDS)


def test_a_list_narrows_a_certificate_and_never_widens_it() -> None:
    signer = Signer.from_der(certificate("1.3.6.1.4.1.1847.2021.1.1", "1.3.6.1.4.1.1847.2021.1.2"))
    assert signer.narrowed() == signer
    assert signer.narrowed(kinds=("test", "recovery")).kinds == {"test"}
    assert signer.narrowed(kinds=("recovery",)).kinds == set()
    hour = timedelta(hours=1)
    inner = signer.narrowed(not_before=AT + hour, not_after=AT + 2 * hour)
    assert [inner.valid_at(AT + hours * hour) for hours in (0, 1, 2, 3)] == [False, True, True, False]
    outer = signer.narrowed(not_before=AT - hour, not_after=AT + 48 * hour)
    assert (outer.not_before, outer.not_after) == (signer.not_before, signer.not_after)


def test_a_signer_allows_its_issuers_and_areas_both() -> None:
    signer = Signer.from_der(certificate())
    assert signer.allows("", ("",))
    assert signer.allows("any", ("XX",))
    laboratory = signer.narrowed(issuers=("Lab 7", "Lab 8"), areas=("VN-SG", "LA"))
    assert laboratory.allows("Lab 7", ("VN-SG",))
    assert laboratory.allows("Lab 8", ("LA-VT",))
    assert not laboratory.allows("Lab 9", ("VN-SG",))
    assert not laboratory.allows("lab 7", ("VN-SG",))
    assert not laboratory.allows("Lab 7", ("VN-HN",))
    assert not laboratory.allows("", ("",))
    assert not laboratory.allows("Lab 7", ("VN-SG", "VN-HN"))
    assert laboratory.allows("Lab 7", ())


@pytest.mark.parametrize(
    ("area", "code", "covered"),
    [
        ("VN", "VN", True),
        ("VN", "VN-SG", True),
        ("VN", "VN-SG-26740", True),
        ("VN-SG", "VN-SG-26740", True),
        ("VN-SG", "VN", False),
        ("VN-SG", "VN-HN", False),
        ("VN-S", "VN-SG", False),
        ("VN", "VNM", False),
        ("VN", "", False),
    ],
)
def test_what_an_area_covers(area: str, code: str, covered: bool) -> None:  # noqa: FBT001 - a table's column
    assert covers([area], code) is covered
    assert covers(["XX", area], code) is covered
    assert not covers([], code)


def test_kid_country_and_validity() -> None:
    der = certificate()
    signer = Signer.from_der(der)
    assert signer.kid == hashes_of(der)
    assert signer.country == "VN"
    assert Signer.from_der(certificate(country=None)).country == ""
    assert Signer.from_der(der, Kid(b"other"), "XX").kid == b"other"
    assert signer.valid_at(AT)
    assert signer.valid_at(AT + timedelta(days=1))
    assert not signer.valid_at(AT - timedelta(seconds=1))
    assert not signer.valid_at(AT + timedelta(days=1, seconds=1))


def hashes_of(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).fingerprint(hashes.SHA256())[:8]


def test_a_subject_that_cannot_be_read_is_no_country_but_the_key_counts() -> None:
    der = DemoIssuer(AT).certificate_der
    broken = der.replace(b"Cong Xanh demo signer", b"\xff" * 21)
    assert broken != der
    assert Signer.from_der(broken).country == ""


def test_a_subject_with_a_part_that_is_no_text_is_no_country_but_the_key_counts() -> None:
    der = DemoIssuer(AT).certificate_der
    bits = der.replace(b"\x0c\x15Cong Xanh demo signer", b"\x03\x15\x00ong Xanh demo signer")
    assert bits != der
    assert Signer.from_der(bits).country == ""
    with pytest.raises(TrustListError):  # of an authority, the whole name has to be read
        Signer.from_der(bits, format_="vds-nc")


def test_a_subject_with_a_country_of_other_than_two_letters_is_read_in_silence() -> None:
    common_name, country = bytes.fromhex("0603550403"), bytes.fromhex("0603550406")
    der = DemoIssuer(AT).certificate_der.replace(common_name, country)
    assert Signer.from_der(der).country == "VN"


@pytest.mark.parametrize("der", [b"", b"no certificate", certificate(key=ed25519.Ed25519PrivateKey.generate())])
def test_what_is_no_signer(der: bytes) -> None:
    with pytest.raises(TrustListError):
        Signer.from_der(der)


def test_several_signers_share_a_kid() -> None:
    one, two = (Signer.from_der(certificate(), Kid(b"same")) for _ in range(2))
    trust = TrustList([one, two])
    assert trust.by_kid(Kid(b"same")) == (one, two)
    assert trust.by_kid(Kid(b"else")) == trust.by_kid(None) == ()
    assert len(trust) == 2
    assert not trust.demo


def test_a_signer_that_waits_is_read_once_and_only_when_it_is_named() -> None:
    signer, read = Signer.from_der(certificate(), Kid(b"same")), []

    def reader() -> Signer:
        read.append(1)
        return signer

    trust = TrustList(unread=[("hcert", Kid(b"same"), reader), ("hcert", Kid(b"else"), reader)])
    assert (len(trust), trust.demo, trust.unusable, read) == (2, False, (), [])
    assert trust.by_kid(Kid(b"none")) == ()
    assert read == []
    assert trust.by_kid(Kid(b"same")) == trust.by_kid(Kid(b"same")) == (signer,)
    assert read == [1]
    assert trust.signers() == [signer, signer]
    assert read == [1, 1]


def test_who_waits_beside_who_was_read() -> None:
    one, two = (Signer.from_der(certificate(), Kid(b"same")) for _ in range(2))
    assert TrustList([one], unread=[("hcert", Kid(b"same"), lambda: two)]).by_kid(Kid(b"same")) == (one, two)


def test_who_turns_out_unusable_is_told_and_takes_nobody_down() -> None:
    def broken() -> Signer:
        raise TrustListError("entry 2: broken")

    signer = Signer.from_der(certificate(), Kid(b"same"))
    waiting: list[tuple[FormatName, Kid, Reader]] = [("hcert", Kid(kid), broken) for kid in (b"same", b"else")]
    trust = TrustList([signer], ["entry 1: broken"], unread=waiting)
    assert list(trust.unusable) == ["entry 1: broken"]
    assert trust.by_kid(Kid(b"same")) == (signer,)
    assert list(trust.unusable) == ["entry 1: broken", "entry 2: broken"]
    assert trust.by_kid(Kid(b"else")) == ()
    assert (len(trust), bool(trust)) == (3, True)
    assert not TrustList(unread=[("hcert", Kid(b"else"), broken)])
    assert not TrustList()


def test_demo_signers_are_known_by_their_certificate() -> None:
    assert TrustList([Signer.from_der(DemoIssuer(AT).certificate_der)]).demo
