"""What docs/formats/lx1.md says of LX1 is what the code does."""

import json
import re
from collections.abc import Iterator

import pytest

from bench.permits import CLAIMS_MAX_BYTES
from tests.simulators.lx1 import KIND_NAMES, message_of
from tests.verifier.lx1_vectors import FILE
from verifier.documents import lx1
from verifier.documents.lx1_fields import EPOCH_MAX_S, HOLDER, Fields
from verifier.documents.lx1_kinds import KINDS
from verifier.revocation import lx1_hash

TEXT = FILE.with_name("lx1.md").read_text(encoding="utf-8")
VECTOR = json.loads(FILE.read_text(encoding="utf-8"))["vectors"][0]
_ROW = re.compile(r"\| (-?\d+) \| [^|]+ \| (required|optional) \| ")


def rows(heading: str) -> Iterator[tuple[int, bool]]:
    """Give number and whether it is optional, of the fields in the table below a heading."""
    _, _, below = TEXT.partition(f"\n{heading}\n\n")
    assert below, heading
    for line in below.partition("\n\n")[0].splitlines()[2:]:
        row = _ROW.match(line)
        assert row, line
        yield int(row[1]), row[2] == "optional"


def known(fields: Fields) -> set[tuple[int, bool]]:
    return {(number, field.optional) for number, field in fields.items()}


@pytest.mark.parametrize("number", range(len(KINDS)), ids=KIND_NAMES)
def test_the_fields_of_a_kind_are_those_that_are_read(number: int) -> None:
    assert set(rows(f"Kind {number}, {KIND_NAMES[number]}:")) == known(KINDS[number].fields)
    assert KINDS[number].entry.kind == KIND_NAMES[number]


def test_the_holder_s_fields_are_those_that_are_read() -> None:
    assert set(rows("The holder, a map:")) == known(HOLDER)


def test_the_claims_are_those_that_are_read() -> None:
    found = set(rows("Its keys, exactly:"))
    assert found == {(1, False), (4, False), (5, True), (6, False), (7, False), (-65537, False)}


def test_bounds_are_those_that_are_kept() -> None:
    assert f"A map of at most {lx1.PAYLOAD_MAX_BYTES} bytes" in TEXT
    assert f"1 to {lx1.ISSUER_MAX_BYTES} bytes: an ISO" in TEXT
    assert f"from 0 to {EPOCH_MAX_S} " in TEXT
    assert f"which are {CLAIMS_MAX_BYTES} bytes of claims" in TEXT


def test_the_example_is_the_first_vector() -> None:
    assert f"The vector `{VECTOR['name']}`; {len(VECTOR['text'])} characters" in TEXT
    text, message = re.findall(r"^```\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert text.replace("\n", "") == VECTOR["text"]
    hexadecimal = "".join(re.match(r"(?:[0-9a-f]{2} ?)+", line)[0] for line in message.splitlines())  # type: ignore[index]  # every line has some
    assert bytes.fromhex(hexadecimal) == message_of(VECTOR["text"])
    assert f"`{lx1_hash(bytes.fromhex(VECTOR['claims']['7'])).hex()}`" in TEXT
    assert json.dumps(VECTOR["key"]) in TEXT
