"""What holds of every signed format: a key signs passes of its own alone, and a verdict in a log names nobody."""

from dataclasses import replace
from datetime import datetime

import pytest

from provisioning.issuer import DemoIssuer
from tests.mutations_kinds import KINDS, Kind
from tests.simulators.identity import MAKERS, PERSON
from verifier import Accepted, Revocations, Signer, TrustList, Verifier
from verifier.formats import FORMATS
from verifier.reasons import Reason


def kind_of(format_: str, at: datetime) -> Kind:
    if format_ != "hcert":
        return KINDS[format_](at)
    issuer = DemoIssuer(at)
    signers = (Signer.from_der(issuer.certificate_der),)
    return Kind(tuple(issuer.issue(kind=kind) for kind in "vtr"), signers, lambda _seed, _count: iter(()))


@pytest.mark.parametrize("format_", FORMATS)
def test_a_key_signs_passes_of_its_own_format_alone(format_: str, at: datetime) -> None:
    kind = kind_of(format_, at)
    elsewhere = [replace(one, format=other) for one in kind.signers for other in FORMATS if other != format_]
    verifier = Verifier(TrustList(elsewhere), Revocations())
    assert {verifier.verify(text, at).reason for text in kind.good} == {Reason.UNKNOWN_ISSUER}


@pytest.mark.parametrize("format_", FORMATS)
def test_a_verdict_names_nobody_where_it_is_shown(format_: str, at: datetime) -> None:
    kind = kind_of(format_, at)
    refusing = Verifier(TrustList(replace(one, kinds=frozenset()) for one in kind.signers), Revocations())
    for text in kind.good:
        good, bad = Verifier(TrustList(kind.signers), Revocations()).verify(text, at), refusing.verify(text, at)
        assert isinstance(good, Accepted)
        assert bad.document == good.document
        if (holder := good.document.holder) is not None:
            names = (holder.family, holder.given, holder.family_standard, holder.given_standard, holder.birth_date)
            told = f"{good!r} {bad!r}"
            assert not [name for name in names if name and name in told]


@pytest.mark.parametrize("variant", MAKERS)
def test_an_identity_code_names_nobody_where_it_is_shown(variant: str, at: datetime) -> None:
    verdict = Verifier(TrustList(), Revocations()).verify(MAKERS[variant][1](PERSON), at)
    assert verdict.reason == Reason.UNSIGNED
    assert verdict.document is not None
    assert verdict.document.holder is not None
    told = f"{verdict!r} {verdict.document!r}"
    assert verdict.document.holder.given not in told
    assert verdict.document.holder.birth_date not in told
