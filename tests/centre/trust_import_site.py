"""What trust is imported from, made for tests: certificates, JSON Web Keys, signed lists, DID documents."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import typer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner, Result

from centre.trust.home import TrustHome
from centre.trust.import_commands import add_key, remove_key, revoke
from tests.simulators.ecdsa import base64url
from verifier.signers import encode_signers

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
ISSUER = "https://health.example.org/smart"
DID = "did:web:nzcp.example.nz"

app = typer.Typer()
app.command("add-key")(add_key)
app.command("remove-key")(remove_key)
app.command("revoke")(revoke)


def new_key(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve or ec.SECP256R1())


def certificate(key: Any = None, name: str = "DSC 1", country: str = "VN") -> bytes:  # noqa: ANN401 - any kind of key
    """Return a self-signed certificate, DER; its country may be no code."""
    key = key or new_key()
    of = x509.NameAttribute(NameOID.COUNTRY_NAME, country, _validate=False)
    subject = x509.Name([of, x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=365))
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(Encoding.DER)


def pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def jwk(key: ec.EllipticCurvePrivateKey, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON has it
    """Return the public JWK of a key as an issuer of health cards publishes it."""
    numbers = key.public_key().public_numbers()
    x, y = (base64url(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    thumbprint = hashlib.sha256(f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'.encode()).digest()
    public = {"kty": "EC", "kid": base64url(thumbprint), "use": "sig", "alg": "ES256", "crv": "P-256", "x": x, "y": y}
    return public | more


def jwk_set(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def did_document(*keys: ec.EllipticCurvePrivateKey, **more: Any) -> bytes:  # noqa: ANN401 - as JSON has it
    """Return a document whose keys are key-1, key-2, ...; all may make assertions."""
    names = [f"{DID}#key-{number}" for number in range(1, len(keys) + 1)]
    methods = [
        {"id": name, "controller": DID, "type": "JsonWebKey2020", "publicKeyJwk": jwk(key)}
        for name, key in zip(names, keys, strict=True)
    ]
    return json.dumps({"id": DID, "verificationMethod": methods, "assertionMethod": names} | more).encode()


def signed_list(key: ec.EllipticCurvePrivateKey, *entries: dict[str, str]) -> tuple[bytes, bytes]:
    """Return a signed list, and the public key to check it with."""
    body = json.dumps({"certificates": entries}).encode()
    r, s = decode_dss_signature(key.sign(body, ec.ECDSA(hashes.SHA256())))
    line = base64.b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return line + b"\n" + body, public


def listed(der: bytes, country: str = "VN") -> dict[str, str]:
    kid = base64.b64encode(hashlib.sha256(der).digest()[:8]).decode()
    return {"certificateType": "DSC", "country": country, "kid": kid, "rawData": base64.b64encode(der).decode()}


def trust_home(folder: Path) -> TrustHome:
    """Return a home with an empty draft."""
    home = TrustHome(folder / "home")
    home.draft.mkdir(parents=True)
    home.repo.mkdir()
    (home.repo / "root.json").write_bytes(b"{}")
    (home.draft / "signers.json").write_bytes(encode_signers([]))
    return home


def run(home: TrustHome, *arguments: str | Path) -> Result:
    command, *others = map(str, arguments)
    return CliRunner().invoke(app, [command, "--home", str(home.home), "--json", *others])


def results(done: Result) -> list[dict[str, Any]]:
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def refused(done: Result, code: int, why: str) -> None:
    """Check that a command said in one line what is wrong."""
    assert done.exit_code == code, done.output
    assert why in done.stderr
    assert done.stderr.count("\n") == 1
    assert json.loads(done.stdout.splitlines()[-1])["error"] == done.stderr.strip()


def written(folder: Path, name: str, data: bytes) -> Path:
    """Return a file that holds this."""
    path = folder / name
    path.write_bytes(data)
    return path
