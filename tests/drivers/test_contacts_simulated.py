"""Simulated contacts: words through a named pipe, from whoever may write there."""

from __future__ import annotations

import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from drivers.contacts import QUEUE_MAX, open_contacts
from drivers.contacts.simulated import SimulatedContacts
from drivers.errors import DeviceMissingError

if TYPE_CHECKING:
    from pathlib import Path


def test_another_process_presses_and_passes(tmp_path: Path) -> None:
    pipe = tmp_path / "contacts"
    with open_contacts("simulated", pipe=pipe) as contacts:
        assert stat.S_IMODE(pipe.stat().st_mode) == 0o600
        for word in ("press", "pass"):
            subprocess.run(["sh", "-c", f"echo {word} > {pipe}"], check=True, timeout=10)
        assert [closing.name for closing in contacts.closings()] == ["override", "passage"]


def test_words_are_told_whole_and_others_are_nothing(tmp_path: Path) -> None:
    pipe = tmp_path / "contacts"
    with SimulatedContacts(pipe) as contacts, pipe.open("wb", buffering=0) as hand:
        hand.write(b"green\n\n\xff\npre")
        assert contacts.closings() == []
        hand.write(b"ss\n" + b"x" * 10_000)
        assert [closing.name for closing in contacts.closings()] == ["override"]
        hand.write(b"\npass\n")
        assert [closing.name for closing in contacts.closings()] == ["passage"]


def test_what_was_said_to_the_gate_before_is_forgotten(tmp_path: Path) -> None:
    pipe = tmp_path / "contacts"
    with SimulatedContacts(pipe) as other, SimulatedContacts(pipe) as first:
        first.press()
        with SimulatedContacts(pipe) as second:
            assert second.closings() == first.closings() == other.closings() == []


def test_a_full_pipe_takes_no_more_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    with SimulatedContacts(tmp_path / "contacts") as contacts:
        for _ in range(20_000):
            contacts.press()
        assert len(contacts.closings()) == QUEUE_MAX


def test_something_else_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name, why in (("file", "no named pipe"), ("link", "cannot be opened"), ("no/folder", "cannot be opened")):
        with pytest.raises(DeviceMissingError, match=why):
            SimulatedContacts(tmp_path / name)


def test_a_pipe_is_needed() -> None:
    with pytest.raises(ValueError, match="named pipe"):
        open_contacts("simulated")
