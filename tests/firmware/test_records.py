"""What is written of a presentation: the clock, the profile, and of the holder only what was asked for, sealed."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from drivers.clock.simulated import SimulatedClock
from firmware.checkin import CheckIn
from firmware.config import Config, ConfigError
from firmware.details import unseal_details
from firmware.judging import Judgement
from firmware.records import Records, recipient_of
from tests.firmware.judged import judge
from tests.firmware.lane import EXPIRED, GOOD, ISSUER, NOW, VERIFIER, Judge
from tests.firmware.site import DEVICE, make_site
from tests.pki import Pki

ASKING = '[profile]\nname = "staff-entrance"\ndetails = ["name", "birth-date"]'
HOLDER = ("NGUYEN", "Nguyễn", "Văn", "1990")
CLAIMS = {1: "VN", 4: int((NOW + timedelta(days=1)).timestamp()), 6: int(NOW.timestamp())}


def configured(folder: Path, more: str = ASKING, run: str = "") -> Config:
    return make_site(folder, now=NOW, more=more, run=run).config


def judged(config: Config, text: str, *, clock_trusted: bool = True) -> Judgement:
    return judge((text,), Judge(), NOW, clock_trusted=clock_trusted, wanted=config.profile.details)


def recorded(config: Config, text: str, *, clock_trusted: bool = True) -> CheckIn:
    records = Records(config, SimulatedClock(NOW), recipient_of(config))
    return records.checkin(judged(config, text, clock_trusted=clock_trusted))


def unsealed(checkin: CheckIn) -> dict[str, str]:
    assert checkin.details is not None
    return unseal_details(checkin.details, DEVICE, checkin.id, Pki.shared().unsealer("details"))


def test_details_are_what_the_profile_asks_for_and_only_the_centre_reads_them(tmp_path: Path) -> None:
    checkin = recorded(configured(tmp_path), GOOD)
    document = VERIFIER.verify(GOOD, NOW).document
    assert document
    assert unsealed(checkin) == {
        "name": f"{document.name.family} {document.name.given}",
        "birth-date": document.date_of_birth,
    }
    assert checkin.profile == "staff-entrance"
    assert checkin.details is not None
    assert not any(word.encode() in checkin.details for word in HOLDER)


def test_one_detail_is_one_detail(tmp_path: Path) -> None:
    checkin = recorded(configured(tmp_path, '[profile]\ndetails = ["birth-date"]'), GOOD)
    assert set(unsealed(checkin)) == {"birth-date"}


def test_a_profile_that_asks_for_nothing_keeps_nothing(tmp_path: Path) -> None:
    config = configured(tmp_path, "")
    assert recipient_of(config) is None
    assert judged(config, GOOD).details == {}
    checkin = recorded(config, GOOD)
    assert (checkin.details, checkin.profile) == (None, "default")
    assert checkin.pseudonym is not None


def test_of_who_was_not_let_through_no_details_are_kept(tmp_path: Path) -> None:
    config = configured(tmp_path)
    for text, clock_trusted in ((EXPIRED, True), (GOOD, False), ("https://example.org", True)):
        assert judged(config, text, clock_trusted=clock_trusted).details == {}
        assert recorded(config, text, clock_trusted=clock_trusted).details is None


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ({"fn": "Trần", "gn": "Thị Bình", "fnt": "TRAN", "gnt": "THI<BINH"}, "Trần Thị Bình"),
        ({"fnt": "TRAN", "gnt": "THI<BINH"}, "TRAN THI BINH"),
        ({"fn": "Trần", "gnt": "THI<<BINH<"}, "Trần THI BINH"),
        ({"gn": "Bình"}, "Bình"),
    ],
)
def test_names_are_as_written_else_in_standard_letters(tmp_path: Path, names: dict[str, str], found: str) -> None:
    entry = {"tg": "840539006", "co": "VN", "is": "Bộ Y tế", "ci": "URN:UVCI:01:VN:1", "vp": "1119349007"}
    entry |= {"mp": "EU/1/20/1528", "ma": "ORG-100030215", "dt": "2026-01-01"}
    claims = {**CLAIMS, -260: {1: {"ver": "1.3.0", "nam": names, "dob": "", "v": [entry]}}}
    checkin = recorded(configured(tmp_path), ISSUER.text(claims))
    assert unsealed(checkin) == {"name": found}


def test_nothing_that_is_printed_holds_a_detail(tmp_path: Path) -> None:
    judgement = judged(configured(tmp_path), GOOD)
    assert judgement.details
    assert not any(word in repr(judgement) for word in HOLDER)
    assert judgement.without_details().details == {}
    assert judgement.without_details().without_details() == judgement.without_details()
    assert hash(judgement)


@pytest.mark.parametrize("name", ["centre.pem", "ca.pem"])
@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----", None])
def test_a_profile_that_asks_for_details_needs_the_centre_s_key(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    config = configured(tmp_path)
    file = tmp_path / "identity" / name
    file.unlink() if content is None else file.write_bytes(content)
    with pytest.raises(ConfigError, match=f"key profile.details: .*{file}.*: ") as refused:
        recipient_of(config)
    assert "\n" not in str(refused.value)


def test_a_key_of_another_centre_s_is_refused(tmp_path: Path) -> None:
    config = configured(tmp_path)
    (tmp_path / "identity/centre.pem").write_bytes(Pki().keys_pem())
    with pytest.raises(ConfigError, match=r"key profile.details: .*centre.pem: .*run greengate renew"):
        recipient_of(config)


def test_the_key_is_read_where_the_service_manager_hands_it_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(tmp_path)
    (tmp_path / "identity").rename(tmp_path / "handed")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "handed"))
    recipient = recipient_of(config)
    assert recipient
    assert recipient.key_id == Pki.shared().recipient("details").key_id


def test_the_clock_is_told_as_it_is(tmp_path: Path) -> None:
    config = configured(tmp_path, "")
    assert recorded(config, GOOD).clock == "assumed"
    assert recorded(config, GOOD, clock_trusted=False).clock == "untrusted"
    system = msgspec.structs.replace(config, clock=msgspec.structs.replace(config.clock, kind="system"))
    assert recorded(system, GOOD).clock == "synchronised"


def test_passages_and_overrides_speak_of_their_check_in_and_hold_nothing_of_the_holder(tmp_path: Path) -> None:
    config = configured(tmp_path)
    clock = SimulatedClock(NOW)
    records = Records(config, clock, recipient_of(config))
    refused = records.checkin(judged(config, EXPIRED))
    clock.advance(1)
    override, passage = records.later("override", refused), records.later("passage", refused)
    assert (override.verdict, override.reason) == ("accepted", "staff-override")
    assert (passage.verdict, passage.reason) == ("refused", "passed")
    for record in (override, passage):
        assert record.about == refused.id
        assert record.blank
        assert record.at_ms == refused.at_ms + 1000
        assert (record.profile, record.clock, record.direction) == ("staff-entrance", "assumed", "in")


def test_a_test_s_records_are_tests_and_an_untrusted_clock_is_told_later_too(tmp_path: Path) -> None:
    config = configured(tmp_path, "", run="test = true")
    clock = SimulatedClock(NOW)
    records = Records(config, clock)
    checkin = records.checkin(judged(config, GOOD))
    clock.lose_sync()
    assert not records.clock_trusted
    assert records.later("passage", checkin).clock == "untrusted"
    assert {checkin.direction, records.later("override", checkin).direction} == {"test"}
