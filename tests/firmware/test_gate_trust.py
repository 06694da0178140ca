"""The gate at work while its trust data grow old, are replaced, or cannot be used."""

from datetime import timedelta
from pathlib import Path

import pytest

from drivers.signal.simulated import last_lamps
from firmware.checkin import milliseconds
from firmware.events import TrustLoaded, TrustUnreadable
from firmware.journal_reader import JournalReader
from firmware.messages import Health, Shown
from provisioning.issuer import DemoIssuer
from tests.firmware.stores import Revoked, make_store, use
from tests.firmware.test_gate import NOW, Running, running_gate
from verifier.freshness import Freshness, Limits
from verifier.revocation import uci_hash

MINUTE = timedelta(minutes=1)
OTHER = DemoIssuer(NOW)
UCI = "URN:UVCI:01:VN:SWITCH#A"
LIMITS = Freshness(offline_max_days=30, keys=Limits(24, 96), revocations=Limits(24, 72), rules=Limits(24, 96))


def switched(running: Running, name: str) -> None:
    """Put a store in use and let the gate find it."""
    use(running.site.config.trust.folder, name)
    settle(running)


def settle(running: Running) -> None:
    for _ in range(2):
        running.clock.advance(1)
        running.see()
        thread = running.gate._switch._thread
        if thread is not None:
            thread.join(10)
    running.clock.advance(1)
    running.see()
    running.told()  # who does not listen is dropped


def answer(running: Running, text: str) -> str:
    """Show a code after whatever was shown before is forgotten; return the reason."""
    running.clock.advance(10)
    running.see()
    running.see(text)
    return [event.reason for event in running.told() if isinstance(event, Shown)][-1]


def health(running: Running) -> Health:
    running.clock.advance(1)
    running.see()
    return [event for event in running.told() if isinstance(event, Health)][-1]


def codes(running: Running) -> set[str]:
    return {notice.code for notice in health(running).notices}


def test_another_store_judges_from_the_next_turn_on(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        ours, folder = running.site.issuer, running.site.config.trust.folder
        pass_, others = ours.issue({"ci": UCI}), OTHER.issue()
        make_store(folder, "1-a", NOW, [ours])
        revoked = Revoked("uci", ours.kid, (uci_hash(UCI),))
        make_store(folder, "2-b", NOW + MINUTE, [ours, OTHER], version=2, revoked=[revoked])
        switched(running, "1-a")
        assert (answer(running, pass_), answer(running, others)) == ("valid", "unknown-issuer")
        assert (answer(running, pass_), answer(running, others)) == ("valid", "unknown-issuer")
        switched(running, "2-b")
        assert (answer(running, pass_), answer(running, others)) == ("revoked", "valid")
        told = health(running).knowledge
        assert told is not None
        assert (told.version, told.keys) == (2, "fresh")
        loaded = [event for event in running.logged if isinstance(event, TrustLoaded)]
        assert [(event.version, event.signers) for event in loaded] == [(1, 1), (2, 2)]
    with JournalReader(tmp_path / "journal.db") as journal:
        notes = [note.text for note in journal.diagnostics(10) if note.code == "trust-loaded"]
        issued_ms = journal.trust_ms()
    assert notes == ["1-a", "2-b"]
    assert issued_ms == milliseconds(NOW + MINUTE)  # which the uplink tells the centre


def test_a_light_that_was_given_stays_over_a_switch(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        folder = running.site.config.trust.folder
        make_store(folder, "1-a", NOW, [OTHER])
        use(folder, "1-a")
        running.see(running.site.good())
        for _ in range(2):
            running.clock.advance(1)
            running.see()
            if running.gate._switch._thread:
                running.gate._switch._thread.join(10)
        assert last_lamps(running.site.config.lamp_history).green
        running.clock.advance(2)
        running.see()
        assert not last_lamps(running.site.config.lamp_history).green


def test_a_store_that_cannot_be_used_leaves_the_one_before_is_logged_once_and_noticed(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        ours, folder = running.site.issuer, running.site.config.trust.folder
        make_store(folder, "1-a", NOW, [ours])
        (make_store(folder, "2-b", NOW, [ours], version=2) / "freshness.json").unlink()
        switched(running, "1-a")
        switched(running, "2-b")
        assert "trust-unreadable" in codes(running)
        for _ in range(130):  # it is tried again, and told of no more
            settle(running)
        assert answer(running, running.site.good()) == "valid"
        problems = [event.why for event in running.logged if isinstance(event, TrustUnreadable)]
        assert len(problems) == 1
        assert problems[0].startswith(f"{folder}/stores/2-b/freshness.json: No such file or directory; run greengate")
        make_store(folder, "3-c", NOW, [ours], version=3)
        switched(running, "3-c")
        assert "trust-unreadable" not in codes(running)
        told = health(running).knowledge
        assert told is not None
        assert told.version == 3


@pytest.mark.parametrize(
    ("hours", "reason", "notices"),
    [
        (23, "valid", set()),
        (25, "valid", {"keys-ageing", "revocations-ageing", "rules-ageing"}),
        (71, "valid", {"keys-ageing", "revocations-ageing", "rules-ageing"}),
        (73, "revocations-stale", {"keys-ageing", "revocations-overdue", "rules-ageing"}),
        (97, "keys-stale", {"keys-overdue", "revocations-overdue", "rules-overdue"}),
    ],
)
def test_what_ages_is_warned_of_and_what_is_stale_judges_nobody(
    tmp_path: Path, hours: int, reason: str, notices: set[str]
) -> None:
    with running_gate(tmp_path) as running:
        folder = running.site.config.trust.folder
        make_store(folder, "1-a", NOW - timedelta(hours=hours), [running.site.issuer], freshness=LIMITS)
        switched(running, "1-a")
        assert answer(running, running.site.good()) == reason
        assert answer(running, running.site.expired()) == ("expired" if reason == "valid" else reason)
        assert codes(running) - {"demo", "no-rules", "uplink-silent"} == notices
        lamps = last_lamps(running.site.config.lamp_history)
        assert not lamps.green
    verdicts = {checkin.verdict for checkin in running.rows()}
    assert verdicts == ({"accepted", "refused"} if reason == "valid" else {"undecided"})


def test_newer_trust_data_end_what_was_stale(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        folder = running.site.config.trust.folder
        make_store(folder, "1-a", NOW - timedelta(days=20), [running.site.issuer])
        make_store(folder, "2-b", NOW, [running.site.issuer], version=2)
        switched(running, "1-a")
        assert answer(running, running.site.good()) == "keys-stale"
        switched(running, "2-b")
        assert answer(running, running.site.good()) == "valid"


def test_the_same_code_gets_the_same_answer_over_a_switch_that_changes_nothing_about_it(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        folder = running.site.config.trust.folder
        texts = (running.site.good(), running.site.expired(), OTHER.issue(), "https://example.org/menu")
        answers = []
        for version, name in enumerate(("1-a", "2-b", "3-c"), start=1):
            make_store(folder, name, NOW, [running.site.issuer], version=version)
            switched(running, name)
            answers.append([answer(running, text) for text in texts])
        assert answers == [["valid", "expired", "unknown-issuer", "online-only"]] * 3
