"""All roles' rules on one document: which apply, what each says, and what follows.

Chosen as the EU gateway's *Validation Rules* have it: acceptance rules of the country whose lane it is, invalidation
rules of the country that issued the document; for its kind and the lane's region; in force. Of one identifier the
newest version counts (of two files of one version both do), within one signing role only: no province displaces the
nation's rule. Every role's rules must pass, so that each can only tighten. A rule that says neither true nor false is
undecided, with its identifier.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from verifier.areas import covers
from verifier.certlogic import CertLogicError
from verifier.cwt import Claims
from verifier.documents.document import Document
from verifier.future_date import Dating, dating
from verifier.rule import ALL_KINDS, Rule, Version, Words, rule_of
from verifier.rule_file import NATION, SITE, Role, RuleFile, Scope
from verifier.trust import Signer
from verifier.value_sets import ValueSets

Answer = Literal["passed", "failed", "undecided"]
Result = Literal["passed", "failed", "undecided", "none"]
"""What rules say together; none: no acceptance rule for that country and kind."""

_OWN = Role("own")


def _dating(data: Mapping[str, Any]) -> Dating:
    return dating(data["payload"], data["external"]["validationClock"])


def _whole_and_past(data: Mapping[str, Any]) -> bool:
    """Tell whether nothing is dated in the future. Raises: CertLogicError where rules cannot count from a date."""
    found = _dating(data)
    if found == "in-part":
        raise CertLogicError("a date is there in part only: from which day to count, nobody can tell")
    return found == "past"


_EARLIEST, _LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
FUTURE_DATE = Rule(
    id="future-date",
    role=_OWN,
    version=(1, 0, 0),
    number=1,
    type="Invalidation",
    country=None,
    region=None,
    kinds=ALL_KINDS,
    scope=Scope(),
    valid_from=_EARLIEST,
    valid_to=None,
    words=Words("Ngày ghi trên giấy tờ ở tương lai", "Dated in the future"),
    test=lambda data: _dating(data) != "future",
)
"""Our own, before all others, since not every country's rules say so: what is dated in the future is refused."""

_WHOLE_DATES = replace(FUTURE_DATE, test=_whole_and_past)
"""The same where rules count from these dates."""


class Place(NamedTuple):
    """Where a document is shown: a lane in an area (empty: not configured) of a country, named by its profile."""

    country: str
    area: str
    lane: str


class RuleOutcome(NamedTuple):
    """What one rule said; `detail` tells why it is undecided, and names nothing of the holder."""

    rule: Rule
    answer: Answer
    detail: str = ""


class RulesVerdict(NamedTuple):
    """What all rules say together.

    Attributes:
        result: The worst of them.
        ids: Of the rules that failed, or else of those that are undecided, each once, the nation's first.
        words: What the first of these demands that has words in both languages; only where rules failed.
        accepting: The roles that have an acceptance rule for the document.
    """

    result: Result
    ids: tuple[str, ...] = ()
    words: Words | None = None
    accepting: frozenset[Role] = frozenset()

    def seen_by(self, role: Role) -> Result:
        """Return the result as a role's profile counts it: with acceptance rules of its own, or of a role above.

        Otherwise a province that writes a rule where the nation has none would loosen what the nation's profile, or
        another province's, says of documents without rules.
        """
        counts = role in self.accepting or any(_authority(one) < _authority(role) for one in self.accepting)
        return self.result if counts or self.result != "passed" else "none"


class _Selection(NamedTuple):
    """The rules that apply from a moment until before another."""

    since: datetime
    before: datetime
    rules: tuple[Rule, ...]
    accepting: frozenset[Role]


class RuleSet:
    """Rules of all roles, compiled once.

    Args:
        files: Of any roles, times and versions; profiles among them are left out. What cannot be used is undecided
            wherever it would apply.
        value_sets: The codes that rules compare with.
    """

    def __init__(self, files: Iterable[RuleFile], value_sets: ValueSets) -> None:
        rules = (rule_of(file) for file in files if file.kind == "rule")
        self.rules = tuple(sorted(rules, key=lambda rule: (_authority(rule.role), rule.id, _age(rule))))
        self._value_sets = value_sets
        self._invalidating = frozenset(rule.country for rule in self.rules if rule.type != "Acceptance")
        self._selected: dict[tuple[Place, tuple[str, ...], str], _Selection] = {}  # one for each kind of question

    def rules_for(
        self, document: Document, place: Place, at: datetime, signer: Signer | None = None
    ) -> tuple[Rule, ...]:
        """Return the rules that apply to a document at an aware time, our own check first, then the nation's."""
        return self._selection(document, place, at, signer).rules

    def outcomes(
        self, document: Document, place: Place, at: datetime, claims: Claims | None = None, signer: Signer | None = None
    ) -> tuple[RuleOutcome, ...]:
        """Ask every rule that applies, in the order of `rules_for`.

        Args:
            document: Whose signature is good.
            place: Where it is shown.
            at: The moment, with a time zone.
            claims: When it was issued and expires, where that is known.
            signer: Who signed it, where that is known: a document that names no country is of its signer's.
        """
        rules = self._selection(document, place, at, signer).rules
        data = self._data(document, place, at, claims, signer)
        return tuple(RuleOutcome(rule, *_answer(rule, data)) for rule in rules)

    def judged(
        self, document: Document, place: Place, at: datetime, claims: Claims | None = None, signer: Signer | None = None
    ) -> RulesVerdict:
        """Return what all rules that apply say together; arguments as of `outcomes`."""
        selection = self._selection(document, place, at, signer)
        data = self._data(document, place, at, claims, signer)
        if _all_pass(selection.rules, data):
            return RulesVerdict("passed" if selection.accepting else "none", accepting=selection.accepting)
        others = [(rule, answer) for rule in selection.rules if (answer := _answer(rule, data)[0]) != "passed"]
        if failed := [rule for rule, answer in others if answer == "failed"]:
            words = next((rule.words for rule in failed if rule.words is not None), None)
            return RulesVerdict("failed", _ids(failed), words, selection.accepting)
        return RulesVerdict("undecided", _ids(rule for rule, _ in others), None, selection.accepting)

    def _data(
        self, document: Document, place: Place, at: datetime, claims: Claims | None, signer: Signer | None
    ) -> Mapping[str, Any]:
        external = {
            "validationClock": at,
            "valueSets": self._value_sets,
            "countryCode": place.country,
            "region": place.area,
            "issuerCountryCode": _country(document, signer),
            "kid": "" if signer is None else b64encode(signer.kid).decode(),  # as rules in production name keys
            "iat": None if claims is None else _time(claims.issued_s),
            "exp": None if claims is None else _time(claims.expires_s),
        }
        return {"payload": document.payload, "external": external}

    def _selection(self, document: Document, place: Place, at: datetime, signer: Signer | None) -> _Selection:
        country = _country(document, signer)
        issuer = country if country in self._invalidating else ""
        question = (place, document.kinds, issuer)
        selection = self._selected.get(question)
        if selection is None or not selection.since <= at < selection.before:
            selection = self._selected[question] = self._selected_at(question, at)
        return selection

    def _selected_at(self, question: tuple[Place, tuple[str, ...], str], at: datetime) -> _Selection:
        """Choose rules anew, and tell between which moments the choice stays the same."""
        changes = [moment for rule in self.rules for moment in (rule.valid_from, _end(rule))]
        in_force = [rule for rule in self.rules if rule.in_force(at)]
        newest = {(rule.role, rule.id): _age(rule) for rule in in_force}  # the newest comes last
        rules = tuple(
            rule for rule in in_force if _age(rule) == newest[rule.role, rule.id] and _applies(rule, *question)
        )
        return _Selection(
            max((moment for moment in changes if moment <= at), default=_EARLIEST),
            min((moment for moment in changes if moment > at), default=_LATEST),
            (_WHOLE_DATES, *rules) if rules else (FUTURE_DATE,),
            frozenset(rule.role for rule in rules if rule.type == "Acceptance"),
        )


def _country(document: Document, signer: Signer | None) -> str:
    """Return who issued a document; of one that does not say, its signer's country."""
    return document.country or (signer.country if signer is not None else "")


def _applies(rule: Rule, place: Place, kinds: tuple[str, ...], issuer: str) -> bool:
    countries = {"Acceptance": (place.country,), "Invalidation": (issuer,), None: (place.country, issuer)}[rule.type]
    return (
        (rule.country is None or rule.country in countries)
        and not rule.kinds.isdisjoint(kinds)
        and (not rule.scope.lanes or place.lane in rule.scope.lanes)
        and (not place.area or rule.region is None or covers((rule.region,), place.area))
        and (not place.area or not rule.scope.areas or covers(rule.scope.areas, place.area))
    )


def _all_pass(rules: Iterable[Rule], data: Mapping[str, Any]) -> bool:
    """Tell whether every rule says yes, as they do of most documents; who does not is asked for only otherwise."""
    try:
        return all(rule.test(data) is True for rule in rules)
    except CertLogicError:
        return False


def _answer(rule: Rule, data: Mapping[str, Any]) -> tuple[Answer, str]:
    """Ask a rule; return what it says, and why it is undecided."""
    try:
        answer = rule.test(data)
    except CertLogicError as error:
        return "undecided", str(error)
    if answer is True:
        return "passed", ""
    if answer is False:
        return "failed", ""
    return "undecided", f"the rule gives {type(answer).__name__}, neither true nor false"


def _age(rule: Rule) -> tuple[Version, int]:
    """Return what a rule is newer by than another of its identifier."""
    return rule.version, rule.number


def _authority(role: Role) -> int:
    """Return a role's place in the order: our own check, nation, province, site."""
    return {_OWN: -1, NATION: 0, SITE: 2}.get(role, 1)


def _ids(rules: Iterable[Rule]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule.id for rule in rules))


def _end(rule: Rule) -> datetime:
    """Return the first moment at which a rule no longer holds."""
    if rule.valid_to is None or rule.valid_to == _LATEST:
        return _LATEST
    return rule.valid_to + timedelta(microseconds=1)


def _time(epoch_s: float | None) -> datetime | None:
    """Return a time of the claims, None where there is none or the calendar does not have it."""
    try:
        return None if epoch_s is None else datetime.fromtimestamp(epoch_s, UTC)
    except (ValueError, OverflowError, OSError):
        return None
