"""Files of rules and profiles: who may say what for whom, and when it holds."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifier.rule_files import encoded
from verifier.rule_file import (
    BODY_MAX_DEPTH,
    NATION,
    RULE_FILE_MAX_BYTES,
    SITE,
    Kind,
    Place,
    Role,
    RuleFile,
    RuleFileError,
    Scope,
    newest,
    parse_rule_file,
    parse_rule_file_at,
    path_of,
    place_of,
    province_of,
    role_of,
    role_of_path,
)

AT = datetime(2026, 6, 1, tzinfo=UTC)
SAIGON = Role("province-vn-sg")
USUAL: dict[str, Any] = {
    "id": "VN-TEST-72H",
    "version": 3,
    "valid_from": "2026-06-01T00:00:00Z",
    "valid_to": None,
    "scope": {"areas": ["VN-SG"], "lanes": ["venue"]},
    "rule": {"if": [1]},
}


def written(**fields: object) -> bytes:
    return json.dumps(USUAL | fields).encode()


def nested(depth: int) -> object:
    body: object = 1
    for number in range(depth):
        body = [body] if number % 2 else {"a": body}
    return body


def file(**fields: Any) -> RuleFile:  # noqa: ANN401 - fields of any sort
    return parse_rule_file(written(), NATION)._replace(**fields)


def test_a_rule_file() -> None:
    scope = Scope(("VN-SG",), ("venue",))
    assert parse_rule_file(written(), SAIGON) == RuleFile(
        "rule", SAIGON, "VN-TEST-72H", 3, AT, None, scope, {"if": [1]}
    )
    assert json.loads(encoded(parse_rule_file(written(), SAIGON))) == USUAL


def test_a_profile_lies_in_the_same_container() -> None:
    data = json.dumps({name: value for name, value in USUAL.items() if name != "rule"} | {"profile": ["any"]}).encode()
    profile = parse_rule_file(data, NATION)
    assert (profile.kind, profile.body) == ("profile", ["any"])


words = st.text(st.characters(codec="utf-8"), max_size=8)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
times = st.datetimes(timezones=st.just(UTC))


def test_a_site_speaks_for_any_area_and_has_no_place_in_the_repository() -> None:
    for areas in ([], ["VN-SG"], ["VN-HN", "DE"]):
        file = parse_rule_file(written(scope={"areas": areas}), SITE)
        assert (file.role, file.scope.areas) == (SITE, tuple(areas))
    with pytest.raises(RuleFileError, match="'site' is no role"):
        path_of("rule", SITE, "VN-TEST-72H")
    assert place_of("rules/site/VN-TEST-72H.json") is None
    assert role_of("site") != SITE


@given(st.sampled_from(["rule", "profile"]), st.sampled_from([NATION, SAIGON]), st.tuples(times, times), json_values)
def test_what_is_encoded_is_read_again(
    kind: Kind, role: Role, span: tuple[datetime, datetime], body: dict[str, object]
) -> None:
    made = file(kind=kind, role=role, valid_from=min(span), valid_to=max(span), body=body)
    data = encoded(made)
    assert parse_rule_file(data, role) == made
    assert parse_rule_file_at(data, path_of(kind, role, made.id)) == made
    assert parse_rule_file_at(data, path_of(kind, role, made.id, made.version)) == made


@given(st.data())
def test_any_bytes_are_a_file_or_a_rule_file_error(data: st.DataObject) -> None:
    changed = bytearray(written())
    for at in data.draw(st.lists(st.integers(0, len(changed) - 1), max_size=3)):
        changed[at] = data.draw(st.integers(0, 255))
    for candidate in (bytes(changed), data.draw(st.binary())):
        try:
            found = parse_rule_file(candidate, SAIGON)
        except RuleFileError:
            continue
        assert found.version >= 1
        assert all(area.startswith("VN-SG") for area in found.scope.areas)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"id": ""}, "$.id"),
        ({"id": "../x"}, "$.id"),
        ({"id": "a.b"}, "$.id"),
        ({"id": "-a"}, "$.id"),
        ({"id": "a\n"}, "$.id"),
        ({"id": "a" * 65}, "$.id"),
        ({"version": 0}, "$.version"),
        ({"version": 1.5}, "$.version"),
        ({"version": 2**53}, "$.version"),
        ({"valid_from": None}, "$.valid_from"),
        ({"valid_from": "2026-06-01T00:00:00"}, "in UTC"),
        ({"valid_to": "2026-06-01T00:00:00+07:00"}, "in UTC"),
        ({"valid_to": "2026-05-31T23:59:59Z"}, "valid_to is before valid_from"),
        ({"scope": None}, "$.scope"),
        ({"scope": {"areas": ["vn"]}}, "$.scope.areas"),
        ({"scope": {"areas": ["VN"], "lanes": ["Lane 1"]}}, "$.scope.lanes"),
        ({"scope": {"sites": ["gate"]}}, "unknown field `sites`"),
        ({"profile": 1}, "not both"),
        ({"other": 1}, "unknown field `other`"),
        ({"rule": nested(BODY_MAX_DEPTH + 1)}, "nested deeper than 64"),
        ({"rule": "a" * RULE_FILE_MAX_BYTES}, "larger than 65536 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_file_out_of_form_says_what_is_wrong(fields: dict[str, object], says: str) -> None:
    with pytest.raises(RuleFileError) as caught:
        parse_rule_file(written(**fields), NATION)
    assert says in str(caught.value)


@pytest.mark.parametrize("missing", ["id", "version", "valid_from", "valid_to", "scope", "rule"])
def test_nothing_may_be_missing(missing: str) -> None:
    fields = {name: value for name, value in USUAL.items() if name != missing}
    with pytest.raises(RuleFileError):
        parse_rule_file(json.dumps(fields).encode(), NATION)


@pytest.mark.parametrize("data", [b"", b"null", b"\xff", b"[" * 60_000, b'{"rule":' * 8000], ids=range(5))
def test_what_is_no_file(data: bytes) -> None:
    with pytest.raises(RuleFileError):
        parse_rule_file(data, NATION)


def test_a_body_may_be_as_deep_as_the_bound() -> None:
    body = nested(BODY_MAX_DEPTH)
    assert parse_rule_file(written(rule=body), NATION).body == body


@pytest.mark.parametrize(
    ("areas", "allowed"),
    [
        (["VN-SG"], True),
        (["VN-SG-26740", "VN-SG-26741"], True),
        ([], False),
        (["VN"], False),
        (["VN-HN"], False),
        (["VN-SG", "VN-HN"], False),
        (["VN-SGX"], False),
    ],
    ids=str,
)
def test_a_province_speaks_for_itself_only(areas: list[str], allowed: bool) -> None:  # noqa: FBT001 - a table's column
    data = written(scope={"areas": areas})
    assert parse_rule_file(data, NATION).scope.areas == tuple(areas)
    if allowed:
        assert parse_rule_file(data, SAIGON).role == SAIGON
    else:
        with pytest.raises(RuleFileError, match="for itself only: name VN-SG"):
            parse_rule_file(data, SAIGON)


@pytest.mark.parametrize("body", ["\ud800", nested(65), "a" * 65_536], ids=["surrogate", "deep", "long"])
def test_a_body_beyond_the_bounds_is_refused(body: object) -> None:
    with pytest.raises(RuleFileError):
        parse_rule_file(written(rule=body), NATION)


def test_a_scope_that_is_not_the_roles_is_refused() -> None:
    with pytest.raises(RuleFileError, match="for itself only"):
        parse_rule_file(written(), Role("province-vn-hn"))


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("rules/nation/VN-TEST.json", Place("rule", NATION, "VN-TEST", None)),
        ("profiles/nation/venue.json", Place("profile", NATION, "venue", None)),
        ("rules/province/vn-sg/a_b@12.json", Place("rule", SAIGON, "a_b", 12)),
        ("profiles/province/vn-sg/a.json", Place("profile", SAIGON, "a", None)),
    ],
)
def test_a_path_says_what_lies_there(path: str, place: Place) -> None:
    assert place_of(path) == place
    assert path_of(*place) == path
    assert role_of_path(path) == place.role


@pytest.mark.parametrize(
    "path",
    [
        "",
        "signers.json",
        "rules/nation/a.json\n",
        "rules/nation/.json",
        "rules/nation/a",
        "rules/nation/a@0.json",
        "rules/nation/a@01.json",
        "rules/nation/a@.json",
        "rules/nation/a/b.json",
        "rules/nation/../a.json",
        "rules/province/a.json",
        "rules/province/VN-SG/a.json",
        "rules/province//a.json",
        "rules/province/vn_sg/a.json",
        "rules/province/vn-sg-1-2-3/a.json",
        "rules/province/vn-sg/nation/a.json",
        "rule/nation/a.json",
        "values/nation/a.json",
    ],
)
def test_a_path_where_nothing_may_lie(path: str) -> None:
    assert place_of(path) is None
    with pytest.raises(RuleFileError, match="no place"):
        role_of_path(path)


@pytest.mark.parametrize(
    "path",
    ["rules/nation/other.json", "profiles/nation/VN-TEST-72H.json", "rules/nation/VN-TEST-72H@2.json", "signers.json"],
)
def test_a_file_lies_under_its_own_name(path: str) -> None:
    with pytest.raises(RuleFileError):
        parse_rule_file_at(written(), path)


def test_roles_and_provinces() -> None:
    assert [role_of(None), role_of("vn-sg")] == [NATION, SAIGON]
    assert [province_of(NATION), province_of(SAIGON)] == [None, "vn-sg"]
    for code in ("", "VN", "vn-", "vn--sg", "a" * 9, "../x", "vn-sg\n"):
        with pytest.raises(RuleFileError, match="no province's code"):
            role_of(code)
    for role in ("", "targets", "province", "province-", "vn-sg", "province-VN", "nation\n"):
        with pytest.raises(RuleFileError, match="is no role"):
            parse_rule_file(written(), Role(role))


def test_a_file_is_in_force_from_its_first_moment_to_its_last() -> None:
    second = timedelta(seconds=1)
    bounded, open_ended = file(valid_to=AT + second), file()
    assert [bounded.in_force(AT + n * second) for n in (-1, 0, 1, 2)] == [False, True, True, False]
    assert [open_ended.in_force(AT + n * second) for n in (-1, 0, 1, 10**9)] == [False, True, True, True]


def test_the_newest_counts_within_one_role_only() -> None:
    old, new = file(version=1), file(version=2)
    province, profile = file(version=1, role=SAIGON), file(version=1, kind="profile")
    other, future = file(version=1, id="other"), file(version=9, valid_from=AT + timedelta(days=1))
    assert newest([old, new, province, profile, other, future], AT) == (new, province, profile, other)
    assert newest([new, old], AT) == (new,)
    assert newest([new, old, new], AT) == (new, new)
    assert newest([old, future], AT + timedelta(days=1)) == (future,)
    assert newest([future], AT) == ()
