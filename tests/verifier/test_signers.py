"""The nation's list of signers: its form, its bounds, and that certificates wait until a pass names them."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from provisioning.issuer import DemoIssuer
from tests.vectors import vectors
from tests.verifier.test_trust import BAD_BASIC_CONSTRAINTS, certificate
from verifier import Accepted, Reason, Refused, Revocations, Signer, TrustListError, Undecided, Verifier
from verifier.cose import Kid
from verifier.signed_list import Listed, read_signed_list
from verifier.signers import (
    KINDS_OF,
    SIGNERS_MAX_BYTES,
    Jwk,
    SignerEntry,
    encode_signers,
    jwk_of,
    parse_signers,
    read_entries,
)
from verifier.trust import load_certificate

AT = datetime(2026, 6, 1, tzinfo=UTC)
CERTIFICATE = certificate("1.3.6.1.4.1.1847.2021.1.1")
KID = b"12345678"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def p256() -> dict[str, Any]:
    point = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    encoded = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {"kty": "EC", "crv": "P-256", "x": base64url(encoded[1:33]), "y": base64url(encoded[33:])}


def edwards() -> dict[str, Any]:
    raw = (
        ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
        .public_key()
        .public_bytes(Encoding.Raw, PublicFormat.Raw)
    )
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url(raw)}


P256, EDWARDS = p256(), edwards()
OFF_THE_CURVE = P256 | {"y": P256["x"]}


def entry(**fields: Any) -> SignerEntry:  # noqa: ANN401 - fields of any sort
    return SignerEntry(**({"kid": KID, "format": "hcert", "certificate": CERTIFICATE} | fields))


def written(**fields: object) -> bytes:
    """Return a list of one signer as somebody else may have written it."""
    usual = {"kid": base64.b64encode(KID).decode(), "format": "hcert"}
    if "jwk" not in fields:
        usual["certificate"] = base64.b64encode(CERTIFICATE).decode()
    return json.dumps({"version": 1, "signers": [usual | fields]}).encode()


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
    key: dict[str, Any] = {"certificate": None, "jwk": Jwk(**draw(st.sampled_from([P256, EDWARDS])))}
    return entry(format=format_, kinds=kinds, **(key if draw(st.booleans()) else {}), **common)


@given(st.lists(entries(), max_size=4))
def test_what_is_encoded_is_read_again(listed: list[SignerEntry]) -> None:
    data = encode_signers(listed)
    assert read_entries(data) == listed
    trust = parse_signers(data)
    assert len(trust) == len(trust.signers()) == sum(one.format == "hcert" for one in listed)
    assert len(trust) + sum(trust.others.values()) == len(listed)
    assert trust.unusable == ()


VALID = encode_signers([entry(kinds=("test",)), entry(format="shc", certificate=None, jwk=Jwk(**P256))])


@given(st.data())
def test_any_bytes_are_a_list_or_a_trust_list_error(data: st.DataObject) -> None:
    changed = bytearray(VALID)
    for at in data.draw(st.lists(st.integers(0, len(changed) - 1), max_size=3)):
        changed[at] = data.draw(st.integers(0, 255))
    for candidate in (
        bytes(changed),
        bytes(changed[: data.draw(st.integers(0, len(changed)))]),
        data.draw(st.binary()),
    ):
        try:
            trust = parse_signers(candidate)
        except TrustListError:
            continue
        assert len(trust.signers()) + len(trust.unusable) == len(trust)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"{}",
        b"[" * 100_000,
        b'{"version": 1}',
        b'{"version": 2, "signers": []}',
        b'{"version": 1, "signers": [], "more": 1}',
        b'{"version": 1, "signers": [7]}',
        b'{"version": 1, "signers": []}' + b" " * SIGNERS_MAX_BYTES,
        json.dumps({"version": 1, "signers": [{}] * 10_001}).encode(),
    ],
    ids=lambda data: data[:40].decode("latin-1").strip(),
)
def test_what_is_no_list(data: bytes) -> None:
    with pytest.raises(TrustListError):
        parse_signers(data)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"kid": ""}, "kid"),
        ({"kid": "not base64"}, "kid"),
        ({"kid": base64.b64encode(bytes(65)).decode()}, "kid"),
        ({"format": "HCERT"}, "format"),
        ({"certificate": ""}, "certificate"),
        ({"certificate": base64.b64encode(bytes(16 * 1024 + 1)).decode()}, "certificate"),
        ({"certificate": None}, "a certificate or a jwk"),
        ({"jwk": P256}, "needs a certificate"),
        ({"jwk": P256, "certificate": "AAAA", "format": "shc"}, "not both"),
        ({"format": "shc", "jwk": P256 | {"d": P256["x"]}}, "unknown field `d`"),
        ({"format": "shc", "jwk": P256 | {"crv": "P-384"}}, "crv"),
        ({"format": "shc", "jwk": P256 | {"crv": "Ed25519"}}, "EC on P-256"),
        ({"format": "shc", "jwk": EDWARDS | {"y": EDWARDS["x"]}}, "OKP on Ed25519"),
        ({"format": "shc", "jwk": EDWARDS | {"x": "AAAA"}}, "`$.signers[0].jwk.x`"),
        ({"kinds": ["Test"]}, "kinds"),
        ({"kinds": ["test"] * 17}, "kinds"),
        ({"issuers": [" Lab"]}, "issuers"),
        ({"issuers": [""]}, "issuers"),
        ({"issuers": ["La\nb"]}, "issuers"),
        ({"areas": ["vn"]}, "areas"),
        ({"areas": ["VN-"]}, "areas"),
        ({"areas": ["VN\n"]}, "areas"),
        ({"areas": ["VN-1-2-3-4"]}, "areas"),
        ({"country": "Việt Nam"}, "country"),
        ({"name": "a\x1bb"}, "name"),
        ({"name": "a" * 201}, "name"),
        ({"not_before": "2026-06-01T00:00:00"}, "in UTC"),
        ({"not_before": "2026-06-01T00:00:00+07:00"}, "in UTC"),
        ({"not_after": "tomorrow"}, "not_after"),
        ({"not_before": "2026-06-02T00:00:00Z", "not_after": "2026-06-01T00:00:00Z"}, "not_before is after"),
        ({"other": 1}, "unknown field `other`"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_entry_out_of_form_is_named(fields: dict[str, object], says: str) -> None:
    with pytest.raises(TrustListError) as caught:
        parse_signers(written(**fields))
    assert says in str(caught.value)
    assert "$.signers[0]" in str(caught.value)


def test_an_entry_without_its_needs_is_none() -> None:
    for missing in ("kid", "format"):
        fields = json.loads(written())
        del fields["signers"][0][missing]
        with pytest.raises(TrustListError, match=missing):
            parse_signers(json.dumps(fields).encode())


def test_certificates_wait_until_a_pass_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    from_der = Signer.from_der

    def counted(der: bytes, kid: Kid | None = None, country: str | None = None) -> Signer:
        read.append(der)
        return from_der(der, kid, country)

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


def test_signers_of_other_formats_are_carried_and_judge_nothing(issuer: DemoIssuer, at: datetime) -> None:
    listed = [
        entry(kid=issuer.kid, format="vds-nc", certificate=issuer.certificate_der),
        entry(format="shc", certificate=None, jwk=Jwk(**P256)),
        entry(format="lx1", certificate=None, jwk=Jwk(**EDWARDS), kinds=("vehicle",)),
    ]
    trust = parse_signers(encode_signers(listed))
    assert (len(trust), trust.others) == (0, {"vds-nc": 1, "shc": 1, "lx1": 1})
    verdict = Verifier(trust, Revocations()).verify(issuer.issue(), at)
    assert isinstance(verdict, Undecided)
    assert verdict.reason is Reason.NO_TRUST_LIST


def test_a_format_of_a_newer_nation_takes_the_list_from_nobody() -> None:
    trust = parse_signers(written(format="lx2"))
    assert (len(trust), trust.others) == (0, {"lx2": 1})


def test_demo_certificates_are_known_unread(issuer: DemoIssuer) -> None:
    assert parse_signers(encode_signers([entry(), entry(certificate=issuer.certificate_der)])).demo
    assert not parse_signers(encode_signers([entry()])).demo


def ed25519_certificate() -> bytes:
    return certificate(key=ed25519.Ed25519PrivateKey.generate())


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"format": "lx2"}, "entry 2: format lx2 is not known; known are hcert, lx1, shc, nzcp, vds-nc"),
        ({"format": "lx1", "certificate": None, "jwk": Jwk(**P256)}, "needs kinds: some of vehicle, travel"),
        ({"kinds": ("vehicle",)}, "kinds of hcert are test, vaccination, recovery; not vehicle"),
        ({"kinds": ("recovery",)}, "allows none of the kinds"),
        ({"certificate": b"none"}, "entry 2: not a usable certificate"),
        ({"certificate": ed25519_certificate}, "signs no passes"),
        ({"format": "vds-nc", "certificate": b"none"}, "entry 2: not a usable certificate"),
        ({"format": "shc", "certificate": None, "jwk": Jwk(**OFF_THE_CURVE)}, "entry 2: not a usable key"),
        ({"kid": b""}, "signers[1].kid"),
        ({"areas": ("vn",)}, "signers[1].areas"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_nothing_is_published_that_a_kiosk_cannot_use(fields: dict[str, Any], says: str) -> None:
    made = {name: value() if callable(value) else value for name, value in fields.items()}
    with pytest.raises(TrustListError) as caught:
        encode_signers([entry(), entry(**made)])
    assert says in str(caught.value)


def test_a_certificate_of_another_format_may_have_another_key() -> None:
    listed = [entry(format="lx1", certificate=ed25519_certificate(), kinds=("test",))]
    assert parse_signers(encode_signers(listed)).others == {"lx1": 1}


def test_an_entry_refuses_contradictions_when_it_is_made() -> None:
    with pytest.raises(ValueError, match="not both"):
        entry(jwk=Jwk(**P256))
    with pytest.raises(ValueError, match="in UTC"):
        entry(not_before=AT.astimezone(timezone(timedelta(hours=7))))
    with pytest.raises(ValueError, match="not_before is after"):
        replace(entry(not_before=AT), not_after=AT - timedelta(seconds=1))


@pytest.mark.parametrize("fields", [P256, EDWARDS], ids=["P-256", "Ed25519"])
def test_a_published_key_is_taken_without_what_is_beside_it(fields: dict[str, Any]) -> None:
    jwk = jwk_of(fields | {"kid": "3Kfdg", "use": "sig", "alg": "ES256", "x5c": ["..."]})
    assert jwk == Jwk(**fields)
    raw = jwk.public_key().public_bytes(
        *((Encoding.Raw, PublicFormat.Raw) if jwk.y is None else (Encoding.X962, PublicFormat.UncompressedPoint))
    )
    assert base64url(raw[-32:]) == (jwk.y or jwk.x)


@pytest.mark.parametrize("fields", [{}, {"kty": "RSA"}, P256 | {"x": 7}, P256 | {"x": "AAAA"}, OFF_THE_CURVE], ids=str)
def test_a_published_key_that_is_none(fields: dict[str, Any]) -> None:
    with pytest.raises(TrustListError, match="not a usable key"):
        jwk_of(fields)


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
