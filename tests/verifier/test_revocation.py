"""Revocation hashes: what they cover, against published ones."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import cbor2
import pytest

from provisioning.issuer import DemoIssuer, hc1
from tests.vectors import vectors
from tests.verifier.revocation_sets import set_bytes
from verifier import (
    Accepted,
    Reason,
    Refused,
    Revocations,
    Signer,
    TrustList,
    Verdict,
    Verifier,
    base45,
    compression,
    cose,
    cwt,
)
from verifier.documents import hcert
from verifier.prefix import unprefixed
from verifier.revocation import (
    HashSet,
    Kind,
    PlainSet,
    country_uci_hash,
    lx1_hash,
    shc_rid_hash,
    signature_hash,
    truncated_hash,
    uci_hash,
)
from verifier.revocation_set import RevocationSet, RevocationSetError

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # SEC 2, section 2.4.2


def published() -> list[dict[str, str]]:
    return json.loads(vectors("revocation/hashes.json").read_text())  # type: ignore[no-any-return]  # JSON


def test_published_hashes() -> None:
    cases = published()
    assert len(cases) == 3
    algorithms = set()
    for case in cases:
        message = cose.decode(compression.inflated(base45.decode(unprefixed(case["barcodeData"]))))
        claims = cwt.decode(message.payload, -260)
        entry = hcert.parse(claims.content).entry
        assert uci_hash(entry.uci).hex() == case["expUCI"]
        assert country_uci_hash(entry.country, entry.uci).hex() == case["expCOUNTRYCODEUCI"]
        assert signature_hash(message).hex() == case["expSIGNATURE"]
        algorithms.add(message.alg)
    assert algorithms == {cose.ES256, cose.PS256}


def judged(text: str, issuer: DemoIssuer, **lists: bytes) -> Verdict:
    return judged_by(
        Revocations(PlainSet(KINDS[name], hashes=frozenset([lists[name]])) for name in lists), text, issuer
    )


def judged_by(revocations: Revocations, text: str, issuer: DemoIssuer) -> Verdict:
    return Verifier(TrustList([Signer.from_der(issuer.certificate_der)]), revocations).verify(
        text, datetime(2026, 6, 1, 12, tzinfo=UTC)
    )


UCI = "URN:UVCI:01:VN:DEMOV0001#A"
KINDS: dict[str, Kind] = {"uci": "uci", "country_uci": "country-uci", "signature": "signature"}


@pytest.mark.parametrize(
    "lists",
    [{"uci": uci_hash(UCI)}, {"country_uci": country_uci_hash("VN", UCI)}],
)
def test_revoked_by_identifier(issuer: DemoIssuer, lists: dict[str, bytes]) -> None:
    refused = judged(issuer.issue(), issuer, **lists)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.REVOKED


def test_country_of_the_entry_and_of_the_issuer_both_count(issuer: DemoIssuer) -> None:
    text = issuer.issue({"co": "LA"})  # the token's issuer stays VN
    for country in ("LA", "VN"):
        assert judged(text, issuer, country_uci=country_uci_hash(country, UCI)).reason is Reason.REVOKED
    assert isinstance(judged(text, issuer, country_uci=country_uci_hash("TH", UCI)), Accepted)


@pytest.mark.parametrize("padding", [" ", "\u00a0", "\u1680", "\x1c"])
@pytest.mark.parametrize("listed", ["as signed", "trimmed"])
def test_a_padded_identifier_is_revoked_whichever_form_is_listed(issuer: DemoIssuer, padding: str, listed: str) -> None:
    signed = f"{UCI}{padding}"
    uci = signed if listed == "as signed" else UCI
    text = issuer.issue({"ci": signed})
    assert judged(text, issuer, uci=uci_hash(uci)).reason is Reason.REVOKED
    assert judged(text, issuer, country_uci=country_uci_hash("VN", uci)).reason is Reason.REVOKED


@pytest.mark.parametrize("country", ["vn", " VN", "VN "])
def test_the_country_counts_in_every_form(issuer: DemoIssuer, country: str) -> None:
    text = issuer.issue({"co": country})
    assert judged(text, issuer, country_uci=country_uci_hash("VN", UCI)).reason is Reason.REVOKED


def test_a_ps256_signature_without_its_leading_zero_is_refused(rsa_issuer: DemoIssuer) -> None:
    payload = cbor2.dumps({1: "VN", 4: 2_000_000_000, -260: {1: {"ver": "1.3.0", "v": [{"ci": UCI, "co": "VN"}]}}})
    parts = next(parts for _ in range(5000) if (parts := rsa_issuer.sign1(payload))[3][0] == 0)
    assert isinstance(judged(hc1(cbor2.dumps(parts)), rsa_issuer), Accepted)
    for signature in (parts[3][1:], b"\0" + parts[3]):
        verdict = judged(hc1(cbor2.dumps([*parts[:3], signature])), rsa_issuer, signature=truncated_hash(parts[3]))
        assert verdict.reason is Reason.BAD_SIGNATURE


def test_other_hashes_revoke_nothing(issuer: DemoIssuer) -> None:
    other = truncated_hash(b"other")
    assert isinstance(judged(issuer.issue(), issuer, uci=other, country_uci=other, signature=other), Accepted)


def test_the_mirrored_signature_is_revoked_too(issuer: DemoIssuer) -> None:
    payload = cbor2.dumps({1: "VN", 4: 2_000_000_000, -260: {1: {"ver": "1.3.0", "v": [{"ci": UCI, "co": "VN"}]}}})
    parts = issuer.sign1(payload)
    r, s = parts[3][:32], int.from_bytes(parts[3][32:], "big")
    mirrored = [*parts[:3], r + (P256_ORDER - s).to_bytes(32, "big")]
    assert isinstance(judged(hc1(cbor2.dumps(mirrored)), issuer), Accepted)
    for form in (parts, mirrored):
        assert judged(hc1(cbor2.dumps(form)), issuer, signature=truncated_hash(r)).reason is Reason.REVOKED


def test_a_ps256_signature_is_hashed_whole(rsa_issuer: DemoIssuer) -> None:
    text = rsa_issuer.issue()
    message = cose.decode(compression.inflated(base45.decode(unprefixed(text))))
    assert judged(text, rsa_issuer, signature=truncated_hash(message.signature)).reason is Reason.REVOKED
    assert isinstance(judged(text, rsa_issuer, signature=truncated_hash(message.signature[:128])), Accepted)


@pytest.mark.parametrize("kind", ["uci", "country-uci", "signature"])
def test_a_set_of_a_signer_is_about_its_passes_only(issuer: DemoIssuer, rsa_issuer: DemoIssuer, kind: Kind) -> None:
    text = issuer.issue()
    r = cose.decode(compression.inflated(base45.decode(unprefixed(text)))).signature[:32]
    value = {"uci": uci_hash(UCI), "country-uci": country_uci_hash("VN", UCI), "signature": truncated_hash(r)}[kind]
    for kid, revoked in ((issuer.kid, True), (b"", True), (rsa_issuer.kid, False), (issuer.kid[:7], False)):
        revocations = Revocations([PlainSet(kind, kid, frozenset([value])), PlainSet(kind, kid)])
        assert (judged_by(revocations, text, issuer).reason is Reason.REVOKED) is revoked


def test_a_kid_that_nobody_signed_is_no_way_around_a_set(issuer: DemoIssuer) -> None:
    """Its key may be listed under two kids (a certificate renewed), of which one has the set."""
    payload = cbor2.dumps({1: "VN", 4: 2_000_000_000, -260: {1: {"ver": "1.3.0", "v": [{"ci": UCI, "co": "VN"}]}}})
    text = hc1(cbor2.dumps(issuer.sign1(payload, protected={1: issuer.alg}, unprotected={4: b"renewed!"})))
    other = Signer.from_der(issuer.certificate_der, cose.Kid(b"renewed!"))
    for hashes, reason in (([uci_hash(UCI)], Reason.REVOKED), ([], Reason.VALID)):
        revocations = Revocations([PlainSet("uci", issuer.kid, frozenset(hashes))])
        verdict = Verifier(TrustList([other]), revocations).verify(text, datetime(2026, 6, 1, 12, tzinfo=UTC))
        assert verdict.reason is reason


def test_sets_of_other_kinds_revoke_nothing(issuer: DemoIssuer) -> None:
    sets = [PlainSet(kind, issuer.kid, frozenset([uci_hash(UCI)])) for kind in ("signature", "lx1", "shc-rid")]
    assert isinstance(judged_by(Revocations(sets), issuer.issue(), issuer), Accepted)


def test_every_set_counts(issuer: DemoIssuer) -> None:
    sets: list[HashSet] = [
        PlainSet("uci", b"", frozenset([truncated_hash(b"other")])),
        RevocationSet(set_bytes([uci_hash(UCI)])),
    ]
    assert judged_by(Revocations(sets), issuer.issue(), issuer).reason is Reason.REVOKED
    assert Revocations(sets).sets == tuple(sets)
    assert [len(each) for each in sets] == [1, 1]


def test_a_damaged_set_lets_nothing_through(issuer: DemoIssuer) -> None:
    file = bytearray(set_bytes([uci_hash(UCI)]))
    file[4096] ^= 1
    with pytest.raises(RevocationSetError):
        judged_by(Revocations([RevocationSet(file)]), issuer.issue(), issuer)


def test_permits_and_health_cards_go_the_same_way() -> None:
    identifier, rid = bytes(range(16)), "AQPCj4wwk6Mt"
    assert lx1_hash(identifier).hex() == "be45cb2605bf36bebde684841a28f0fd"
    assert shc_rid_hash(rid) == truncated_hash(b"AQPCj4wwk6Mt")
    kid = bytes(32)  # as long as a JWK's thumbprint
    revocations = Revocations(
        [
            PlainSet("lx1", b"", frozenset([lx1_hash(identifier)])),
            PlainSet("shc-rid", kid, frozenset([shc_rid_hash(rid)])),
        ]
    )
    assert revocations.revoked("lx1", b"any", [lx1_hash(identifier)])
    assert revocations.revoked("lx1", None, [truncated_hash(b"other"), lx1_hash(identifier)])
    assert revocations.revoked("shc-rid", kid, [shc_rid_hash(rid)])
    assert revocations.revoked("shc-rid", None, [shc_rid_hash(rid)])
    assert not revocations.revoked("shc-rid", b"", [shc_rid_hash(rid)])
    assert not revocations.revoked("shc-rid", kid, [shc_rid_hash(rid[:-1])])


def test_no_hash_is_drawn_where_there_is_no_set() -> None:
    drawn: list[bytes] = []

    def draw() -> Iterator[bytes]:
        drawn.append(b"hash")
        yield b"hash"

    assert not Revocations().revoked("uci", b"kid", draw())
    assert not Revocations([PlainSet("signature")]).revoked("uci", b"kid", draw())
    assert not drawn
    assert not Revocations([PlainSet("uci", b"kid")]).revoked("uci", b"kid", draw())
    assert drawn
