"""Reader, gate and uplink as users of their own in one group, with the folders that an appliance has for them."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest

from firmware.messages import MAX_MESSAGE_BYTES, Event, Health, decode_event
from firmware.sockets import connect
from tests.firmware.appliance import wait_until
from tests.firmware.site import make_site

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs as other users")

READER, GATE, UPLINK, PANEL, GROUP, READINGS = 64001, 64002, 64003, 64004, 64000, 64005  # nobody's
GROUPS = {READER: f"{GROUP},{READINGS}"}  # of the reader alone: whom the gate takes readings from


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder that other users may enter, which pytest's own is not."""
    path = Path(tempfile.mkdtemp(prefix="greengate-apart-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def _folder(path: Path, user: int, mode: int, group: int = GROUP) -> Path:
    """Make a folder as systemd-tmpfiles does."""
    path.mkdir(exist_ok=True)
    os.chown(path, user, group)
    path.chmod(mode)
    return path


def _rights(path: Path) -> tuple[int, int, str]:
    about = path.stat()
    return about.st_uid, about.st_gid, oct(stat.S_IMODE(about.st_mode))


class Program:
    """A program under a user; what it asks and answers are lines."""

    def __init__(self, user: int, *command: str) -> None:
        line = [sys.executable, "-m", "tests.firmware.as_user", str(user), GROUPS.get(user, str(GROUP)), *command]
        self.process = subprocess.Popen(
            line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def do(self, step: str) -> str:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{step}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer:
            self.process.kill()
            pytest.fail(self.process.communicate()[1])
        return answer

    def stop(self) -> str:
        self.process.terminate()
        _, log = self.process.communicate(timeout=10)
        assert self.process.returncode == 0, log
        return str(log)


def test_gate_and_uplink_share_a_journal_whoever_makes_which_file_of_it(folder: Path) -> None:
    path = _folder(folder / "journal", GATE, 0o2770) / "journal.db"
    steps = ("tests.firmware.journal_steps", str(path))
    with Program(GATE, *steps) as gate, Program(UPLINK, *steps) as uplink:
        assert [gate.do("append"), gate.do("append"), uplink.do("acknowledge")] == ["1", "2", "True"]
        assert gate.do("close") == uplink.do("close") == "closed"
    with Program(GATE, *steps) as gate, Program(UPLINK, *steps) as uplink:
        assert uplink.do("acknowledge") == "False"  # the first to open it, and so to make its log
        assert gate.do("append") == "3"
        assert _rights(path) == (GATE, GROUP, "0o660")
        for suffix in ("-wal", "-shm"):
            assert _rights(path.with_name(path.name + suffix)) == (UPLINK, GROUP, "0o660")
        assert uplink.do("acknowledge") == "True"


def test_either_takes_away_the_mark_that_the_other_made(folder: Path) -> None:
    path = _folder(folder / "journal", GATE, 0o2770) / "journal.db"
    steps = ("tests.firmware.journal_steps", str(path))
    with Program(GATE, *steps) as gate, Program(UPLINK, *steps) as uplink:
        gate.do("append")
        assert [uplink.do("mark"), gate.do("heed"), gate.do("heed")] == ["None", "True", "False"]
        assert list(folder.glob("journal/*.suspect*")) == []
        assert [gate.do("mark"), uplink.do("delete_mark")] == ["None", "None"]
        assert [uplink.do("mark"), gate.do("delete_mark")] == ["None", "None"]
        assert gate.do("append") == "1"
        assert uplink.do("acknowledge") == "True"


def _health(events: Path) -> Health | None:
    try:
        with connect(events) as panel:
            panel.settimeout(5)
            told: list[Event] = [decode_event(panel.recv(MAX_MESSAGE_BYTES)) for _ in range(2)]
    except OSError:
        return None
    return next((event for event in told if isinstance(event, Health)), None)


@contextmanager
def _acting_as(user: int) -> Iterator[None]:
    """Have the rights of a user meanwhile."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(GROUP)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def test_a_pass_is_recorded_and_the_uplink_heard_though_none_may_write_the_others_folder(folder: Path) -> None:
    site = make_site(folder, journal="journal/journal.db")
    run = _folder(folder / "run", GATE, 0o2750)
    _folder(run / "uplink", UPLINK, 0o2750)
    _folder(run / "reader", GATE, 0o2750, READINGS)
    journal = _folder(folder / "journal", GATE, 0o2770)
    with Program(GATE, "tests.firmware.journal_steps", str(journal / "journal.db")) as gate:
        gate.do("heed")  # makes it: the gate's own way starts an interpreter, which another user may not reach here
    site.show("good", site.good())
    programs = (GATE, "gate"), (READER, "reader"), (UPLINK, "uplink")
    started = [Program(user, f"firmware.{name}", "--config", str(site.config_path)) for user, name in programs]

    def settled() -> bool:
        health = _health(site.config.events_socket)
        codes = [notice.code for notice in health.notices] if health else []
        return bool(health and health.unsent) and "centre-unreachable" in codes

    with started[0], started[1], started[2]:
        try:
            wait_until(settled, "the pass is recorded and the uplink heard", 20)
        except AssertionError:
            print(*(program.stop() for program in started))  # noqa: T201
            raise
        assert _rights(run) == (GATE, GROUP, "0o2750")
        assert _rights(site.config.readings_socket) == (GATE, READINGS, "0o660")
        for user in (UPLINK, PANEL):
            with _acting_as(user), pytest.raises(PermissionError):
                connect(site.config.readings_socket)
        assert _rights(site.config.uplink_status) == (UPLINK, GROUP, "0o640")
        logs = [program.stop() for program in reversed(started)]
    assert "refused" not in "".join(logs)
    assert site.config.lamp_history.stat().st_uid == GATE
    assert stat.S_IMODE(site.config.contacts_pipe.stat().st_mode) == 0o600
    assert sorted(path.name for path in run.iterdir()) == [
        "contacts",
        "events.sock",
        "gate.lock",
        "lamps.jsonl",
        "reader",
        "uplink",
    ]
