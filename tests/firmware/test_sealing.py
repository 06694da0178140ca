"""What only the centre can read, and the details of a holder in it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.checkin import MAX_DETAILS_BYTES, new_id
from firmware.detail_names import DETAILS
from firmware.details import seal_details, unseal_details
from firmware.envelope import SigningError
from firmware.sealing import SEALED_EXTRA_BYTES, Recipient, Unsealer, UnsealError
from firmware.wire_cbor import WireError, dumps
from tests.firmware.wire_messages import PKI
from tests.pki import Pki

CHECKIN = new_id(1)
TO = PKI.recipient("details")
KEYS = PKI.unsealer("details")


@settings(max_examples=30)
@given(st.binary(max_size=200), st.binary(max_size=50))
def test_what_is_sealed_comes_back_to_who_has_the_key(data: bytes, context: bytes) -> None:
    sealed = TO.seal(data, context)
    assert len(sealed) == len(data) + SEALED_EXTRA_BYTES
    assert KEYS.unseal(TO.key_id, sealed, context) == data
    with pytest.raises(UnsealError):
        KEYS.unseal(TO.key_id, sealed, context + b"x")
    with pytest.raises(UnsealError, match="not here"):
        PKI.unsealer("batches").unseal(TO.key_id, sealed, context)


@given(st.binary(max_size=80))
def test_whatever_claims_to_be_sealed_is_refused(data: bytes) -> None:
    with pytest.raises(UnsealError):
        KEYS.unseal(TO.key_id, data, b"")


def test_older_keys_still_open(tmp_path: Path) -> None:
    old, new = Pki(), Pki()
    both = Unsealer.load(
        [old.files(tmp_path / "old", "gate-1") / "batches.key", new.files(tmp_path / "new", "gate-1") / "batches.key"]
    )
    for pki in (old, new):
        to = pki.recipient()
        assert both.unseal(to.key_id, to.seal(b"x", b""), b"") == b"x"


def test_the_newest_certificate_of_the_purpose_counts(tmp_path: Path) -> None:
    folder = PKI.files(tmp_path, "gate-1")
    for purpose in ("batches", "details"):
        found = Recipient.load(folder / "centre.pem", purpose, PKI.authority)
        assert found.key_id == PKI.recipient(purpose).key_id


def test_only_our_own_centre_is_sealed_to(tmp_path: Path) -> None:
    folder = PKI.files(tmp_path, "gate-1")
    (folder / "none.pem").write_bytes(b"nothing")
    with pytest.raises(SigningError, match="another authority"):
        Recipient.load(folder / "centre.pem", "batches", Pki().authority)
    for file in ("device.pem", "none.pem", "absent.pem"):
        with pytest.raises(SigningError):
            Recipient.load(folder / file, "batches", PKI.authority)
    with pytest.raises(SigningError):
        Unsealer.load([folder / "device.key"])
    with pytest.raises(SigningError):
        Unsealer.load([folder / "centre.pem"])


@given(st.dictionaries(st.sampled_from(DETAILS), st.text(max_size=1000)))
def test_details_of_any_text_fit_a_check_in(details: dict[str, str]) -> None:
    sealed = seal_details(details, "gate-1", CHECKIN, TO)  # type: ignore[arg-type]
    if sealed is None:
        assert not any(text.encode("utf-8", "ignore") for text in details.values())
        return
    assert len(sealed) <= MAX_DETAILS_BYTES
    for name, text in unseal_details(sealed, "gate-1", CHECKIN, KEYS).items():
        assert details[name].encode("utf-8", "ignore").decode().startswith(text)


def test_details_belong_to_their_check_in() -> None:
    sealed = seal_details({"name": "Nguyễn Văn A"}, "gate-1", CHECKIN, TO)
    assert sealed is not None
    assert b"Nguy" not in sealed
    assert unseal_details(sealed, "gate-1", CHECKIN, KEYS) == {"name": "Nguyễn Văn A"}
    for device, checkin in (("gate-2", CHECKIN), ("gate-1", new_id(1))):
        with pytest.raises(UnsealError):
            unseal_details(sealed, device, checkin, KEYS)


@pytest.mark.parametrize(
    "values",
    [
        [],
        [2, "name", "A"],
        [True, "name", "A"],
        [1, "name"],
        [1, "passport", "A"],
        [1, "name", b"A"],
        [1, 7, "A"],
    ],
)
def test_details_of_another_form_are_refused(values: list[object]) -> None:
    context = b"greengate/v1/details" + dumps([1, "gate-1", CHECKIN.bytes])
    with pytest.raises(WireError):
        unseal_details(TO.key_id + TO.seal(dumps(values), context), "gate-1", CHECKIN, KEYS)


@pytest.mark.parametrize("sealed", [b"", bytes(56), bytes(513)])
def test_details_have_bounds(sealed: bytes) -> None:
    with pytest.raises(WireError):
        unseal_details(sealed, "gate-1", CHECKIN, KEYS)
