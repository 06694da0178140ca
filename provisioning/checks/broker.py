"""The broker: reached, and does its access list hold? And the certificate with which the device goes there."""

import os
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from firmware.config_sections import BrokerConfig
from firmware.wire import batch_topic
from firmware.wire_device import command_topic, report_topic, status_topic
from firmware.wire_trust import TRUST_TOPIC
from firmware.wiring import SESSION_S
from provisioning.checks import Finding, Patient, fault, ok, skipped, warning
from provisioning.durable import TooLargeError, read_bounded

PROBE_S = 4.0
PROBE_MAX_S = 8.0  # with finding the name, TCP and TLS: together with the camera under 20 s
STRANGERS = ("nobody", "nobody-2")  # devices that are none: the one that this one is not called
RENEW_DAYS = 30  # of 365: renewed by itself well before
FILE_MAX_BYTES = 64 * 1024


def broker(patient: Patient) -> Iterator[Finding]:
    """Connect as the device, and try what it may and what it may not."""
    from drivers.broker.probe import Settings, probe  # noqa: PLC0415 - paho costs 11 MiB

    config, own = patient.known.broker, patient.known.device.name
    if config.key is not None and not os.access(config.key, os.R_OK):
        if not patient.root:
            yield skipped("skip-root")
        else:
            yield skipped("broker-not-enrolled")
        return
    settings = Settings(
        config.host,
        config.port,
        own,
        config.ca,
        config.certificate,
        config.key,
        config.protocol,
        session_s=SESSION_S,  # the uplink's, with what waits in it: looking at the device loses nothing
    )
    other = next(name for name in STRANGERS if name != own)
    may = (f"greengate/v1/{own}/probe", status_topic(own), report_topic(own))
    may_not = (batch_topic(other), status_topic(other), command_topic(own), TRUST_TOPIC)  # two are the centre's
    on_trial = config.ca is None and config.key is None  # not enrolled: nobody is kept from anything
    probed = probe(settings, (*may, *may_not), PROBE_S)
    where = f"{config.host}:{config.port}"
    if probed.fault is not None:
        why = probed.fault if where in probed.fault else f"{where}: {probed.fault}"
        yield warning("broker-away", why=why) if on_trial else fault("broker-fault", why=why)
        return
    yield ok("broker-reached", broker=where)
    if config.ca is None:
        yield warning("broker-plain")
    if "unknown" in probed.answers.values():
        yield skipped("acl-unknown")
        return
    refused = next((topic for topic in may if probed.answers[topic] != "taken"), None)
    yield ok("acl-own") if refused is None else fault("acl-own-refused", topic=refused)
    taken = next((topic for topic in may_not if probed.answers[topic] == "taken"), None)
    if taken is None:
        yield ok("acl-others")
    else:
        yield warning("acl-none") if on_trial else fault("acl-others-taken", topic=taken)


def certificate(patient: Patient) -> Iterator[Finding]:
    """Look at the device's certificate: whose, of which key, from whom, until when."""
    broker = patient.known.broker
    if broker.certificate is None or broker.key is None or broker.ca is None:
        yield warning("certificate-none")
        return
    paths = [patient.at(path) for path in (broker.certificate, broker.key, broker.ca)]
    try:
        pem, key, ca = (read_bounded(path, FILE_MAX_BYTES) for path in paths)
        own, issuer = x509.load_pem_x509_certificate(pem), x509.load_pem_x509_certificate(ca)
        public = load_pem_private_key(key, None).public_key()
    except FileNotFoundError as error:
        yield warning("certificate-missing", file=str(error.filename))
        return
    except (ValueError, TypeError, TooLargeError):
        yield fault("certificate-unreadable", file=", ".join(str(path) for path in paths))
        return
    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if own.public_key().public_bytes(*spki) != public.public_bytes(*spki):
        yield fault("certificate-other-key")
    yield from _issued(own, issuer, patient.known.device.name)
    yield from _rights(paths[1])
    yield _validity(own, patient.clock.now(), broker)


def _issued(own: x509.Certificate, issuer: x509.Certificate, device: str) -> Iterator[Finding]:
    names = own.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    name = str(names[0].value) if names else "-"
    if name != device:
        yield fault("certificate-other-name", name=name, device=device)
    try:
        own.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        yield fault("certificate-other-ca")


def _rights(key: Path) -> Iterator[Finding]:
    if stat.S_IMODE(key.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        yield fault("key-open", file=str(key))


def _validity(own: x509.Certificate, now: datetime, broker: BrokerConfig) -> Finding:
    until = own.not_valid_after_utc
    values = {"until": f"{until:%Y-%m-%d}", "days": (until - now).days, "file": str(broker.certificate)}
    if now > until:
        return fault("certificate-expired", **values)
    if now < own.not_valid_before_utc:
        return fault("certificate-not-yet", since=f"{own.not_valid_before_utc:%Y-%m-%d}")
    return (
        warning("certificate-ends", **values) if (until - now).days < RENEW_DAYS else ok("certificate-good", **values)
    )
