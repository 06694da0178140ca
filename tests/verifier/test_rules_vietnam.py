"""The examples in docs/rules: files that a publisher takes as they are, and what they say on the day that matters."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.verifier.rule_files import Shown
from verifier.rule import WORDS_MAX_CHARACTERS, parse_rule
from verifier.rule_file import NATION, SITE, parse_rule_file
from verifier.rules import Place, RuleSet

FILES = sorted((Path(__file__).parents[2] / "docs" / "rules" / "vietnam-2021").glob("*.json"))
RULES = RuleSet([parse_rule_file(path.read_bytes(), NATION) for path in FILES], {})
LANE = Place("VN", "VN-SG", "venue")
AT = datetime(2021, 12, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TEST, DOSES, RECOVERY, DECLARATION = ("t", "test"), ("v", "vaccination"), ("r", "recovery"), ("declaration",) * 2


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_is_ready_to_be_published(path: Path) -> None:
    for role in (NATION, SITE):
        rule = parse_rule(parse_rule_file(path.read_bytes(), role))
        assert rule.id == path.stem
        assert rule.words is not None
        assert max(map(len, rule.words)) < WORDS_MAX_CHARACTERS / 2


def ago(delta: timedelta) -> str:
    return (AT - delta).isoformat()


NEGATIVE: dict[str, Any] = {"tr": "260415000"}
DAYS = {"df": "2021-06-15", "du": "2021-12-01"}
CASES: list[tuple[str, tuple[str, str], dict[str, Any], tuple[str, ...]]] = [
    ("negative, 72 h", TEST, NEGATIVE | {"sc": ago(72 * HOUR)}, ()),
    ("negative, over 72 h", TEST, NEGATIVE | {"sc": ago(72 * HOUR + timedelta(seconds=1))}, ("TR-VN-0002",)),
    ("from the result", TEST, NEGATIVE | {"sc": ago(90 * HOUR), "dr": ago(72 * HOUR)}, ()),
    ("result over 72 h", TEST, NEGATIVE | {"sc": ago(90 * HOUR), "dr": ago(73 * HOUR)}, ("TR-VN-0002",)),
    ("no result time", TEST, NEGATIVE | {"sc": ago(HOUR), "dr": ""}, ()),
    ("positive", TEST, {"tr": "260373001", "sc": ago(HOUR)}, ("TR-VN-0001",)),
    ("inconclusive", TEST, {"tr": "419984006", "sc": ago(HOUR)}, ("TR-VN-0001",)),
    ("no result", TEST, {"sc": ago(HOUR)}, ("TR-VN-0001",)),
    ("sample of tomorrow", TEST, NEGATIVE | {"sc": ago(-DAY)}, ("future-date", "TR-VN-0002")),
    ("result of tomorrow", TEST, NEGATIVE | {"sc": ago(HOUR), "dr": ago(-DAY)}, ("future-date", "TR-VN-0002")),
    ("2 of 2, 14 days", DOSES, {"dn": 2, "sd": 2, "dt": "2021-11-17"}, ()),
    ("2 of 2, 13 days", DOSES, {"dn": 2, "sd": 2, "dt": "2021-11-18"}, ("VR-VN-0002",)),
    ("2 of 2, 12 months", DOSES, {"dn": 2, "sd": 2, "dt": "2020-12-01"}, ()),
    ("2 of 2, over 12 months", DOSES, {"dn": 2, "sd": 2, "dt": "2020-11-30"}, ("VR-VN-0003",)),
    ("booster", DOSES, {"dn": 3, "sd": 2, "dt": "2021-11-01"}, ()),
    ("1 of 2", DOSES, {"dn": 1, "sd": 2, "dt": "2021-11-01"}, ("VR-VN-0001",)),
    ("0 of 0", DOSES, {"dn": 0, "sd": 0, "dt": "2021-11-01"}, ("VR-VN-0001",)),
    ("dose of next week", DOSES, {"dn": 2, "sd": 2, "dt": "2021-12-08"}, ("future-date", "VR-VN-0002")),
    ("recovered", RECOVERY, DAYS | {"fr": "2021-06-04"}, ()),
    ("recovered long ago", RECOVERY, DAYS | {"fr": "2021-06-03"}, ("RR-VN-0001",)),
    ("recovered next week", RECOVERY, DAYS | {"fr": "2021-12-08"}, ("future-date", "RR-VN-0001")),
    ("recovered, from tomorrow", RECOVERY, DAYS | {"fr": "2021-06-04", "df": "2021-12-02"}, ("RR-VN-0002",)),
    ("recovered, until yesterday", RECOVERY, DAYS | {"fr": "2021-06-04", "du": "2021-11-30"}, ("RR-VN-0002",)),
    ("declared", DECLARATION, {"risk": "none", "declared_at": ago(24 * HOUR)}, ()),
    ("declared long ago", DECLARATION, {"risk": "none", "declared_at": ago(25 * HOUR)}, ("DR-VN-0002",)),
    ("declared tomorrow", DECLARATION, {"risk": "none", "declared_at": ago(-DAY)}, ("future-date", "DR-VN-0002")),
    ("declared exposed", DECLARATION, {"risk": "exposed", "declared_at": ago(HOUR)}, ("DR-VN-0001",)),
]


@pytest.mark.parametrize(("group", "entry", "failed"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_the_examples_say(group: tuple[str, str], entry: dict[str, Any], failed: tuple[str, ...]) -> None:
    found = RULES.judged(Shown({group[0]: [entry]}, (group[1],), "VN"), LANE, AT)
    assert (found.result, found.ids) == ("failed" if failed else "passed", failed)


DOSE_OF = {"dn": 2, "sd": 2}
STATED = {"df": "2021-06-20", "du": "2021-12-31"}
MIDNIGHT = datetime(2021, 12, 5, 17, tzinfo=UTC)  # in Viet Nam, where it becomes the 6th
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("group", "entry", "before", "after"),
    [
        (DOSES, DOSE_OF | {"dt": "2021-11-22"}, "failed", "passed"),
        (DOSES, DOSE_OF | {"dt": "2020-12-05"}, "passed", "failed"),
        (DOSES, DOSE_OF | {"dt": "2020-12-06"}, "passed", "passed"),
        (RECOVERY, STATED | {"fr": "2021-06-08"}, "passed", "failed"),
        (RECOVERY, STATED | {"fr": "2021-06-09"}, "passed", "passed"),
        (RECOVERY, STATED | {"fr": "2021-06-20", "df": "2021-12-06"}, "failed", "passed"),
        (RECOVERY, STATED | {"fr": "2021-06-20", "du": "2021-12-05"}, "passed", "failed"),
    ],
    ids=["14th day", "12 months and a day", "12 months", "181st day", "180th day", "first day", "last day"],
)
def test_days_begin_at_midnight_in_viet_nam(
    group: tuple[str, str], entry: dict[str, Any], before: str, after: str
) -> None:
    shown = Shown({group[0]: [entry]}, (group[1],), "VN")
    assert [RULES.judged(shown, LANE, at).result for at in (MIDNIGHT - SECOND, MIDNIGHT)] == [before, after]


@pytest.mark.parametrize(
    ("group", "entry", "undecided"),
    [
        (TEST, NEGATIVE, ("TR-VN-0002",)),
        (TEST, NEGATIVE | {"sc": "lately"}, ("TR-VN-0002",)),
        (DOSES, {"dn": 2, "sd": 2, "dt": "2020"}, ("future-date",)),
        (DOSES, {"dn": 2, "dt": "2021-11-01"}, ("VR-VN-0001",)),
        (DOSES, {"dn": 2, "sd": 2}, ("VR-VN-0002", "VR-VN-0003")),
        (RECOVERY, {}, ("RR-VN-0001", "RR-VN-0002")),
    ],
    ids=["no time", "bad time", "only a year", "doses of how many", "no date", "nothing"],
)
def test_what_a_document_does_not_say_is_not_guessed(
    group: tuple[str, str], entry: dict[str, Any], undecided: tuple[str, ...]
) -> None:
    found = RULES.judged(Shown({group[0]: [entry]}, (group[1],), "VN"), LANE, AT)
    assert (found.result, found.ids) == ("undecided", undecided)


def test_what_no_example_is_about() -> None:
    for kind in ("vehicle", "travel", "identity"):
        assert RULES.judged(Shown({kind: [{}]}, (kind,), "VN"), LANE, AT).result == "none"


def test_no_failed_rule_is_without_words() -> None:
    shown = Shown({"t": [NEGATIVE | {"sc": ago(100 * HOUR)}]}, ("test",), "VN")
    assert RULES.judged(shown, LANE, AT).words == ("Kết quả xét nghiệm đã quá 72 giờ", "Test older than 72 hours")
