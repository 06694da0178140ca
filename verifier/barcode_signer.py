"""Who signed a code that carries its own certificate: a signer that a country's authority certified for such codes.

Barcode Signers of VDS-NC (ICAO TR VDS-NC; Doc 9303, part 12) stand under the country's signing authority (CSCA), which
also certifies the signers of passports: only the extended key usage tells them apart, so it has to be there.
"""

import hashlib
import warnings
from collections.abc import Iterable
from dataclasses import replace

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from verifier.cose import Kid
from verifier.reasons import Reason, RefusedError
from verifier.signatures import PublicKey
from verifier.trust import Signer, load_certificate

CERTIFICATE_MAX_BYTES = 2048  # ours: one under an RSA key of 4096 bits has 900
_RSA_MIN_BITS, _RSA_MAX_BITS = 2048, 8192  # ours: weak keys are no proof, huge ones hold up the lane
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_VDS_NC = x509.ObjectIdentifier("2.23.136.1.1.14.2")  # extended key usage: signs VDS-NC
_DOCUMENT_TYPES = x509.ObjectIdentifier("2.23.136.1.1.6.2")  # Doc 9303, part 12: of what it signs
_KINDS_BY_TYPE = {b"\x13\x02NT": "test", b"\x13\x02NV": "vaccination"}  # PrintableString: proof of testing, vaccination


def kid_of(der: bytes) -> Kid:
    """Return by what a certificate is called here: the first 8 bytes of its SHA-256."""
    return Kid(hashlib.sha256(der).digest()[:8])


def signers_of(der: bytes, authorities: Iterable[Signer]) -> tuple[Signer, ...]:
    """Return the signer that a certificate is of, once for each authority that issued it; none where none did.

    A signer is within all that its authority's entry allows, in the certificate's validity and the authority's, and
    without a narrower area signs for the authority's own country alone; one of no country, area or issuer for none.

    Raises:
        RefusedError: BAD_ENCODING where it is no certificate, WRONG_KEY_USAGE where an authority did issue it, but not
            to sign such codes.
    """
    certificate, issuer = _certificate(der)
    named = [one for one in authorities if one.subject == issuer and _is_bound(one)]
    issuers = [one for one in named if _is_issued_by(certificate, one.key)]
    if not issuers:
        return ()
    kinds = _kinds(certificate)
    key = _key(certificate)
    return tuple(_signer(certificate, kid_of(der), key, kinds, authority) for authority in issuers)


def _certificate(der: bytes) -> tuple[x509.Certificate, bytes]:
    """Return a certificate, and who issued it (DER).

    Raises: RefusedError (BAD_ENCODING).
    """
    if len(der) > CERTIFICATE_MAX_BYTES:
        raise RefusedError(Reason.BAD_ENCODING, f"a certificate of {len(der)} bytes; at most {CERTIFICATE_MAX_BYTES}")
    try:
        certificate = load_certificate(der)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a name with a part that is shorter or longer than it may be
            return certificate, certificate.issuer.public_bytes()
    except (ValueError, TypeError):  # the latter of a name with a part that is no text
        raise RefusedError(Reason.BAD_ENCODING, "no certificate in it") from None


def _is_bound(authority: Signer) -> bool:
    """Tell whether anything says whom an authority vouches for: one of no country would vouch for all of them."""
    return bool(authority.country or authority.areas or authority.issuers)


def _is_issued_by(certificate: x509.Certificate, key: PublicKey) -> bool:
    """Tell whether a certificate's signature is an authority's, by a hash that is still good."""
    try:
        algorithm, how = certificate.signature_hash_algorithm, certificate.signature_algorithm_parameters
    except (UnsupportedAlgorithm, ValueError):
        return False
    if not isinstance(algorithm, _HASHES):
        return False
    signature, signed = certificate.signature, certificate.tbs_certificate_bytes
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(how, ec.ECDSA):
            key.verify(signature, signed, how)
        elif isinstance(key, rsa.RSAPublicKey) and isinstance(how, padding.PKCS1v15 | padding.PSS):
            if not _RSA_MIN_BITS <= key.key_size <= _RSA_MAX_BITS:
                return False
            key.verify(signature, signed, how, algorithm)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _kinds(certificate: x509.Certificate) -> frozenset[str]:
    """Return the kinds of documents that a certificate of an authority's lets its holder sign.

    Raises: RefusedError (WRONG_KEY_USAGE).
    """
    try:
        extensions = certificate.extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise _misused("its extensions cannot be read") from None
    by_oid = {extension.oid: extension.value for extension in extensions}
    constraints = by_oid.get(x509.BasicConstraints.oid)
    if isinstance(constraints, x509.BasicConstraints) and constraints.ca:
        raise _misused("it is an authority's")
    usage = by_oid.get(x509.KeyUsage.oid)
    if isinstance(usage, x509.KeyUsage) and not usage.digital_signature:
        raise _misused("its key usage is no digital signature")
    purposes = by_oid.get(x509.ExtendedKeyUsage.oid)
    if not isinstance(purposes, x509.ExtendedKeyUsage) or _VDS_NC not in purposes:
        raise _misused("its extended key usage is not that of VDS-NC")
    types = by_oid.get(_DOCUMENT_TYPES)
    if not isinstance(types, x509.UnrecognizedExtension):
        return frozenset(_KINDS_BY_TYPE.values())
    return frozenset(kind for code, kind in _KINDS_BY_TYPE.items() if code in types.value)


def _key(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise _misused("its key is not for ECDSA")
    return key


def _misused(why: str) -> RefusedError:
    return RefusedError(Reason.WRONG_KEY_USAGE, f"the certificate inside signs no VDS-NC: {why}")


def _signer(
    certificate: x509.Certificate, kid: Kid, key: ec.EllipticCurvePublicKey, kinds: frozenset[str], authority: Signer
) -> Signer:
    own = frozenset({authority.country.upper()}) if authority.country else frozenset()  # some have small letters
    return replace(
        authority,
        kid=kid,
        key=key,
        kinds=authority.kinds & kinds,
        not_before=max(authority.not_before, certificate.not_valid_before_utc),
        not_after=min(authority.not_after, certificate.not_valid_after_utc),
        areas=authority.areas or own,
        subject=b"",  # it certifies nobody; and its name may be one that cannot be read
    )
