"""What a province publishes, and what of it the nation takes."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, TargetFile, Targets

from centre.trust.drafts import Draft
from centre.trust.home import TrustError
from centre.trust.keys import held_keys, public_key
from centre.trust.provincial import rotate_province
from centre.trust.repository import Repository
from centre.trust.roles import RoleKeys
from centre.trust.staging import sign_staged
from tests.centre.trust_site import AT, Nation, Territory, rule
from verifier.rule_file import role_of

HERE = "rules/province/vn-sg/VN-TEST-72H.json"


@pytest.fixture
def nation(tmp_path: Path) -> Nation:
    return Nation(tmp_path / "nation")


@pytest.fixture
def saigon(tmp_path: Path, nation: Nation) -> Territory:
    made = Territory(tmp_path)
    made.delegated_by(nation)
    return made


def sg(**fields: object) -> bytes:
    return rule(**{"scope": {"areas": ["VN-SG"], "lanes": []}} | fields)


class Forger:
    """Writes a publication with the province's own key, and anything in it."""

    def __init__(self, territory: Territory) -> None:
        self.territory, self.folder = territory, territory.out
        self.repo = Repository(self.folder)

    def publish(self, files: dict[str, bytes], version: int = 1, **how: object) -> None:
        targets = {path: self.repo.lay_target(path, data) for path, data in files.items()}
        metadata = Metadata(Targets(version, None, AT + timedelta(days=9), targets))
        for name, value in how.items():
            setattr(metadata.signed, name, value)
        self.sign(metadata, version)

    def sign(self, metadata: Metadata[Targets], version: int = 1) -> None:
        (signer,) = held_keys(self.territory.home.keys).values()
        metadata.sign(signer)
        self.repo.lay(role_of("vn-sg"), version, metadata.to_bytes())


def refusal(nation: Nation, *folders: Path) -> str:
    """Publish, with something that is refused, and return why; all else is published."""
    version = nation.repo.timestamp()
    done = nation.publish(*folders)
    assert done.version == (1 if version is None else version.signed.version + 1)
    assert done.taken == []
    (line,) = done.refused
    assert "\n" not in line
    return line


def test_a_province_s_rules_reach_its_kiosks(nation: Nation, saigon: Territory) -> None:
    saigon.add_rule()
    saigon.add_rule("profile", id="VENUE")
    assert saigon.publish().version == 1
    done = nation.publish(saigon.out)
    assert (done.taken, done.refused) == (["vn-sg"], [])
    files = nation.kiosk().files(province="vn-sg")
    assert files[HERE] == sg()
    assert "profiles/province/vn-sg/VENUE.json" in files


def test_taking_needs_the_keys_of_snapshot_and_timestamp_alone(nation: Nation, saigon: Territory) -> None:
    nation.publish()
    nation.carry("root-1", "root-2", "root-3", "targets-1")
    for version in (1, 2, 3):
        saigon.add_rule(version=version)
        saigon.publish()
        done = nation.publish(saigon.out)
        assert done.new == {"province-vn-sg": version, "snapshot": version + 1, "timestamp": version + 1}
    kiosk = nation.kiosk()
    assert kiosk.files(province="vn-sg")[HERE] == sg(version=3)
    assert nation.repo.versions("province-vn-sg") == [2, 3]


def test_the_same_again_takes_nothing_and_publishes_nothing(nation: Nation, saigon: Territory) -> None:
    saigon.add_rule()
    saigon.publish()
    nation.publish(saigon.out)
    assert not saigon.publish().new
    done = nation.publish(saigon.out)
    assert (done.taken, done.refused, done.new) == ([], [], {"timestamp": 2})


def test_two_provinces_are_taken_at_once_and_one_s_fault_is_its_own(
    nation: Nation, saigon: Territory, tmp_path: Path
) -> None:
    hanoi = Territory(tmp_path, "vn-hn")
    hanoi.delegated_by(nation)
    for one in (saigon, hanoi):
        one.add_rule()
        one.publish()
    (path,) = saigon.out.glob("targets/rules/province/vn-sg/*")
    path.write_bytes(path.read_bytes()[::-1])
    done = nation.publish(saigon.out, hanoi.out)
    assert done.taken == ["vn-hn"]
    assert "is not what was signed" in done.refused[0]
    assert nation.kiosk().files(province="vn-hn")


def test_a_province_of_two_keys_is_completed_by_the_second(nation: Nation, tmp_path: Path) -> None:
    two = Territory(tmp_path, "vn-ct", number=2, threshold=2)
    two.delegated_by(nation, threshold=2)
    two.add_rule()
    stick = tmp_path / "stick"
    stick.mkdir()
    shutil.move(two.home.keys / "province-vn-ct-2.pem", stick)
    with pytest.raises(TrustError, match=r"1 of 2 signatures, missing of province-vn-ct-2 \("):
        two.publish()
    assert not two.out.exists()
    sign_staged(two.home.province("vn-ct") / "staged.json", held_keys(stick))
    assert two.publish().new
    assert nation.publish(two.out).taken == ["vn-ct"]
    assert nation.kiosk().files(province="vn-ct")


def test_a_province_rotates_its_key(nation: Nation, saigon: Territory) -> None:
    saigon.add_rule()
    saigon.publish()
    nation.publish(saigon.out)
    assert rotate_province(saigon.home, "vn-sg", saigon.home.keys) == ("province-vn-sg-2", "province-vn-sg-1")
    saigon.publish()
    assert nation.publish(saigon.out).taken == ["vn-sg"]  # signed by both
    (saigon.home.keys / "province-vn-sg-1.pub").unlink()
    saigon.delegated_by(nation)
    assert nation.publish().warnings == []
    (saigon.home.keys / "province-vn-sg-1.pem").unlink()
    saigon.add_rule(version=2)
    saigon.publish()
    assert nation.publish(saigon.out).taken == ["vn-sg"]
    assert nation.kiosk().files(province="vn-sg")[HERE] == sg(version=2)


def test_keys_that_were_taken_away_leave_what_is_published_to_be_signed_anew(
    nation: Nation, saigon: Territory, tmp_path: Path
) -> None:
    saigon.add_rule()
    saigon.publish()
    nation.publish(saigon.out)
    other = Territory(tmp_path / "other")
    other.delegated_by(nation)
    assert nation.publish().warnings == [
        "province-vn-sg: not signed by the keys that it has now: it has to publish again"
    ]
    with pytest.raises(UnsignedMetadataError):
        nation.kiosk().files(province="vn-sg")
    saigon.add_rule(version=2)
    saigon.publish()
    assert "0 of 1 signatures" in nation.publish(saigon.out).refused[0]
    other.add_rule(version=3)
    other.publish()
    assert "version 1 is not newer than 1" in nation.publish(other.out).refused[0]
    other.add_rule(version=4)
    other.publish()
    assert nation.publish(other.out).taken == ["vn-sg"]
    assert nation.kiosk().files(province="vn-sg")[HERE] == sg(version=4)


# --- refused


@pytest.mark.parametrize(
    "path",
    [
        "rules/nation/VN-TEST-72H.json",
        "rules/province/vn-hn/VN-TEST-72H.json",
        "rules/province/vn-sg/deeper/VN-TEST-72H.json",
        "rules/province/vn-sg/../vn-hn/VN-TEST-72H.json",
        "signers.json",
        "freshness.json",
        "revocations/any-uci/00.00000000.part",
        "rules/province/vn-sg/notes.txt",
    ],
)
def test_a_path_of_somebody_else_is_refused(nation: Nation, saigon: Territory, path: str) -> None:
    Forger(saigon).publish({path: sg()})
    assert "place" in refusal(nation, saigon.out)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{}", "not a rule or a profile"),
        (b"\xff\xfe", "not a rule or a profile"),
        (sg(id="OTHER"), "name it after that"),
        (rule(), "speaks for itself only"),
        (sg(scope={"areas": ["VN"], "lanes": []}), "speaks for itself only"),
        (sg(scope={"areas": ["VN-SG", "VN-HN"], "lanes": []}), "speaks for itself only"),
        (b"[" * 60_000, "not a rule or a profile"),
        (sg(rule="x" * 70_000), "too large"),
    ],
    ids=["no-rule", "no-text", "another-id", "everywhere", "the-nation", "a-neighbour", "deep", "large"],
)
def test_a_file_that_no_kiosk_should_use_is_refused(nation: Nation, saigon: Territory, data: bytes, why: str) -> None:
    Forger(saigon).publish({HERE: data})
    assert why in refusal(nation, saigon.out)
    assert not list(nation.home.repo.glob("targets/rules/province/*/*"))


def test_a_stranger_s_signature_is_refused(nation: Nation, saigon: Territory, tmp_path: Path) -> None:
    stranger = Territory(tmp_path / "stranger")
    stranger.add_rule()
    stranger.publish()
    assert "province-vn-sg: 0 of 1 signatures, missing of province-vn-sg-1" in refusal(nation, stranger.out)
    assert saigon.code == stranger.code


def test_a_threshold_that_is_not_reached_is_refused(nation: Nation, tmp_path: Path) -> None:
    two = Territory(tmp_path, number=2, threshold=1)
    keys = [public_key(path) for path in sorted(two.home.keys.glob("*.pub"))]
    both = {key.keyid: key.to_dict() for key in keys}
    Draft(nation.home).delegate("vn-sg", RoleKeys("province-vn-sg", 2, both))
    (two.home.keys / "province-vn-sg-2.pem").unlink()
    two.add_rule()
    two.publish()
    assert "1 of 2 signatures, missing of province-vn-sg-2" in refusal(nation, two.out)


def test_a_province_that_nobody_delegated_to_is_refused(nation: Nation, tmp_path: Path) -> None:
    unknown = Territory(tmp_path, "vn-hn")
    unknown.add_rule()
    unknown.publish()
    assert "has not delegated to it" in refusal(nation, unknown.out)


def test_an_older_version_is_refused(nation: Nation, saigon: Territory) -> None:
    forger = Forger(saigon)
    forger.publish({HERE: sg()}, version=2)
    nation.publish(saigon.out)
    shutil.rmtree(saigon.out)
    forger.publish({HERE: sg()}, version=1)
    assert "version 1 is not newer than 2" in refusal(nation, saigon.out)


def test_the_same_version_with_another_content_is_refused(nation: Nation, saigon: Territory) -> None:
    forger = Forger(saigon)
    forger.publish({HERE: sg()})
    nation.publish(saigon.out)
    shutil.rmtree(saigon.out)
    forger.publish({HERE: sg(version=2)})
    assert "version 1 is not newer than 1" in refusal(nation, saigon.out)


def test_a_file_s_name_with_another_version_in_it_is_refused(nation: Nation, saigon: Territory) -> None:
    Forger(saigon).publish({HERE: sg()})
    (saigon.out / "metadata/1.province-vn-sg.json").rename(saigon.out / "metadata/7.province-vn-sg.json")
    assert "the file of version 7 says 1" in refusal(nation, saigon.out)


def test_what_ended_is_refused(nation: Nation, saigon: Territory) -> None:
    Forger(saigon).publish({HERE: sg()}, expires=AT)
    assert "ended on 2026-11-22" in refusal(nation, saigon.out)


def test_a_province_cannot_delegate(nation: Nation, saigon: Territory) -> None:
    (signer,) = held_keys(saigon.home.keys).values()
    below = DelegatedRole("below", [signer.public_key.keyid], 1, terminating=True, paths=["rules/province/vn-sg/*"])
    delegations = Delegations({signer.public_key.keyid: signer.public_key}, {"below": below})
    Forger(saigon).publish({HERE: sg()}, delegations=delegations)
    assert "delegates to others" in refusal(nation, saigon.out)


def test_more_files_than_anybody_needs_are_refused(nation: Nation, saigon: Territory) -> None:
    file = TargetFile(1, {"sha256": "0" * 64}, "x")
    many = {f"rules/province/vn-sg/R{number}.json": file for number in range(1001)}
    Forger(saigon).publish({}, targets=many)
    assert "more than 1000 files" in refusal(nation, saigon.out)


@pytest.mark.parametrize(
    "file",
    [
        TargetFile(9, {"sha256": "../../../../etc/passwd"}, HERE),
        TargetFile(9, {"sha512": "0" * 128}, HERE),
        TargetFile(9, {"sha256": "0" * 64, "sha512": "0" * 128}, HERE),
        TargetFile(0, {"sha256": "0" * 64}, HERE),
        TargetFile(10**12, {"sha256": "0" * 64}, HERE),
    ],
    ids=["a-path", "another-hash", "two-hashes", "empty", "endless"],
)
def test_a_file_that_is_signed_strangely_is_refused(nation: Nation, saigon: Territory, file: TargetFile) -> None:
    Forger(saigon).publish({}, targets={HERE: file})
    assert "not signed by its SHA-256" in refusal(nation, saigon.out)


def gone(path: Path) -> None:
    path.unlink()


def linked(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" ")


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [gone, linked, longer, folder], ids=lambda one: one.__name__)
@pytest.mark.parametrize("which", ["targets/rules/province/vn-sg/*.json", "metadata/1.province-vn-sg.json"])
def test_a_stick_that_was_tampered_with_is_refused(
    nation: Nation, saigon: Territory, harm: Callable[[Path], None], which: str
) -> None:
    saigon.add_rule()
    saigon.publish()
    (path,) = saigon.out.glob(which)
    harm(path)
    if which.startswith("metadata") and harm is longer:
        assert nation.publish(saigon.out).taken == ["vn-sg"]  # a space more is the same JSON, which is what is signed
        return
    assert str(saigon.out) in refusal(nation, saigon.out)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\xff", b"[" * 100_000, b'{"signed":{"_type":"root"},"signatures":[]}']
)
def test_metadata_that_is_none_is_refused(nation: Nation, saigon: Territory, content: bytes) -> None:
    Repository(saigon.out).lay("province-vn-sg", 1, content)
    assert "cannot be read" in refusal(nation, saigon.out)


def test_a_folder_without_a_publication_is_refused(nation: Nation, tmp_path: Path) -> None:
    assert "holds no province's publication" in refusal(nation, tmp_path / "nowhere")


def test_a_province_s_machine_takes_no_rule_for_others(saigon: Territory) -> None:
    with pytest.raises(TrustError, match="speaks for itself only"):
        saigon.add_rule(scope={"areas": ["VN-HN"], "lanes": []})


def test_more_bytes_than_a_kiosk_takes_are_refused(nation: Nation, saigon: Territory) -> None:
    many = {
        f"rules/province/vn-sg/R{number}.json": TargetFile(60_000, {"sha256": "0" * 64}, "x") for number in range(300)
    }
    Forger(saigon).publish({}, targets=many)
    assert "files of over 16777216 bytes" in refusal(nation, saigon.out)
