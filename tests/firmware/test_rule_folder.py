"""Rules, profiles and value sets beside whatever is trusted: in a store, in a plain folder, and a site's own."""

from pathlib import Path

import msgspec
import pytest

from firmware import rule_folder
from firmware.trust_data import Trust
from firmware.trust_folder import TrustFolderError, load_trust
from provisioning.issuer import DemoIssuer
from tests.firmware.stores import ANY_DOCUMENT, make_store, profile, use
from tests.verifier.rule_files import AT, contained, encoded, rule_body
from verifier import Reason
from verifier.profile import BUILT_IN
from verifier.rule_file import NATION, SITE, RuleFile, path_of
from verifier.value_sets import encode_value_sets

ISSUER = DemoIssuer(AT)
SETS = {"country-2-codes": frozenset({"VN"})}


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    folder = tmp_path / "trust"
    folder.mkdir()
    (folder / "demo.der").write_bytes(ISSUER.certificate_der)
    return folder


def put(folder: Path, *files: RuleFile) -> Path:
    """Lay files as their publishers do, a site's own flat."""
    for file in files:
        path = folder / (
            f"{file.kind}s/{file.id}.json" if file.role == SITE else path_of(file.kind, file.role, file.id)
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(file))
    return folder


def ids(trust: Trust) -> list[str]:
    return [rule.id for rule in trust.rules.rules]


def test_a_folder_without_rules_has_none_and_asks_for_any_document(plain: Path) -> None:
    trust = load_trust(plain)
    assert ids(trust) == []
    assert trust.profiles.chosen("anything", None, AT) == (BUILT_IN,)


def test_a_plain_folder_has_rules_where_a_repository_has_them(plain: Path) -> None:
    put(plain, contained(rule_body()), profile())
    (plain / "value-sets.json").write_bytes(encode_value_sets(SETS))
    trust = load_trust(plain)
    assert ids(trust) == ["VR-VN-0001"]
    assert trust.rules._value_sets == SETS
    assert trust.profiles.chosen("other", None, AT) == Reason.PROFILE_MISSING
    (found,) = trust.profiles.chosen("default", None, AT)
    assert (found.role, len(found.all)) == (NATION, 1)


def test_a_site_s_own_stand_beside_a_plain_folder_s_and_a_store_s(plain: Path, tmp_path: Path) -> None:
    site = put(tmp_path / "site", contained(rule_body("VR-VN-0009"), SITE), profile(role=SITE))
    assert ids(load_trust(plain, site)) == ["VR-VN-0009"]
    (alone,) = load_trust(plain, site).profiles.chosen("default", None, AT)
    assert alone.role == SITE
    make_store(plain, "1-a", AT, [ISSUER], rules=[contained(rule_body())])
    use(plain, "1-a")
    trust = load_trust(plain, site)
    assert ids(trust) == ["VR-VN-0001", "VR-VN-0009"]
    assert [one.role for one in trust.profiles.chosen("default", None, AT)] == [NATION, SITE]


def test_with_a_store_a_site_s_profile_alone_is_none(plain: Path, tmp_path: Path) -> None:
    site = put(tmp_path / "site", profile(role=SITE, name="venue"))
    make_store(plain, "1-a", AT, [ISSUER])
    use(plain, "1-a")
    assert load_trust(plain, site).profiles.chosen("venue", None, AT) == Reason.PROFILE_MISSING


def test_a_rule_that_a_newer_program_would_know_keeps_no_kiosk_from_starting(plain: Path) -> None:
    newer = rule_body("VR-VN-0002", EngineVersion="9.0.0")
    make_store(plain, "1-a", AT, [ISSUER], rules=[contained(newer), contained(rule_body())])
    use(plain, "1-a")
    assert {rule.id: rule.problem is None for rule in load_trust(plain).rules.rules} == {
        "VR-VN-0001": True,
        "VR-VN-0002": False,
    }


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("rules/nation/A.json", b"{}", "not a rule or a profile"),
        ("rules/A.json", b"{}", "no place for a rule"),
        ("value-sets.json", b"[]", "not a file of value sets"),
        ("profiles/nation/A.json", b"\xff", "not a rule or a profile"),
    ],
)
def test_a_file_that_is_none_is_named_with_the_cure(plain: Path, name: str, content: bytes, says: str) -> None:
    path = plain / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(TrustFolderError, match=f"{name}: .*{says}.*; name a file that can be read"):
        load_trust(plain)


def test_value_sets_that_a_link_leads_away_from_are_missed(plain: Path) -> None:
    (plain / "value-sets.json").symlink_to("nowhere")
    with pytest.raises(TrustFolderError, match=r"value-sets.json: No such file"):
        load_trust(plain)


def test_rules_that_cannot_be_listed_are_missed(plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (plain / "rules").symlink_to("nowhere")
    with pytest.raises(TrustFolderError, match=r"trust/rules: No such file.*; name a file that can be read"):
        load_trust(plain)
    (plain / "rules").unlink()
    site = tmp_path / "site"
    site.mkdir()
    (site / "profiles").write_text("a file")
    with pytest.raises(TrustFolderError, match=r"site/profiles: Not a directory; .*profile.folder"):
        load_trust(plain, site)

    def denied(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "lstat", denied)
    with pytest.raises(TrustFolderError, match=r"site/rules: Permission denied; .*profile.folder"):
        load_trust(plain, site)


def test_a_site_s_rules_lie_as_deep_as_they_like(plain: Path, tmp_path: Path) -> None:
    folder = put(tmp_path / "site/rules", contained(rule_body(), role=SITE)).parent
    (folder / "rules/rules").rename(folder / "rules/winter")
    assert ids(load_trust(plain, folder)) == ["VR-VN-0001"]


def test_a_site_s_folder_has_to_be_one(plain: Path, tmp_path: Path) -> None:
    with pytest.raises(TrustFolderError, match=r"nowhere: no folder: .*profile.folder"):
        load_trust(plain, tmp_path / "nowhere")
    put(tmp_path / "site", RuleFile("profile", SITE, "x", 1, AT, None, profile().scope, ANY_DOCUMENT))
    (tmp_path / "site/profiles/y.json").write_bytes(msgspec.json.encode({"id": "y"}))
    with pytest.raises(TrustFolderError, match=r"site/profiles/y.json: .*profile.folder"):
        load_trust(plain, tmp_path / "site")


def test_more_files_than_any_nation_has_are_not_read(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_folder, "RULES_MAX", 0)
    put(plain, profile())
    with pytest.raises(TrustFolderError, match="over 0 rule files"):
        load_trust(plain)


def test_a_file_longer_than_any_is_not_read_on(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_folder, "FILE_MAX_BYTES", 9)
    put(plain, profile())
    with pytest.raises(TrustFolderError, match="larger than 9 bytes"):
        load_trust(plain)
