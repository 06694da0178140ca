"""The enrolment service's HTTP: `GET /ca.pem`, `/centre.pem`, `POST /v1/enrol`, `/v1/renew`, `/v1/retire`.

JSON, bounded. All decisions are `Enrolment`'s. They run in one thread of their own, so that a slow disk stops no
connection, and no two of them meet.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
from cryptography import x509
from msgspec import Meta
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from centre.authority.ca import CaError
from centre.authority.profile import serial_of
from centre.authority.request import REQUEST_MAX_BYTES
from centre.collecting.events import Event
from centre.devices.codes import TYPED_MAX_CHARS
from centre.devices.registry import RegistryError
from centre.enrolment.enrolment import Enrolment, EnrolmentError, Issued
from centre.enrolment.events import CentreFailed, ErrorCode, Refused
from centre.enrolment.limits import Buckets, Limits, Rate, site_of

BODY_MAX_BYTES = 16 * 1024  # of the interface; a request has under 1 KiB
BUSY_TOLD = Rate(1, 1 / 60)  # ours: that an address asks too often is told once a minute
RETRY_AFTER_S = 10  # ours: told to who is asked to come again
NAME_PATTERN = r"\A[a-z0-9-]{1,32}\Z"
_STATUS: dict[ErrorCode, int] = {"device-unknown": 404, "busy": 429, "request-bad": 400, "csr-bad": 400}
_FORBIDDEN = 403
_PEM = "application/x-pem-file"
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

T = TypeVar("T")
Csr = Annotated[str, Meta(max_length=REQUEST_MAX_BYTES)]


class EnrolBody(msgspec.Struct, frozen=True):
    """What a device sends to enrol; what else is in it is left alone."""

    device: Annotated[str, Meta(pattern=NAME_PATTERN)]
    code: Annotated[str, Meta(max_length=TYPED_MAX_CHARS)]
    csr: Csr


class RenewBody(msgspec.Struct, frozen=True):
    """What a device sends to renew."""

    csr: Csr


class RetireBody(msgspec.Struct, frozen=True):
    """What a device sends when it is no more: nothing yet."""


class BrokerAddress(NamedTuple):
    """Where devices find the broker, as far as the centre is told."""

    host: str | None = None
    port: int | None = None


class Worker:
    """One thread in which the decisions are made, one after the other."""

    def __init__(self) -> None:
        """Begin."""
        self._pool = ThreadPoolExecutor(1, "enrolment")

    async def do(self, action: Callable[[], T]) -> T:
        """Return what an action gives, in its turn."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, action)

    def close(self) -> None:
        """Wait for what runs, and end."""
        self._pool.shutdown()


class Service:
    """The routes, and what they answer."""

    def __init__(
        self,
        enrolment: Enrolment,
        ca_pem: str,
        broker: BrokerAddress,
        *,
        centre_keys: Callable[[], str],
        worker: Worker,
        report: Callable[[Event], None],
        now: Callable[[], datetime],
        limits: Limits | None = None,
    ) -> None:
        """Answer for an enrolment; `centre_keys` returns the certificates to seal to (PEM), or raises CaError."""
        self._enrolment = enrolment
        self._ca_pem = ca_pem
        self._centre_keys = centre_keys
        self._broker = broker
        self._worker = worker
        self._report = report
        self._now = now
        limits = limits or Limits()
        self._requests, self._refusals, self._renewals = map(Buckets, limits)
        self._told = Buckets(BUSY_TOLD)

    def app(self) -> Starlette:
        """Return the application."""
        return Starlette(
            routes=[
                Route("/ca.pem", self._guarded(self._ca), methods=["GET"]),
                Route("/centre.pem", self._guarded(self._keys), methods=["GET"]),
                Route("/v1/enrol", self._guarded(self._enrol), methods=["POST"]),
                Route("/v1/renew", self._guarded(self._renew), methods=["POST"]),
                Route("/v1/retire", self._guarded(self._retire), methods=["POST"]),
            ],
            exception_handlers={404: _no_such_path, 405: _no_such_path, Exception: self._broken},
        )

    def _guarded(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """Return an answer that is bounded, and whose every refusal is told in the interface's form."""

        async def guarded(request: Request) -> Response:
            request.state.device = ""
            try:
                self._count(self._requests, site_of(_address(request)))
                return await answer(request)
            except EnrolmentError as error:
                self._report_refused(error, request)
                return _error(error.code, str(error))
            except (CaError, RegistryError) as error:
                self._report(CentreFailed(str(error)))
                return _error("busy", "the centre cannot do this now: try again later", 503)
            except ClientDisconnect:
                return Response(status_code=400)

        return guarded

    async def _ca(self, _request: Request) -> Response:
        return Response(self._ca_pem, headers=_HEADERS, media_type=_PEM)

    async def _keys(self, _request: Request) -> Response:
        return Response(self._centre_keys(), headers=_HEADERS, media_type=_PEM)

    async def _enrol(self, request: Request) -> Response:
        body = await _body(request, EnrolBody)
        request.state.device = body.device
        try:
            issued = await self._worker.do(
                lambda: self._enrolment.enrol(body.device, body.code, body.csr.encode(), self._now())
            )
        except EnrolmentError:
            self._count(self._refusals, body.device)  # the right code is never counted: nobody can lock a device out
            raise
        return _json(self._certificate(issued) | {"settings": self._settings(issued)})

    async def _renew(self, request: Request) -> Response:
        serial, name = _shown(request)
        request.state.device = name
        body = await _body(request, RenewBody)
        self._count(self._renewals, name)
        return _json(
            self._certificate(
                await self._worker.do(lambda: self._enrolment.renew(serial, body.csr.encode(), self._now()))
            )
        )

    async def _retire(self, request: Request) -> Response:
        serial, name = _shown(request)
        request.state.device = name
        await _body(request, RetireBody)
        self._count(self._renewals, name)
        await self._worker.do(lambda: self._enrolment.retire(serial, self._now()))
        return _json({"retired": True})

    async def _broken(self, _request: Request, error: Exception) -> Response:
        self._report(CentreFailed(f"internal: {type(error).__name__}"))  # not its text, which may hold a request's
        return _error("busy", "the centre cannot do this now: try again later", 500)

    def _report_refused(self, error: EnrolmentError, request: Request) -> None:
        address = _address(request)
        if error.code != "busy" or self._told.take(site_of(address), time.monotonic()):  # a flood fills no log
            self._report(Refused(error.code, str(error), request.state.device, address))

    def _count(self, buckets: Buckets, name: str) -> None:
        if not buckets.take(name, time.monotonic()):
            raise EnrolmentError("busy", "too many requests from this address or for this device: try again later")

    def _certificate(self, issued: Issued) -> dict[str, Any]:
        return {"certificate": issued.certificate.pem, "ca": self._ca_pem, "centre": self._centre_keys()}

    def _settings(self, issued: Issued) -> dict[str, Any]:
        device, broker = issued.device, self._broker
        known = {"site": device.site, "lane": device.lane, "direction": device.direction}
        return known | {"broker_host": broker.host, "broker_port": broker.port}


async def _body(request: Request, kind: type[T]) -> T:
    """Return the body of a request, read no further than it may be long."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > BODY_MAX_BYTES:
            raise EnrolmentError("request-bad", f"the request has over {BODY_MAX_BYTES} bytes")
    try:
        return msgspec.json.decode(bytes(data), type=kind)
    except (ValueError, RecursionError) as error:  # of JSON, of UTF-8, of msgspec; it names fields, not values
        why = str(error) if isinstance(error, msgspec.ValidationError) else "not JSON"
        raise EnrolmentError("request-bad", f"the request cannot be read: {why}") from None


def _shown(request: Request) -> tuple[str, str]:
    """Return serial number and name of the certificate that the device showed; TLS has checked it against the CA."""
    der: bytes | None = request.scope.get("state", {}).get("certificate")
    if der is None:
        raise EnrolmentError("request-bad", "show the device's certificate in TLS")
    certificate = x509.load_der_x509_certificate(der)
    names = certificate.subject.rfc4514_string().removeprefix("CN=")
    return serial_of(certificate), names


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _json(content: dict[str, Any], status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, _HEADERS, "application/json")


def _error(code: ErrorCode, message: str, status: int | None = None) -> Response:
    answer = _json({"error": {"code": code, "message": message}}, status or _STATUS.get(code, _FORBIDDEN))
    if code == "busy":
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    answer.headers["Connection"] = "close"  # also of a body that was not read to its end
    return answer


async def _no_such_path(_request: Request, error: Exception) -> Response:
    return _error("request-bad", "no such path or method", getattr(error, "status_code", 404))
