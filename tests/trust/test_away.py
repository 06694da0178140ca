"""A kiosk that was away: it catches up, however much was published, and knows how old what it knows is."""

from datetime import datetime, timedelta
from pathlib import Path

from centre.trust.home import TrustHome
from centre.trust.keys import held_keys
from centre.trust.publishing import Publisher
from tests.trust.world import ACCEPTED, NOW, REVOKED, Centre, Kiosk, lists, pass_of

PUBLICATIONS = 40  # more than a chain of deltas has
STALE = ("undecided", "keys-stale")


def test_forty_publications_are_caught_up_with(centre: Centre, kiosk: Kiosk, tmp_path: Path) -> None:
    near = Kiosk(tmp_path / "near")
    for number in range(1, PUBLICATIONS + 1):
        centre.quick("revoke", "--format", "uvci", lists(tmp_path, number))
        centre.publish()
        if number == PUBLICATIONS - 1:
            near.take(centre.web)
    assert kiosk.sync("--from", centre.web)["version"] == PUBLICATIONS + 1
    near.take(centre.web)
    late = Kiosk(tmp_path / "late")
    late.take(centre.web)
    for one in (kiosk, near, late):
        answers = [one.answer(pass_of(number)) for number in (1, 8, 32, 33, PUBLICATIONS, PUBLICATIONS + 1)]
        assert answers == [REVOKED] * 5 + [ACCEPTED]
    sets = {one: (one.store / "current/revocations/any-uci.set").read_bytes() for one in (kiosk, near, late)}
    assert len(set(sets.values())) == 1


def test_keys_were_rotated_meanwhile_again_and_again(centre: Centre, kiosk: Kiosk, tmp_path: Path) -> None:
    for role in ("timestamp", "root", "snapshot", "root", "targets", "root", "root"):
        centre.quick("rotate", role)
        centre.publish()
    centre.quick("revoke", "--format", "uvci", lists(tmp_path, 1))
    assert "root" not in centre.publish()["new"]
    assert kiosk.sync("--from", centre.web)["new"] is True
    assert kiosk.answer(pass_of(1)) == REVOKED
    late = Kiosk(tmp_path / "late")
    late.take(centre.web)
    assert late.answer(pass_of(1)) == REVOKED


def test_a_repository_that_stands_still_ages_and_then_nothing_is_judged(centre: Centre, kiosk: Kiosk) -> None:
    assert kiosk.sync("--from", centre.web)["new"] is False
    knowledge = kiosk.trusted.trust.knowledge
    assert knowledge is not None
    for age, state, answer in (
        (timedelta(hours=71), "fresh", ACCEPTED),
        (timedelta(hours=73), "ageing", ACCEPTED),
        (timedelta(hours=335), "ageing", ACCEPTED),
        (timedelta(hours=337), "stale", STALE),
        (timedelta(days=29), "stale", STALE),
    ):
        at = knowledge.issued + age
        assert knowledge.states(at)["keys"] == state
        assert kiosk.answer(pass_of(1), at) == answer
    centre.publish()
    kiosk.take(centre.web)
    assert kiosk.answer(pass_of(1)) == ACCEPTED


def test_what_was_frozen_until_it_expired_is_refused(tmp_path: Path) -> None:
    centre, kiosk = Centre(tmp_path / "centre"), Kiosk(tmp_path / "kiosk")
    centre.quick("init")
    _published(centre, NOW - timedelta(days=31))
    refused = kiosk.sync("--from", centre.repo, "--root", centre.repo / "root.json", code=65)
    assert "timestamp" in refused["error"]
    assert "publish again" in refused["error"]
    _published(centre, NOW)
    assert kiosk.sync("--from", centre.repo, "--root", centre.repo / "root.json")["version"] == 2


def _published(centre: Centre, at: datetime) -> None:
    """Publish at a time of which this machine is sure."""
    home = TrustHome(centre.home)
    Publisher(home, held_keys(home.keys, []), at, vouched=True).publish([], lambda _done, _total: None)
