"""Status, commands and reports on the wire."""

import json
import zlib

import pytest

from firmware.envelope import SignatureError
from firmware.wire import VERSION
from firmware.wire_cbor import WireError, dumps
from firmware.wire_device import (
    MAX_REPORT_JSON_BYTES,
    Order,
    Report,
    Status,
    _report_context,
    command_topic,
    decode_order,
    decode_report,
    decode_status,
    encode_order,
    encode_report,
    encode_status,
    parse_topic,
    report_topic,
    status_topic,
)
from tests.firmware.wire_messages import CENTRE, DEVICE, PKI
from tests.firmware.wire_vectors import FILE
from tests.pki import NOW, Pki

AUTHORITY = PKI.authority
STATUS = Status("gate-1", 5, online=True, unsent=7, oldest_ms=3, fill_permille=12, version="0.1.0", trust_ms=2)
ORDER = Order("gate-1", bytes(16), 5, "identify")
REPORT = Report("gate-1", 5, b'{"unsent": 7}')


def test_they_come_back_as_they_were() -> None:
    assert decode_status(encode_status(STATUS, DEVICE), AUTHORITY, NOW) == STATUS
    assert decode_order(encode_order(ORDER, CENTRE), AUTHORITY, NOW) == ORDER
    message = encode_report(REPORT, DEVICE, PKI.recipient())
    assert REPORT.json not in message
    assert decode_report(message, AUTHORITY, PKI.unsealer(), NOW) == REPORT


def test_only_the_centre_commands_and_only_the_device_speaks_for_itself() -> None:
    for signer in (DEVICE, PKI.signer("centre"), Pki().signer("centre.main")):
        with pytest.raises(SignatureError):
            decode_order(encode_order(ORDER, signer), AUTHORITY, NOW)
    for signer in (CENTRE, PKI.signer("gate-2")):
        with pytest.raises(SignatureError):
            decode_status(encode_status(STATUS, signer), AUTHORITY, NOW)
        with pytest.raises(SignatureError):
            decode_report(encode_report(REPORT, signer, PKI.recipient()), AUTHORITY, PKI.unsealer(), NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"at_ms": -1},
        {"at_ms": 2**48},
        {"unsent": -1},
        {"oldest_ms": -1},
        {"fill_permille": 1001},
        {"version": "x" * 65},
        {"version": "\x1b[2J"},
        {"trust_ms": -1},
        {"trust_ms": 2**48},
    ],
)
def test_a_status_out_of_bounds_cannot_be_made(wrong: dict[str, object]) -> None:
    with pytest.raises(WireError):
        Status(**({"device": "gate-1", "at_ms": 1, "online": True} | wrong))  # type: ignore[arg-type]


@pytest.mark.parametrize("command", ["", "shell", "sync-now; reboot", "SYNC-NOW"])
def test_there_are_three_commands(command: str) -> None:
    with pytest.raises(WireError, match="unknown"):
        Order("gate-1", bytes(16), 1, command)  # type: ignore[arg-type]
    with pytest.raises(WireError):
        Order("gate-1", b"short", 1, "report")


def test_a_report_is_bounded_on_both_ends() -> None:
    with pytest.raises(WireError, match="too long"):
        encode_report(Report("gate-1", 5, bytes(MAX_REPORT_JSON_BYTES + 1)), DEVICE, PKI.recipient())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"no zlib", "cannot be inflated"),
        (zlib.compress(b"{}")[:-1], "cut short"),
        (zlib.compress(b"{}") + b"{}", "more follows"),
        (zlib.compress(bytes(MAX_REPORT_JSON_BYTES + 1)), "too long"),
    ],
)
def test_a_report_that_is_not_as_written_is_refused(content: bytes, why: str) -> None:
    recipient = PKI.recipient()
    sealed = recipient.seal(content, _report_context("gate-1", 5))
    payload = dumps([VERSION, "gate-1", 5, recipient.key_id, sealed])
    with pytest.raises(WireError, match=why):
        decode_report(DEVICE.sign("report", payload), AUTHORITY, PKI.unsealer(), NOW)


def test_topics() -> None:
    for topic, last in ((status_topic, "status"), (command_topic, "command"), (report_topic, "report")):
        assert parse_topic(topic("gate-1")) == ("gate-1", last)
    for strange in ("", "greengate/v1/Gate/status", "greengate/v1/a/b/c", "x/greengate/v1/a/status"):
        with pytest.raises(WireError):
            parse_topic(strange)


def test_the_vectors_in_docs_are_what_this_code_reads() -> None:
    vectors = json.loads(FILE.read_text("utf-8"))
    from cryptography import x509  # noqa: PLC0415 - keys of the file's own
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    from firmware.envelope import Authority  # noqa: PLC0415
    from firmware.sealing import Unsealer  # noqa: PLC0415

    keys = {name: text.encode() for name, text in vectors["keys"].items()}
    authority = Authority([x509.load_pem_x509_certificate(keys["authority"])])
    private = serialization.load_pem_private_key(keys["seal.batches"], None)
    status = decode_status(bytes.fromhex(vectors["status"]["message"]), authority, NOW)
    assert {name: getattr(status, name) for name in vectors["status"] if name != "message"} == {
        name: value for name, value in vectors["status"].items() if name != "message"
    }
    order = decode_order(bytes.fromhex(vectors["command"]["message"]), authority, NOW)
    assert (order.command, order.id.hex()) == (vectors["command"]["command"], vectors["command"]["id"])
    report = decode_report(bytes.fromhex(vectors["report"]["message"]), authority, Unsealer([private]), NOW)  # type: ignore[list-item]
    assert json.loads(report.json) == vectors["report"]["json"]
