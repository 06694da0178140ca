"""The AsyncAPI document says of topics, fields and bounds what the code does."""

import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives import serialization

from drivers.broker import connection
from firmware import checkin, wire, wire_device, wire_trust
from firmware.detail_names import DETAILS
from firmware.details import TEXT_MAX_BYTES
from firmware.envelope import is_device_name
from firmware.journal_space import Diagnostic
from firmware.sealing import SEALED_EXTRA_BYTES, Unsealer
from firmware.wiring import SESSION_S
from tests.firmware.rig import DEVICE, Rig
from tests.firmware.wire_messages import PKI
from tests.firmware.wire_vectors import batches, vectors

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "asyncapi.json").read_text("utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
DRAFT_07 = {
    "additionalItems",
    "const",
    "description",
    "enum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
} | {
    *("minItems", "minLength", "minimum", "pattern", "properties", "required", "title", "type"),
}
SENT = {  # by a device: its topic, whether the broker keeps it, and the message's bound
    "batch": (wire.batch_topic, False, wire.MAX_BATCH_BYTES),
    "status": (wire_device.status_topic, True, wire_device.MAX_STATUS_BYTES),
    "report": (wire_device.report_topic, False, wire_device.MAX_REPORT_BYTES),
    "probe": (lambda device: f"greengate/v1/{device}/probe", False, 0),
}
RECEIVED = {
    "ack": (wire.ack_topic, False, wire.MAX_ACK_BYTES),
    "command": (wire_device.command_topic, False, wire_device.MAX_COMMAND_BYTES),
    "trust": (lambda _: wire_trust.TRUST_TOPIC, True, wire_trust.MAX_ANNOUNCEMENT_BYTES),
}
TYPES: dict[str, type | tuple[type, ...]] = {
    "array": list,
    "boolean": bool,
    "integer": int,
    "null": type(None),
    "object": dict,
    "string": (str, bytes),
}


def problem(schema: dict[str, Any], value: Any) -> str | None:  # noqa: ANN401 - whatever was decoded
    """Return which keyword of the schema a value breaks, of those that the document uses."""
    broken = [name for name, holds in _checks(schema, value) if not holds]
    if not broken and isinstance(value, list) and isinstance(schema.get("items"), list):
        parts = [problem(part, one) for part, one in zip(schema["items"], value, strict=False)]
        broken = [f"{place}: {part}" for place, part in enumerate(parts) if part]
    return broken[0] if broken else None


def _checks(schema: dict[str, Any], value: Any) -> Iterator[tuple[str, bool]]:  # noqa: ANN401
    kinds = schema.get("type", [])
    if kinds:
        names = [kinds] if isinstance(kinds, str) else kinds
        yield (
            "type",
            any(isinstance(value, TYPES[name]) for name in names) and (type(value) is bool) <= ("boolean" in names),
        )
    if isinstance(value, str | bytes) and "type" in schema:
        yield "format", isinstance(value, bytes) == (schema.get("format") == "binary")
        yield "minLength", len(value) >= schema.get("minLength", 0)
        yield "maxLength", len(value) <= schema.get("maxLength", len(value))
    if isinstance(value, str):
        yield "pattern", re.search(schema.get("pattern", ""), value) is not None
    if type(value) is int:
        yield "minimum", schema.get("minimum", value) <= value <= schema.get("maximum", value)
    if isinstance(value, list):
        yield "items", schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
    yield "const", schema.get("const", value) == value
    yield "enum", "enum" not in schema or value in schema["enum"]


def items(name: str) -> dict[str, dict[str, Any]]:
    """Return the elements of an array by their titles."""
    schema = SCHEMAS[name]
    assert schema["minItems"] == schema["maxItems"] == len(schema["items"])
    return {item["title"]: item for item in schema["items"]}


def lengths(item: dict[str, Any]) -> tuple[int, int]:
    return item["minLength"], item["maxLength"]


def nodes(node: object) -> Iterator[dict[str, Any]]:
    """Return every object in the document."""
    if isinstance(node, dict):
        yield node
    for below in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(below)


def payload(message: str) -> list[Any]:
    """Return what a vector's envelope holds; that its signature is right, other tests say."""
    return list(cbor2.loads(cbor2.loads(bytes.fromhex(message)).value[2]))


def test_every_reference_leads_somewhere() -> None:
    for node in nodes(DOCUMENT):
        place: Any = DOCUMENT
        for level in node.get("$ref", "#").split("/")[1:]:
            place = place[level]


def test_schemas_are_of_the_draft_that_asyncapi_3_has() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    for schema in nodes(SCHEMAS):
        if schema is not SCHEMAS and "at_ms" not in schema and "version" not in schema:  # names of properties
            assert set(schema) <= DRAFT_07 | set(SCHEMAS)


def test_topics_directions_and_sizes() -> None:
    assert set(DOCUMENT["channels"]) == {*SENT, *RECEIVED} == set(DOCUMENT["components"]["messages"])
    found = {}
    for operation in DOCUMENT["operations"].values():
        name = operation["channel"]["$ref"].rpartition("/")[2]
        found[name] = operation["action"]
        topic, retained, most = (SENT | RECEIVED)[name]
        mqtt = operation["bindings"]["mqtt"]
        assert (mqtt["qos"], mqtt["retain"]) == (1, retained)
        assert DOCUMENT["channels"][name]["address"] == topic("{device}")
        assert DOCUMENT["components"]["messages"][name]["x-max-bytes"] == most
    assert found == dict.fromkeys(SENT, "send") | dict.fromkeys(RECEIVED, "receive")


def test_the_session_and_the_will() -> None:
    mqtt = DOCUMENT["servers"]["broker"]["bindings"]["mqtt"]
    assert (mqtt["sessionExpiryInterval"], mqtt["keepAlive"]) == (SESSION_S, connection.KEEPALIVE_S)
    assert mqtt["maximumPacketSize"] == connection.PACKET_MAX_BYTES
    assert mqtt["lastWill"]["topic"] == wire_device.status_topic("{device}")


def test_fields_and_bounds_of_a_record() -> None:
    record = items("record")
    assert ", ".join(record) == checkin.COLUMNS
    assert [tuple(record[name]["enum"]) for name in ("type", "clock", "direction", "verdict")] == [
        checkin.TYPES,
        checkin.CLOCKS,
        checkin.DIRECTIONS,
        checkin.VERDICTS,
    ]
    assert record["at_ms"]["maximum"] == checkin.MAX_AT_MS
    assert record["lane"]["maxLength"] == checkin.MAX_LANE_BYTES
    assert record["profile"]["maxLength"] == record["reason"]["maxLength"] == checkin.MAX_CODE_CHARS
    assert record["kinds"]["maxLength"] == checkin.MAX_KINDS * (checkin.MAX_KIND_CHARS + 1) - 1
    assert lengths(record["id"]) == lengths(record["about"]) == (checkin.ID_BYTES, checkin.ID_BYTES)
    assert lengths(record["pseudonym"]) == (checkin.PSEUDONYM_BYTES, checkin.PSEUDONYM_BYTES)
    assert lengths(record["details"]) == (1, checkin.MAX_DETAILS_BYTES)
    assert SCHEMAS["records"]["maxItems"] == checkin.FIELDS * wire.MAX_RECORDS
    assert tuple(SCHEMAS["details"]["items"][1]["enum"]) == DETAILS
    assert f"{TEXT_MAX_BYTES} bytes" in SCHEMAS["details"]["items"][2]["description"]


def test_bounds_of_the_other_fields() -> None:
    batch, status = items("batch"), items("status")
    assert batch["first_seq"]["maximum"] == wire.MAX_SEQ - wire.MAX_RECORDS
    assert batch["count"]["maximum"] == wire.MAX_RECORDS
    assert batch["sealed"]["minLength"] == SEALED_EXTRA_BYTES
    assert str(wire.MAX_RECORDS_BYTES) in batch["sealed"]["description"]
    assert items("ack")["up_to"]["maximum"] == status["unsent"]["maximum"] == wire.MAX_SEQ
    assert status["oldest_ms"]["maximum"] == status["trust_ms"]["maximum"] == checkin.MAX_AT_MS
    assert status["fill_permille"]["maximum"] == wire_device.FULL_PERMILLE
    assert status["version of the software"]["maxLength"] == wire_device.MAX_TEXT_CHARS
    assert tuple(items("command")["command"]["enum"]) == wire_device.COMMANDS
    assert items("trust")["version of the timestamp"]["maximum"] == wire.MAX_SEQ
    assert items("trust")["issued_ms"]["maximum"] == checkin.MAX_AT_MS
    assert str(wire_device.MAX_REPORT_JSON_BYTES) in items("report")["sealed"]["description"]


@pytest.mark.parametrize("name", ["gate-1", "x" * 32, "", "x" * 33, "Gate", "centre.main", "gate/1"])
def test_a_device_is_called_so(name: str) -> None:
    assert (problem(items("ack")["device"], name) is None) == is_device_name(name)


def test_the_code_makes_what_the_document_says() -> None:
    made = vectors()
    keys = made["keys"]["seal.batches"].encode()
    private: Any = serialization.load_pem_private_key(keys, None)
    for batch in made["batches"]:
        assert problem(SCHEMAS["batch"], payload(batch["message"])) is None
        assert problem(SCHEMAS["ack"], payload(batch["ack"])) is None
    for name in ("status", "command", "report", "trust"):
        assert problem(SCHEMAS[name], payload(made[name]["message"])) is None
    _, device, at_ms, key, sealed = payload(made["report"]["message"])
    context = b"greengate/v1/report" + cbor2.dumps([1, device, at_ms])
    assert json.loads(zlib.decompress(Unsealer([private]).unseal(key, sealed, context))) == made["report"]["json"]


def test_records_hold_what_the_document_says_and_what_breaks_it_breaks_the_code() -> None:
    rows = [row for batch in batches(PKI).values() for row in batch.rows]
    assert {problem(SCHEMAS["record"], list(row)) for row in rows} == {None}
    wrong: tuple[Any, ...] = (1.5, True, "", "Đ" * 1000, b"", bytes(600), -1, 2**64, [])
    for place, item in enumerate(SCHEMAS["record"]["items"]):
        for value in wrong:
            row: list[Any] = list(rows[0])
            row[place] = value
            if problem(SCHEMAS["record"], row) is not None:
                assert checkin.row_problem(tuple(row)) is not None, item["title"]


def test_a_report_holds_what_the_document_says(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        rig.journal.write_diagnostics([Diagnostic(1, "service-lost", "no-camera")])
        rig.watching.subscribe(wire_device.report_topic(DEVICE))
        rig.order("report")
        message = next(one for one in iter(lambda: rig.watching.receive(0), None) if one.topic.endswith("/report"))
        report = wire_device.decode_report(message.payload, PKI.authority, PKI.unsealer(), rig.clock.now())
    content, reported = json.loads(report.json), SCHEMAS["reported"]
    assert list(content) == list(reported["properties"]) == reported["required"]
    assert list(content["diagnostics"][0]) == reported["properties"]["diagnostics"]["items"]["required"]
