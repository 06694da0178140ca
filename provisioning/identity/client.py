"""The centre's enrolment service over HTTPS: bounded in size and time; no redirects, no proxies, one CA.

Every answer of the centre is judged here; what a method returns has the documented form.
"""

import contextlib
import http.client
import queue
import re
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

import msgspec

from provisioning.exits import Exit

PORT = 8443
ANSWER_MAX_BYTES = 16 * 1024  # as the service's own requests
WAIT_S = 10.0  # for each read, write and connection
WHOLE_S = 30.0  # for one request and its answer: a peer that drips holds nobody up
REFUSALS = frozenset({
    "code-wrong", "code-used", "code-expired", "code-of-another-device", "csr-bad", "device-unknown",
    "certificate-revoked", "request-bad",
})  # fmt: skip
_URL = re.compile(r"(?:https://)?(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]{1,253}))(?::([0-9]{1,5}))?/?")
_SERVER_ERROR = 500
_OK = 200
_PORT_MAX = 65535

T = TypeVar("T")


class CentreError(Exception):
    """Why the centre gave nothing: a code of the words, its values, and the exit code."""

    def __init__(self, exit_: Exit, code: str, **values: object) -> None:
        super().__init__(code)
        self.exit = exit_
        self.code = code
        self.values = values


class Address(NamedTuple):
    """Where the service is."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """Return it as it is shown and kept."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}"


class Settings(msgspec.Struct, frozen=True):
    """What the centre knows of a device."""

    site: str | None = None
    lane: str | None = None
    direction: Literal["in", "out"] | None = None
    broker_host: str | None = None
    broker_port: int | None = None


class Enrolled(msgspec.Struct, frozen=True):
    """The answer to an enrolment or a renewal; texts in PEM. `centre` is what to seal to."""

    certificate: str
    ca: str
    centre: str = ""
    settings: Settings = Settings()


class _Retired(msgspec.Struct, frozen=True):
    retired: bool


class _Why(msgspec.Struct, frozen=True):
    code: str
    message: str = ""


class _Refused(msgspec.Struct, frozen=True):
    error: _Why


class _Request(NamedTuple):
    method: str
    path: str
    body: bytes


def parse_address(text: str) -> Address | None:
    """Return the address in a URL (`https://HOST[:PORT]`, or without `https://`); None where it is none."""
    found = _URL.fullmatch(text.strip())
    if found is None:
        return None
    port = int(found[3] or PORT)
    return Address(found[1] or found[2], port) if 0 < port <= _PORT_MAX else None


class Centre:
    """The service at an address. Every method raises CentreError."""

    def __init__(self, address: Address, ca: bytes | None = None, identity: Path | None = None) -> None:
        """Speak with an address, trusting a CA (PEM) alone; `identity`: the folder with device.pem and device.key."""
        self._address = address
        self._ca = ca
        self._identity = identity

    def ca_certificate(self) -> bytes:
        """Return what is said to be the CA's certificate, from a peer that nobody has verified."""
        unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        unverified.check_hostname = False
        unverified.verify_mode = ssl.CERT_NONE  # the caller compares the certificate with the pinned fingerprint
        status, body = self._exchange(unverified, _Request("GET", "/ca.pem", b""))
        if status != _OK:
            raise self._refused(status, body)
        return body

    def enrol(self, device: str, code: str, csr: bytes) -> Enrolled:
        """Have a first certificate issued for a one-time code."""
        return self._post("/v1/enrol", {"device": device, "code": code, "csr": csr.decode("ascii")}, Enrolled)

    def renew(self, csr: bytes) -> Enrolled:
        """Have another certificate issued for the present one."""
        return self._post("/v1/renew", {"csr": csr.decode("ascii")}, Enrolled)

    def centre_keys(self) -> bytes:
        """Return what the centre says is to be sealed to."""
        status, body = self._exchange(self._verified(), _Request("GET", "/centre.pem", b""))
        if status != _OK:
            raise self._refused(status, body)
        return body

    def retire(self) -> None:
        """Say that this device is no more."""
        if not self._post("/v1/retire", {}, _Retired).retired:
            raise self._strange()

    def _post(self, path: str, body: dict[str, str], kind: type[T]) -> T:
        status, answer = self._exchange(self._verified(), _Request("POST", path, msgspec.json.encode(body)))
        if status != _OK:
            raise self._refused(status, answer)
        try:
            return msgspec.json.decode(answer, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise self._strange() from None

    def _verified(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies the peer's certificate and name
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_verify_locations(cadata=(self._ca or b"").decode("ascii"))
            if self._identity is not None:
                context.load_cert_chain(self._identity / "device.pem", self._identity / "device.key")
        except (ssl.SSLError, OSError, ValueError):
            raise CentreError(Exit.CONFIG, "identity-damaged") from None
        return context

    def _exchange(self, context: ssl.SSLContext, request: _Request) -> tuple[int, bytes]:
        """Return status and body; looking up the name, connecting, all of it within `WHOLE_S`."""
        try:
            status, body, whole = _within(WHOLE_S, lambda: _answer(self._address, context, request))
        except ssl.SSLCertVerificationError as error:
            raise self._not_verified(error) from None
        except ssl.SSLError as error:
            raise CentreError(Exit.DATA, "centre-tls", url=self._address.url, why=error.reason or "TLS") from None
        except (OSError, http.client.HTTPException) as error:
            raise self._away(error) from None
        if len(body) > ANSWER_MAX_BYTES:
            raise self._strange()
        if not whole:
            raise self._away(ConnectionError())
        return status, body

    def _refused(self, status: int, body: bytes) -> CentreError:
        try:
            why = msgspec.json.decode(body, type=_Refused).error
        except (msgspec.MsgspecError, UnicodeDecodeError):
            why = _Why("")
        if why.code in REFUSALS:
            return CentreError(Exit.DATA, why.code, url=self._address.url)
        if why.code == "busy" or status >= _SERVER_ERROR:
            return CentreError(Exit.TRY_AGAIN, "centre-busy", url=self._address.url, status=status)
        return self._strange()

    def _not_verified(self, error: ssl.SSLCertVerificationError) -> CentreError:
        clock = error.verify_code in {9, 10}  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
        if clock:
            return CentreError(Exit.TRY_AGAIN, "centre-clock", url=self._address.url)
        return CentreError(Exit.DATA, "centre-not-verified", url=self._address.url, why=error.verify_message)

    def _away(self, error: Exception) -> CentreError:
        why = "timeout" if isinstance(error, TimeoutError) else getattr(error, "strerror", None) or type(error).__name__
        return CentreError(Exit.TRY_AGAIN, "centre-away", url=self._address.url, why=why)

    def _strange(self) -> CentreError:
        return CentreError(Exit.DATA, "centre-strange", url=self._address.url)


def _answer(address: Address, context: ssl.SSLContext, request: _Request) -> tuple[int, bytes, bool]:
    """Return an answer's status, its body up to a byte over the bound, and whether that is all of it."""
    connection = http.client.HTTPSConnection(*address, timeout=WAIT_S, context=context)
    with contextlib.closing(connection):
        headers = {"Content-Type": "application/json"} if request.body else {}
        connection.request(request.method, request.path, request.body or None, headers)
        answer = connection.getresponse()
        body = answer.read(ANSWER_MAX_BYTES + 1)
        return answer.status, body, answer.isclosed() or answer.length in {0, None}


def _within(seconds: float, action: Callable[[], T]) -> T:
    """Return what an action returns, or raise what it raises. Raises: TimeoutError where it takes too long."""
    ended: queue.SimpleQueue[T | Exception] = queue.SimpleQueue()

    def act() -> None:
        try:
            ended.put(action())
        except Exception as error:  # noqa: BLE001 - raised again below, by whoever waits
            ended.put(error)

    threading.Thread(target=act, daemon=True).start()  # one that hangs ends with the command
    try:
        result = ended.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(result, Exception):
        raise result
    return result
