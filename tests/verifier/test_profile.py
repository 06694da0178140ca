"""Reading profiles, strictly; and which of them hold at a lane."""

import contextlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifier.profiles import GREEN_LANE, TITLE, file_of, profile_of, requiring
from tests.verifier.rule_files import AT, SAIGON, contained, rule_body
from verifier.profile import BUILT_IN, Item, ProfileError, Profiles, parse_profile
from verifier.reasons import Reason
from verifier.rule_file import NATION, SITE, RuleFile, Scope, parse_rule_file_at, path_of

DAY = timedelta(days=1)
TEST = {"document": "test"}
PUBLISHED = sorted((Path(__file__).parents[2] / "docs/profiles").glob("*.json"))


def test_a_profile_is_read_with_its_defaults() -> None:
    found = profile_of(GREEN_LANE)
    assert found.all == (
        (Item("vehicle", checks=("route", "hours", "plate"), without_rules="accepted"),),
        (Item("test"), Item("vaccination")),
    )
    assert (found.role, found.title, found.country) == (NATION, ("Luồng xanh", "Green lane"), "VN")
    assert (found.window_s, found.same_holder, found.attendance, found.heeds_identity) == (30, True, False, False)


def test_what_a_profile_says_goes_before_defaults() -> None:
    item = {"document": "identity", "formats": ["cccd"], "proof": "officer"}
    body = requiring(
        item, [TEST | {"formats": ["lx1", "hcert"], "without_rules": "undecided"}, {"document": "recovery"}]
    )
    found = profile_of(body | {"without_rules": "refused", "window_s": 300, "same_holder": False})
    assert found.items == (
        Item("identity", ("cccd",), without_rules="refused", proof="officer"),
        Item("test", ("lx1", "hcert")),
        Item("recovery", without_rules="refused"),
    )
    assert (found.window_s, found.same_holder, found.heeds_identity) == (300, False, True)


def test_attendance_alone_is_a_profile() -> None:
    found = profile_of(requiring(attendance=True))
    assert (found.all, found.attendance, found.heeds_identity) == ((), True, True)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (requiring({"document": "passport"}), "document 'passport' is not known; known: vaccination, recovery, test"),
        (
            requiring(TEST | {"formats": ["pdf"]}),
            "format of test 'pdf' is not known; known: hcert, lx1, shc, nzcp, vds",
        ),
        (requiring(TEST | {"formats": ["cccd"]}), "format of test 'cccd' is not known"),
        (requiring({"document": "identity", "formats": ["lx1"]}), "format of identity 'lx1' is not known; known: qrqg"),
        (requiring(TEST | {"checks": ["route"]}), "check of test 'route' is not known; known: none"),
        (requiring({"document": "vehicle", "checks": ["area"]}), "'area' is not known; known: route, hours, plate"),
        (requiring(TEST | {"proof": "officer"}), "proof of test 'officer' is not known; known: none"),
        (requiring({"document": "identity", "proof": "dna"}), "proof of identity 'dna' is not known; known: none, off"),
        (requiring(TEST, without_rules="maybe"), "without_rules 'maybe' is not known; known: undecided, refused"),
        (requiring(TEST | {"without_rules": "no"}), "without_rules 'no' is not known"),
        (requiring(), "requires nothing"),
        (requiring([]), "any"),
        (requiring(*[TEST] * 9), "all"),
        (requiring([TEST] * 17), "any"),
        (requiring(TEST, window_s=4), "window_s"),
        (requiring(TEST, window_s=301), "window_s"),
        (requiring(TEST, window_s="30"), "window_s"),
        (requiring(TEST, country="Viet Nam"), "country"),
        (requiring(TEST, title={"vi": "x"}), "en"),
        (requiring(TEST, title={"vi": "x", "en": "a\nb"}), "printable"),
        (requiring(TEST, title=TITLE | {"vi": "x" * 81}), "title"),
        (requiring(TEST, colour="green"), "colour"),
        (requiring(TEST | {"colour": "green"}), "colour"),
        ({}, "title"),
        (["venue"], "object"),
        (None, "object"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_known(body: object, says: str) -> None:
    with pytest.raises(ProfileError, match=f"^green-lane: .*{says}") as wrong:
        profile_of(body)
    assert "\n" not in str(wrong.value)


def test_a_province_cannot_name_a_country_whose_rules_are_laxer_than_the_nations() -> None:
    assert profile_of(GREEN_LANE | {"country": "DE"}, NATION).country == "DE"
    assert profile_of(GREEN_LANE | {"country": "DE"}, SITE).country == "DE"
    assert profile_of(GREEN_LANE, SAIGON).country == "VN"
    with pytest.raises(ProfileError, match="country 'DE': a province's profile names its own, 'VN'"):
        profile_of(GREEN_LANE | {"country": "DE"}, SAIGON)


def test_a_name_that_no_lane_can_have() -> None:
    with pytest.raises(ProfileError, match="VENUE: a lane names its profile in small letters"):
        parse_profile(file_of(GREEN_LANE, name="VENUE"))


def test_a_rule_is_no_profile() -> None:
    with pytest.raises(ProfileError, match="VR-VN-0001 is a rule"):
        parse_profile(contained(rule_body()))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["all", "any", "title", "x"]), inner),
)


@given(st.builds(lambda body, more: {**GREEN_LANE, **more} if isinstance(body, bool) else body, _JSON, st.dictionaries(
    st.sampled_from(["all", "title", "country", "window_s", "attendance"]), _JSON
)))  # fmt: skip
def test_any_body_is_a_profile_or_the_one_error(body: Any) -> None:  # noqa: ANN401 - any JSON
    with contextlib.suppress(ProfileError):
        profile_of(body)


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_the_examples_are_profiles(path: Path) -> None:
    name = json.loads(path.read_bytes())["id"]
    assert parse_profile(parse_rule_file_at(path.read_bytes(), path_of("profile", NATION, name))).all


class TestChoice:
    def test_without_any_file_any_signed_document_will_do_unless_what_is_trusted_came_signed(self) -> None:
        assert Profiles().chosen("venue", None, AT) == (BUILT_IN,)
        assert Profiles([contained(rule_body())]).chosen("venue", None, AT) == (BUILT_IN,)
        assert Profiles(signed=True).chosen("venue", None, AT) == Reason.PROFILE_MISSING

    @pytest.mark.parametrize(
        "file",
        [
            file_of(GREEN_LANE, name="venue"),
            file_of(GREEN_LANE, since=AT + DAY),
            file_of(GREEN_LANE, scope=Scope(areas=("VN-HN",))),
            file_of(GREEN_LANE, scope=Scope(lanes=("venue",))),
        ],
        ids=["another", "to come", "elsewhere", "for another lane"],
    )
    def test_where_there_are_profiles_but_not_this_one_it_is_missing(self, file: RuleFile) -> None:
        assert Profiles([file]).chosen("green-lane", "VN-SG", AT) == Reason.PROFILE_MISSING

    def test_in_no_known_area_every_scope_holds(self) -> None:
        file = file_of(GREEN_LANE, scope=Scope(areas=("VN-HN",), lanes=("green-lane",)))
        assert len(Profiles([file]).chosen("green-lane", None, AT)) == 1

    def test_of_each_role_the_newest_holds(self) -> None:
        files = [
            file_of(GREEN_LANE),
            file_of(GREEN_LANE | {"window_s": 60}, version=2),
            file_of(GREEN_LANE | {"window_s": 90}, version=3, since=AT + DAY),
            file_of(GREEN_LANE | {"window_s": 20}, SAIGON, version=9, scope=Scope(areas=("VN-SG",))),
            file_of(GREEN_LANE | {"window_s": 10}, SITE),
        ]
        found = Profiles(files, signed=True).chosen("green-lane", "VN-SG-1", AT)
        assert not isinstance(found, Reason)
        assert {profile.role: profile.window_s for profile in found} == {NATION: 60, SAIGON: 20, SITE: 10}

    def test_of_two_files_of_one_version_both_hold(self) -> None:
        files = [file_of(GREEN_LANE), file_of(GREEN_LANE | {"window_s": 60})]
        found = Profiles(files).chosen("green-lane", None, AT)
        assert not isinstance(found, Reason)
        assert [profile.window_s for profile in found] == [30, 60]

    def test_a_site_s_alone_counts_in_a_plain_folder_only(self) -> None:
        files = [file_of(GREEN_LANE, SITE)]
        assert len(Profiles(files).chosen("green-lane", None, AT)) == 1
        assert Profiles(files, signed=True).chosen("green-lane", None, AT) == Reason.PROFILE_MISSING

    def test_one_that_cannot_be_used_is_not_passed_over(self) -> None:
        profiles = Profiles([file_of(GREEN_LANE), file_of(requiring({"document": "passport"}), SITE)])
        assert profiles.chosen("green-lane", None, AT) == Reason.PROFILE_UNUSABLE
        assert profiles.chosen("green-lane", None, AT) == Reason.PROFILE_UNUSABLE
        (problem,) = profiles.problems("green-lane")
        assert "passport" in problem
        assert profiles.problems("venue") == ()
