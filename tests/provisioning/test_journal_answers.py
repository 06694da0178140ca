"""Answers of the centre and the device's keys: only what this journal reproduces and the centre signed is deleted."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers.clock.system import SystemClock
from firmware.export import ack_name, encode_acks, read_export
from firmware.wire import Ack
from provisioning import journal_stick
from tests.firmware.journals import recorded
from tests.pki import LIFE, Pki
from tests.provisioning.journal_site import Site, acks_in, answer, events

PKI = Pki.shared()
CENTRE = PKI.signer("centre.import")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "root", tmp_path / "stick").make()


def test_an_answer_that_the_journal_does_not_reproduce_deletes_nothing(site: Site) -> None:
    site.record(1, 2)
    site.export()
    path = answer(site)
    (ack,) = acks_in(path)
    forged = {
        "ack-does-not-fit": [replace(ack, digest=bytes(32))],
        "ack-of-another-device": [replace(ack, device="gate-2")],
        "ack-of-another-journal": [replace(ack, epoch=bytes(8))],
    }
    for event, acks in forged.items():
        path.write_bytes(encode_acks(acks, CENTRE))
        done = site.export()
        said = [result["event"] for result in done.results]
        assert event in said or event.split("-")[-1] in done.err, event
        assert (done.code, len(recorded(site.journal)), path.exists()) == (0, 2, True)
    for up_to in (1, 3, 2**63 - 1):
        path.write_bytes(encode_acks([replace(ack, up_to=up_to)], CENTRE))
        site.export()
        assert len(recorded(site.journal)) == 2
    path.write_bytes(b"GGACK1\n\0" + os.urandom(100))
    done = site.export()
    assert (done.code, len(recorded(site.journal))) == (0, 2)
    assert "left alone" in done.err


def test_an_answer_that_the_centre_did_not_sign_deletes_nothing(site: Site) -> None:
    site.record(1, 2)
    site.export()
    path = answer(site)
    acks = acks_in(path)
    for signer in (PKI.signer("gate-1"), Pki().signer("centre.import")):
        path.write_bytes(encode_acks(acks, signer))
        done = site.export()
        assert (done.code, len(recorded(site.journal)), path.exists()) == (0, 2, True)
        assert "not signed by this device's centre" in done.err


def test_an_answer_of_a_certificate_that_is_over_counts_where_nobody_vouches_for_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = Pki(since=datetime.now(UTC) - LIFE - timedelta(days=1))
    site = Site(tmp_path / "root", tmp_path / "stick").make(over)
    site.record(1)
    site.export()
    (name,) = site.files()
    (one,) = read_export((site.stick / name).read_bytes(), over.authority)
    ack = Ack("gate-1", one.header.epoch, 1, one.header.digest)
    answered = site.stick / ack_name("gate-1", ack.epoch, 1)
    answered.write_bytes(encode_acks([ack], over.signer("centre.import")))
    monkeypatch.setattr(SystemClock, "synchronised", lambda _: True)
    assert "is over" in site.export().err
    assert len(recorded(site.journal)) == 1
    monkeypatch.setattr(SystemClock, "synchronised", lambda _: False)
    assert events(site)[0] == "acknowledged"
    assert recorded(site.journal) == []


def test_very_many_answers_that_do_not_fit_cost_no_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.record(1, 2)
    site.export()
    path = answer(site)
    (ack,) = acks_in(path)
    path.write_bytes(encode_acks([replace(ack, digest=bytes([one]) * 32) for one in range(200)], CENTRE))
    asked: list[object] = []
    monkeypatch.setattr(journal_stick, "apply_ack", lambda *given: asked.append(given))
    done = site.export()
    assert (len(asked), len(recorded(site.journal))) == (1, 2)
    assert "200" in done.err


def test_what_was_blanked_meanwhile_is_sent_again(site: Site) -> None:
    site.record(1, 2)
    site.export()
    answer(site)
    with site.opened() as journal:
        assert journal.sweep(0, 2**47, 0).changed == 2
    assert "acknowledged" not in events(site)
    assert len(recorded(site.journal)) == 2


def test_a_lost_stick_shows_no_checkin(site: Site) -> None:
    (one,) = site.record(1)
    site.export()
    data = (site.stick / site.files()[0]).read_bytes()
    for said in (one.id.bytes, one.pseudonym or b"", one.lane.encode(), b"accepted", b"vaccination"):
        assert said
        assert said not in data


@pytest.mark.parametrize(
    ("missing", "code", "cure"),
    [
        ("ca.pem", 69, "greengate enrol"),
        ("device.pem", 69, "greengate enrol"),
        ("device.key", 69, "greengate enrol"),
        ("centre.pem", 69, "greengate renew"),
    ],
)
def test_without_a_key_one_line_says_what_to_do(site: Site, missing: str, code: int, cure: str) -> None:
    site.record(1)
    (site.identity / missing).unlink()
    done = site.export()
    assert (done.code, len(done.err.splitlines()), site.files()) == (code, 1, [])
    assert cure in done.err
    (site.identity / missing).write_bytes(b"nonsense")
    done = site.export()
    assert (done.code, len(done.err.splitlines())) == (78, 1)


def test_keys_of_another_device_or_of_another_centre_are_told(site: Site) -> None:
    site.record(1)
    PKI.files(site.identity, "gate-2")
    assert site.export().result["code"] == "keys-of-another"
    PKI.files(site.identity, "gate-1")
    (site.identity / "centre.pem").write_bytes(Pki().keys_pem())
    done = site.export()
    assert (done.code, "another authority's" in done.err) == (78, True)
