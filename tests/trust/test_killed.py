"""The power goes while the centre publishes: readers find the publication before or the new one, and it goes on."""

import shutil
from pathlib import Path

from tests.firmware.power import GONE, cut_at
from tests.trust.world import ACCEPTED, REVOKED, Centre, Kiosk, lists, pass_of, rule

STEP = 13  # every so many changes of the disk; with 1 it takes a minute
MOST = 2000


def test_at_many_changes_of_the_disk(centre: Centre, kiosk: Kiosk, tmp_path: Path) -> None:
    centre.quick("revoke", "--format", "uvci", lists(tmp_path, 1))
    centre.quick("add-rules", centre.given("rule.json", rule("OF-ALL")))
    centre.quick("rotate", "timestamp")
    seen = set()
    for number in range(1, MOST, STEP):
        left = Centre(tmp_path / f"centre-{number}")
        shutil.copytree(centre.folder, left.folder, symlinks=True, dirs_exist_ok=True)
        status = cut_at(left.folder, number, left.publish)
        assert status in {GONE, 0}
        readers = [(kiosk.copied(tmp_path / f"{place.name}-{number}"), place) for place in (left.repo, left.web)]
        for reader, place in readers:
            reader.take(place)
            assert reader.answer(pass_of(2)) == ACCEPTED
            seen.add((place.name, reader.answer(pass_of(1))))
        left.publish()
        for reader, place in (*readers, (Kiosk(tmp_path / f"new-{number}"), left.web)):
            reader.take(place)
            assert (reader.answer(pass_of(1)), reader.answer(pass_of(2))) == (REVOKED, ACCEPTED)
            assert reader.rules == {"OF-ALL": 1}
        if status == 0:
            break
    assert status == 0, "it never came to its end"
    assert number > 5 * STEP
    assert seen == {(place, answer) for place in ("repo", "web") for answer in (ACCEPTED, REVOKED)}
