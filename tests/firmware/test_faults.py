from firmware.faults import FAULTS, by_journal, by_reader, changed, gravest


def test_the_gravest_is_shown() -> None:
    assert gravest(set()) is None
    assert gravest({"no-camera", "journal-failed"}) == "journal-failed"
    assert gravest(set(FAULTS)) == "service-state"


def test_a_fault_comes_and_goes_without_the_others() -> None:
    assert changed({"starting"}, "lamp-fault", present=True) == {"starting", "lamp-fault"}
    assert changed({"starting", "lamp-fault"}, "lamp-fault", present=False) == {"starting"}
    assert changed(set(), "lamp-fault", present=False) == set()


def test_what_the_reader_says_changes_only_what_is_the_readers() -> None:
    assert by_reader({"starting", "service-state"}, None) == {"service-state"}
    assert by_reader({"reader-silent", "journal-failed"}, "no-camera") == {"journal-failed", "no-camera"}


def test_the_journal_has_one_fault_at_most_and_it_stays_whatever_the_reader_says() -> None:
    assert by_journal({"starting", "journal-failed"}, "journal-full") == {"starting", "journal-full"}
    assert by_journal({"journal-full", "no-camera"}, None) == {"no-camera"}
    assert by_reader({"journal-full", "starting"}, None) == {"journal-full"}
    assert gravest({"journal-full", "no-camera"}) == "journal-full"
