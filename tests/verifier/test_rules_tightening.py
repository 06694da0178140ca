"""More rules never let more through: whoever adds a file of its own can only tighten."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.verifier.rule_files import AT, LANE, NEITHER, NO, SAIGON, YES, Shown, contained, rule_body
from verifier.rule_file import NATION, SITE, RuleFile, Scope
from verifier.rules import RuleSet

ROLES = (NATION, SAIGON, SITE)
LOOSENED = {("failed", "passed"), ("failed", "none"), ("failed", "undecided")} | {
    ("undecided", "passed"),
    ("undecided", "none"),
}
fields = st.fixed_dictionaries(
    {
        "Logic": st.sampled_from([YES, YES, NO, NEITHER, {"+": [1, 1]}]),
        "Version": st.sampled_from(["1.0.0", "1.9.0", "1.10.0"]),
    },
    optional={
        "Type": st.sampled_from(["Acceptance", "Invalidation", "Advice"]),
        "Country": st.sampled_from(["VN", "DE", None]),
        "CertificateType": st.sampled_from(["General", "Test", "Boat"]),
        "EngineVersion": st.just("9.0.0"),
        "Region": st.sampled_from(["VN-SG", "VN-HN"]),
        "ValidTo": st.just("2026-06-01T11:00:00Z"),
    },
)
scopes = st.sampled_from([Scope(), Scope(("VN-SG",)), Scope(("VN-HN",)), Scope((), ("venue",)), Scope((), ("staff",))])


def made(name: str, role: Any, number: int, body: dict[str, Any], scope: Scope) -> RuleFile:  # noqa: ANN401 - a role
    return contained(rule_body(name, **body), role, number, scope)


names = st.sampled_from(["A", "B", "C"])
files = st.builds(made, names, st.sampled_from(ROLES), st.integers(1, 3), fields, scopes)
dates = st.sampled_from([{}, {"v": [{"dt": "2026-06-09"}]}, {"v": [{"dt": "2026-05-01"}]}])


@given(st.lists(files, max_size=6), files, dates)
def test_another_identifiers_file_only_tightens(
    before: list[RuleFile], added: RuleFile, payload: dict[str, Any]
) -> None:
    added = added._replace(id="NEW", body=added.body | {"Identifier": "NEW"})
    shown = Shown(payload)
    was, now = (RuleSet(rules, {}).judged(shown, LANE, AT) for rules in (before, [*before, added]))
    for role in ROLES:
        assert (was.seen_by(role), now.seen_by(role)) not in LOOSENED
        if ROLES.index(added.role) > ROLES.index(role):
            assert (was.seen_by(role), now.seen_by(role)) != ("none", "passed")


@given(st.lists(files, max_size=6), st.integers(1, 9), scopes)
def test_a_lower_roles_newer_version_does_not_loosen_the_nations(
    before: list[RuleFile], number: int, scope: Scope
) -> None:
    added = [made(name, SITE, number, {"Logic": YES, "Version": "9.9.9"}, scope) for name in "ABC"]
    others = [file for file in before if file.role != SITE]
    was, now = (RuleSet(rules, {}).judged(Shown(), LANE, AT) for rules in (others, [*others, *added]))
    for role in (NATION, SAIGON):
        assert was.seen_by(role) == now.seen_by(role)


@given(st.lists(files, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_files_does_not_matter(some: list[RuleFile], random: Any) -> None:  # noqa: ANN401 - Random or its like
    shuffled = list(some)
    was = RuleSet(shuffled, {}).judged(Shown(), LANE, AT)
    random.shuffle(shuffled)
    assert RuleSet(shuffled, {}).judged(Shown(), LANE, AT) == was
