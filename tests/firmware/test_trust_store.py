"""A trust store: opened whole, and refused where a part is not what it should be."""

import resource
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from firmware import rule_folder
from firmware.timekeeping import BUILD_DATE
from firmware.trust_folder import TrustFolderError, load_trust
from firmware.trust_store import SPARE_FILES, STORES_AT_ONCE, current_of, load_current, load_store
from provisioning.issuer import DemoIssuer
from tests.firmware.stores import Revoked, make_store, profile, use
from verifier import Reason, Refused, Verifier
from verifier.freshness import Freshness, Limits
from verifier.revocation import uci_hash
from verifier.rule_file import NATION, RuleFile, Scope, role_of

NOW = BUILD_DATE + timedelta(days=19)
ISSUED = NOW - timedelta(hours=3)
ISSUER, OTHER = DemoIssuer(NOW), DemoIssuer(NOW)
UCI = "URN:UVCI:01:VN:REVOKED#A"
REVOKED = Revoked("uci", ISSUER.kid, (uci_hash(UCI), bytes(16)))
LIMITS = Freshness(offline_max_days=20, keys=Limits(24, 96), revocations=Limits(24, 72), rules=Limits(24, 48))
RULES = (
    RuleFile("rule", NATION, "VN-1", 1, ISSUED, None, Scope(), {"if": []}),
    RuleFile("profile", role_of("vn-sg"), "VENUE", 2, ISSUED, None, Scope(areas=("VN-SG",)), ["v"]),
)


def whole(folder: Path) -> Path:
    return make_store(
        folder, "3-abcdef12", ISSUED, [ISSUER, OTHER], version=3, freshness=LIMITS, revoked=[REVOKED], rules=RULES
    )


def test_a_store_is_opened_whole(tmp_path: Path) -> None:
    trust = load_store(whole(tmp_path))
    assert (len(trust.signers), trust.demo, trust.store) == (2, True, "3-abcdef12")
    assert trust.knowledge is not None
    assert (trust.knowledge.issued, trust.knowledge.version, trust.knowledge.freshness) == (ISSUED, 3, LIMITS)
    assert trust.knowledge.rules == (profile(), *RULES[::-1])  # profiles before rules


def test_its_signers_and_revocations_judge(tmp_path: Path) -> None:
    trust = load_store(whole(tmp_path))
    judge = Verifier(trust.signers, trust.revocations)
    assert judge.verify(ISSUER.issue(), NOW).reason == Reason.VALID
    revoked = judge.verify(ISSUER.issue({"ci": UCI}), NOW)
    assert isinstance(revoked, Refused)
    assert revoked.reason == Reason.REVOKED
    assert judge.verify(OTHER.issue({"ci": UCI}), NOW).reason == Reason.VALID  # another signer's
    assert judge.verify(DemoIssuer(NOW).issue(), NOW).reason == Reason.UNKNOWN_ISSUER


@pytest.mark.parametrize(
    ("limits", "asked"),
    [
        ((10, 4096), (STORES_AT_ONCE + SPARE_FILES, 4096)),
        ((10, 100), (100, 100)),
        ((10, resource.RLIM_INFINITY), (STORES_AT_ONCE + SPARE_FILES, resource.RLIM_INFINITY)),
        ((4096, 4096), None),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), None),
    ],
    ids=["few", "fewer than it wants", "as many as it wants", "enough", "no limit"],
)
def test_each_set_may_keep_its_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], asked: tuple[int, int] | None
) -> None:
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: raised.append(wanted))
    load_store(whole(tmp_path))
    assert raised == ([asked] if asked else [])


def test_an_opened_store_outlives_its_files(tmp_path: Path) -> None:
    trust = load_store(whole(tmp_path))
    shutil.rmtree(tmp_path / "stores")
    judge = Verifier(trust.signers, trust.revocations)
    assert judge.verify(ISSUER.issue({"ci": UCI}), NOW).reason == Reason.REVOKED


def test_a_set_with_nothing_in_it_revokes_nothing(tmp_path: Path) -> None:
    trust = load_store(make_store(tmp_path, "1-0", ISSUED, [ISSUER], revoked=[Revoked("signature")]))
    assert Verifier(trust.signers, trust.revocations).verify(ISSUER.issue(), NOW).reason == Reason.VALID


def test_a_folder_is_opened_at_the_store_in_use_else_as_plain_files(tmp_path: Path) -> None:
    assert (current_of(tmp_path), load_current(tmp_path)) == (None, None)
    (tmp_path / "plain.der").write_bytes(OTHER.certificate_der)
    plain = load_trust(tmp_path)
    assert (len(plain.signers), plain.knowledge, plain.store) == (1, None, None)
    whole(tmp_path)
    assert load_trust(tmp_path).store is None
    use(tmp_path, "3-abcdef12")
    assert current_of(tmp_path) == "3-abcdef12"
    assert load_trust(tmp_path).store == "3-abcdef12"
    assert load_trust(tmp_path).signers.by_kid(ISSUER.kid)


def test_a_name_that_is_none_is_no_store() -> None:
    assert current_of(Path("a\0b")) is None


def test_a_link_that_leads_nowhere_is_said_and_not_taken_for_plain_files(tmp_path: Path) -> None:
    (tmp_path / "plain.der").write_bytes(OTHER.certificate_der)
    use(tmp_path, "9-gone")
    with pytest.raises(
        TrustFolderError, match=r"stores/9-gone/metadata/timestamp.json: No such file or directory; run"
    ):
        load_trust(tmp_path)


def _cut(name: str) -> Callable[[Path], None]:
    def spoil(store: Path) -> None:
        file = store / name
        file.write_bytes(file.read_bytes()[:-40])

    return spoil


def _gone(name: str) -> Callable[[Path], None]:
    return lambda store: (store / name).unlink()


def _says(name: str, was: str, becomes: str) -> Callable[[Path], None]:
    def spoil(store: Path) -> None:
        file = store / name
        text = file.read_text("utf-8")
        assert was in text
        file.write_text(text.replace(was, becomes), "utf-8")

    return spoil


SET = f"revocations/{REVOKED.name}.set"
SPOILT = {
    "timestamp-gone": (_gone("metadata/timestamp.json"), "metadata/timestamp.json: No such file"),
    "timestamp-cut": (_cut("metadata/timestamp.json"), "metadata/timestamp.json: "),
    "no-issued": (_says("metadata/timestamp.json", "issued", "isued"), "missing required field `issued`"),
    "issued-nowhere": (_says("metadata/timestamp.json", 'Z"', '"'), "issued without a time zone"),
    "issued-at-the-end-of-time": (
        _says("metadata/timestamp.json", f"{ISSUED:%Y}-", "9999-"),
        "issued in the year 9999, which no clock will show",
    ),
    "version-0": (_says("metadata/timestamp.json", '"version":3', '"version":0'), "Expected `int` >= 1"),
    "not-utf-8": (lambda store: (store / "revocations.json").write_bytes(b'{"sets": "\xff"}'), "revocations.json: "),
    "deep": (lambda store: (store / "revocations.json").write_bytes(b'{"a":' * 9999), "revocations.json: "),
    "signers-gone": (_gone("signers.json"), "signers.json: No such file"),
    "signers-cut": (_cut("signers.json"), "the list of signers cannot be read"),
    "freshness-gone": (_gone("freshness.json"), "freshness.json: No such file"),
    "freshness-cut": (_cut("freshness.json"), "the limits of freshness cannot be read"),
    "freshness-folder": (
        lambda store: ((store / "freshness.json").unlink(), (store / "freshness.json").mkdir()),
        "freshness.json: Is a directory",
    ),
    "index-gone": (_gone("revocations.json"), "revocations.json: No such file"),
    "set-elsewhere": (_says("revocations.json", REVOKED.name, "../../x"), "revocations.json: Expected `str` matching"),
    "set-gone": (_gone(SET), f"{SET}: No such file"),
    "set-cut": (_cut(SET), f"{SET}: .* bytes of a revocation set"),
    "set-empty": (lambda store: (store / SET).write_bytes(b""), f"{SET}: empty"),
    "set-another": (_says("revocations.json", '"count":2', '"count":3'), f"{SET}: not the set that revocations.json"),
    "rule-cut": (_cut("rules/nation/VN-1.json"), "rules/nation/VN-1.json: not a rule"),
    "rule-elsewhere": (
        lambda store: (store / "rules/nation/VN-1.json").rename(store / "rules/VN-1.json"),
        "rules/VN-1.json: .* is no place for a rule",
    ),
    "rule-renamed": (
        lambda store: (store / "rules/nation/VN-1.json").rename(store / "rules/nation/VN-2.json"),
        "rules/nation/VN-2.json: .*name it after that",
    ),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_store_with_a_part_that_cannot_be_used_is_none(tmp_path: Path, how: str) -> None:
    store = whole(tmp_path)
    spoil, says = SPOILT[how]
    spoil(store)
    with pytest.raises(TrustFolderError, match=says) as refused:
        load_store(store)
    text = str(refused.value)
    assert text.startswith(str(store))
    assert "\n" not in text
    assert "anew" in text


@pytest.mark.parametrize(("bound", "most"), [("FILE_MAX_BYTES", 100), ("RULES_MAX", 1)])
def test_what_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, most: int) -> None:
    store = whole(tmp_path)
    monkeypatch.setattr(rule_folder, bound, most)
    with pytest.raises(TrustFolderError, match=r"larger than 100 bytes|over 1 rule files"):
        load_store(store)
