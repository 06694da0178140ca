import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from firmware.config_sections import DeviceConfig
from firmware.health import BACKLOG_NOTICE, SILENT_NS, State, UplinkFile, UplinkStatus, health_of
from firmware.journal_space import FILLING_PERMILLE
from firmware.knowledge import Knowledge
from firmware.messages import KnowledgeTold
from firmware.texts import load_texts
from firmware.timekeeping import ClockFault
from verifier.freshness import Freshness, Limits
from verifier.rule_file import NATION, RuleFile, Scope

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
LIMITS = Freshness(offline_max_days=30, keys=Limits(24, 48), revocations=Limits(48, 72), rules=Limits(72, 96))
RULE = RuleFile("rule", NATION, "VN-1", 1, NOW, None, Scope(), {})
DEVICE = DeviceConfig(name="kiosk-1", site="s", lane="l", direction="in")
WELL = State(
    in_service=True,
    demo=False,
    clock_fault=None,
    frames=9,
    unsent=2,
    set_aside=0,
    unusable=0,
    uplink=UplinkStatus(connected=True, unsent=2, last_ack_age_s=1.5),
    now=NOW,
)
TEXTS = load_texts()


def test_a_device_that_is_well_says_nothing_else() -> None:
    assert health_of(WELL, DEVICE, TEXTS).notices == ()


def test_a_lane_without_rules_says_so() -> None:
    health = health_of(replace(WELL, has_rules=False), DEVICE, TEXTS)
    (notice,) = health.notices
    assert notice.code == "no-rules"
    assert notice.vi == "Chưa có quy tắc phòng dịch: chỉ kiểm tra chữ ký, thời hạn và thu hồi"
    assert notice.en == "No rules yet: only signature, time and revocation are judged"
    assert health.uplink_fault is None
    assert (health.in_service, health.device, health.unsent, health.uplink_connected) == (True, "kiosk-1", 2, True)
    assert health.last_ack_age_s == 1.5


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (replace(WELL, service_state=True), "service-state"),
        (replace(WELL, demo=True), "demo"),
        (replace(WELL, clock_fault="clock-not-synchronised"), "clock-not-synchronised"),
        (replace(WELL, clock_fault="clock-behind"), "clock-behind"),
        (replace(WELL, clock_fault="clock-ahead"), "clock-ahead"),
        (replace(WELL, clock_fault="clock-jumped"), "clock-jumped"),
        (replace(WELL, trust_unreadable=True), "trust-unreadable"),
        (replace(WELL, profile_problem="profile-missing"), "profile-missing"),
        (replace(WELL, profile_problem="profile-unusable"), "profile-unusable"),
        (replace(WELL, set_aside=2), "journal-set-aside"),
        (replace(WELL, unusable=3), "trust-unusable"),
        (replace(WELL, fill_permille=FILLING_PERMILLE), "journal-filling"),
        (replace(WELL, uplink=None), "uplink-silent"),
        (replace(WELL, uplink=UplinkStatus(connected=False, unsent=0)), "centre-unreachable"),
        (replace(WELL, uplink=UplinkStatus(connected=True, unsent=0, fault="why")), "centre-silent"),
        (replace(WELL, unsent=BACKLOG_NOTICE + 1), "records-unsent"),
    ],
)
def test_what_is_wrong_is_noticed_in_both_languages(state: State, code: str) -> None:
    (notice,) = health_of(state, DEVICE, TEXTS).notices
    assert notice.code == code
    assert notice.vi
    assert "{" not in notice.vi + notice.en


def knowing(age: timedelta, *, rules: bool = False, clock_fault: ClockFault | None = None) -> State:
    knowledge = Knowledge(NOW - age, 7, LIMITS, (RULE,) if rules else ())
    return replace(WELL, knowledge=knowledge, clock_fault=clock_fault)


@pytest.mark.parametrize(
    ("hours", "rules", "codes"),
    [
        (24, True, []),
        (24.1, True, ["keys-ageing"]),
        (48.1, True, ["keys-overdue", "revocations-ageing"]),
        (72.1, True, ["keys-overdue", "revocations-overdue", "rules-ageing"]),
        (96.1, True, ["keys-overdue", "revocations-overdue", "rules-overdue"]),
        (96.1, False, ["keys-overdue", "revocations-overdue"]),
        (-1, True, []),
    ],
)
def test_each_part_is_noticed_when_it_is_old_by_its_own_limits(
    hours: float,
    rules: bool,  # noqa: FBT001 - a table of cases
    codes: list[str],
) -> None:
    notices = health_of(knowing(timedelta(hours=hours), rules=rules), DEVICE, TEXTS).notices
    assert [notice.code for notice in notices] == codes


def test_the_age_is_told_in_days_that_have_begun() -> None:
    (notice,) = health_of(knowing(timedelta(hours=24.1)), DEVICE, TEXTS).notices
    assert (notice.vi, notice.en) == ("Danh sách khóa tin cậy đã cũ 2 ngày", "Trust list 2 days old")


def test_how_old_what_is_known_is_is_always_told() -> None:
    told = health_of(knowing(timedelta(hours=24.1)), DEVICE, TEXTS).knowledge
    assert told == KnowledgeTold(
        version=7,
        vi="Dữ liệu tin cậy số 7, 20/11/2026 14:54: 24 giờ trước",
        en="Trust data no. 7 of 20/11/2026 14:54: 24 h old",
        age_hours=24.1,
        keys="ageing",
        revocations="fresh",
    )
    told = health_of(knowing(timedelta(0), rules=True), DEVICE, TEXTS).knowledge
    assert told is not None
    assert (told.age_hours, told.keys, told.revocations, told.rules) == (0, "fresh", "fresh", "fresh")


def test_by_a_clock_that_is_not_trusted_nobody_says_how_old_it_is() -> None:
    health = health_of(knowing(timedelta(days=9), clock_fault="clock-jumped"), DEVICE, TEXTS)
    assert health.knowledge == KnowledgeTold(
        7, "Dữ liệu tin cậy số 7, 12/11/2026 15:00", "Trust data no. 7 of 12/11/2026 15:00"
    )
    assert [notice.code for notice in health.notices] == ["clock-jumped"]


def test_plain_files_have_no_age() -> None:
    assert health_of(WELL, DEVICE, TEXTS).knowledge is None


def test_numbers_and_the_uplinks_own_words_are_told() -> None:
    state = replace(WELL, set_aside=2, unusable=3, uplink=UplinkStatus(connected=True, unsent=0, fault="no answer"))
    health = health_of(state, DEVICE, TEXTS)
    words = {notice.code: notice.en for notice in health.notices}
    assert "(2)" in words["journal-set-aside"]
    assert words["trust-unusable"].startswith("3 ")
    assert health.uplink_fault == "no answer"


def test_how_full_the_journal_is_is_told_in_percent_and_not_before_it_matters() -> None:
    words = {notice.code: notice.en for notice in health_of(replace(WELL, fill_permille=899), DEVICE, TEXTS).notices}
    assert words["journal-filling"] == "Storage 89 % full"
    assert health_of(replace(WELL, fill_permille=FILLING_PERMILLE - 1), DEVICE, TEXTS) == health_of(WELL, DEVICE, TEXTS)


def test_what_a_check_in_costs_the_card_is_told() -> None:
    assert health_of(replace(WELL, bytes_per_record=8192), DEVICE, TEXTS).bytes_per_record == 8192


def test_a_journal_that_does_not_answer_is_no_backlog() -> None:
    assert health_of(replace(WELL, unsent=None), DEVICE, TEXTS).notices == health_of(WELL, DEVICE, TEXTS).notices


def test_the_uplinks_status_counts_while_it_is_renewed(tmp_path: Path) -> None:
    path = tmp_path / "uplink.json"
    file = UplinkFile(path)
    assert file.status(0) is None
    path.write_text('{"connected": true, "unsent": 3}')
    assert file.status(1) == UplinkStatus(connected=True, unsent=3)
    assert file.status(1 + SILENT_NS) is not None
    assert file.status(2 + SILENT_NS) is None
    os.utime(path, ns=(5, 5))
    assert file.status(2 + SILENT_NS) is not None


def test_a_device_is_shown_for_as_long_as_was_asked_counted_from_when_it_was(tmp_path: Path) -> None:
    path = tmp_path / "uplink.json"
    file = UplinkFile(path)
    assert file.identify_until_ns(0) == 0
    path.write_text('{"connected": true, "unsent": 0, "identify_s": 9.5}')
    assert file.identify_until_ns(1) == 1 + 9_500_000_000
    assert file.identify_until_ns(5_000_000_000) == 1 + 9_500_000_000  # a dead uplink's last word is one word
    path.write_text('{"connected": true, "unsent": 0, "identify_s": 10.5}')
    assert file.identify_until_ns(6) == 0


NOT_UTF8 = b'{"connected": true, "unsent": 0, "fault": "\xff"}'
DEEP = b'{"connected": true, "unsent": 0, "more": ' + b"[" * 3900


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"connected": 1}', b'{"connected": true, "unsent": -1}', b"\xff", NOT_UTF8, DEEP]
)
def test_a_status_that_is_none_is_no_status(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "uplink.json"
    path.write_bytes(content)
    assert UplinkFile(path).status(0) is None
