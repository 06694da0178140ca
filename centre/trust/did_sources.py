"""Signers from a DID document (W3C DID core 1.0; NZ COVID Pass: did:web): the keys that may make assertions."""

import re
from typing import Any

import msgspec

from centre.trust.importing import TrustImportError, decode_json, shown
from centre.trust.jwk_sources import KEYS_MAX, public_jwk, refuse_private
from centre.trust.signer_entries import Found, Scope
from verifier.signers import SignerEntry

_DID_WEB = re.compile(r"did:web:[A-Za-z0-9._%:-]{1,160}")
_FRAGMENT = re.compile(r"[A-Za-z0-9._~-]{1,32}")  # the kid of a pass, at most as long as any kid


class _Method(msgspec.Struct):
    id: str
    type: str
    controller: str
    publicKeyJwk: dict[str, Any] | None = None  # noqa: N815 - the document's own name


class _Document(msgspec.Struct):
    id: str
    verificationMethod: list[_Method] = []  # noqa: N815 - the document's own name
    assertionMethod: list[str | _Method] = []  # noqa: N815 - the document's own name


def did_document(data: bytes, scope: Scope) -> Found:
    """Return the signers of a document: kid is the name behind `#`, the issuer is its DID.

    Raises: TrustImportError where it is no such document, has a private key in it, or is said to be another's.
    """
    document = decode_json(data, _Document, "no DID document")
    did = document.id
    if not _DID_WEB.fullmatch(did):
        raise TrustImportError(f"{shown(did)}: only did:web documents are taken")
    if scope.issuers not in {(), (did,)}:
        raise TrustImportError(f"it is {did}'s, not --issuer's: leave that out")
    methods = [*document.verificationMethod, *(one for one in document.assertionMethod if isinstance(one, _Method))]
    if len(methods) > KEYS_MAX:
        raise TrustImportError(f"over {KEYS_MAX} keys: is it the right file?")
    for method in methods:
        refuse_private(method.publicKeyJwk or {})
    may_assert = {_absolute(one.id if isinstance(one, _Method) else one, did) for one in document.assertionMethod}
    entries: list[SignerEntry] = []
    left_out: list[str] = []
    for method in methods:
        try:
            entries.append(_signer(method, did, may_assert, scope))
        except TrustImportError as error:
            left_out.append(f"{shown(method.id)}: {error}")
    return Found(tuple(entries), _source(did), tuple(left_out))


def _signer(method: _Method, did: str, may_assert: set[str], scope: Scope) -> SignerEntry:
    name = _absolute(method.id, did)
    owner, _, kid = name.partition("#")
    if owner != did or method.controller != did:
        raise TrustImportError("another's key")
    if name not in may_assert:
        raise TrustImportError("not among assertionMethod: it may not sign passes")
    if not _FRAGMENT.fullmatch(kid):
        raise TrustImportError("its name behind # is no key identifier")
    if method.type != "JsonWebKey2020" or method.publicKeyJwk is None:
        raise TrustImportError("no JsonWebKey2020 with publicKeyJwk")
    jwk = public_jwk(method.publicKeyJwk)
    return scope.entry("nzcp", kid.encode(), jwk=jwk, issuers=(did,), name=_source(did))


def _absolute(name: str, did: str) -> str:
    """Return a key's whole name; within the document it may begin with #."""
    return did + name if name.startswith("#") else name


def _source(did: str) -> str:
    return f"DID document of {did}"
