"""`greengate enrol`, `renew`, `retire` against the centre's own enrolment service; and asked at a real terminal."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from firmware.config import load_config
from provisioning.identity.keys import holder
from tests.centre.enrolling import Centre, Running
from tests.provisioning.command import greengate
from tests.provisioning.kiosk import trust_folder

WAIT_S = 30.0
PRESS_S = 2.0  # a person's patience before the key is pressed again


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    centre = Centre(tmp_path / "home")
    with Running(centre) as service:
        yield service
    centre.registry.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def said(running: Running, trust: Path) -> tuple[str, ...]:
    where = f"https://127.0.0.1:{running.port}#{running.centre.authority.fingerprint}"
    return ("--centre", where, "--trust", str(trust), "--camera", "simulated", "--simulated-lamps")


def test_a_whole_life(running: Running, root: Path, tmp_path: Path) -> None:
    trust = trust_folder(tmp_path / "stick", datetime.now(UTC))
    code, other = running.centre.add("gate-1"), running.centre.add("gate-2")
    start: tuple[str | Path, ...] = ("enrol", "--root", root, "--lang", "en", *said(running, trust))
    wrong = greengate(*start, "--name", "gate-1", given=other)
    assert (wrong.code, "another device's" in wrong.err) == (65, True)
    unknown = greengate(*start, "--name", "gate-9", given=code)
    assert (unknown.code, "device add" in unknown.err) == (65, True)
    assert greengate(*start, "--name", "gate-1", given=code).code == 0
    config = load_config(root / "etc/greengate/greengate.toml")
    assert (config.device.site, config.device.lane, config.broker.host) == ("site", "lane", "broker.example")
    used = greengate(*start, "--root", tmp_path, "--name", "gate-1", given=code)
    assert (used.code, "tell the centre" in used.err) == (65, True)
    first = (root / "var/lib/greengate/identity/current/device.pem").read_bytes()
    assert greengate("renew", "--root", root).code == 0
    second = (root / "var/lib/greengate/identity/current/device.pem").read_bytes()
    assert first != second
    assert holder(second)[0] == "gate-1"
    assert greengate("retire", "--root", root, "--yes").code == 0
    device = running.centre.registry.device("gate-1")
    assert device is not None
    assert device.retired_at is not None
    assert len(running.centre.crl_serials()) >= 1


def test_an_expired_code(running: Running, root: Path, tmp_path: Path) -> None:
    trust = trust_folder(tmp_path / "stick", datetime.now(UTC))
    code = running.centre.add("gate-1", timedelta(seconds=1))
    running.centre.at += timedelta(days=1)
    done = greengate("enrol", "--root", root, "--lang", "en", "--name", "gate-1", *said(running, trust), given=code)
    assert (done.code, "expired" in done.err) == (65, True)


def test_at_a_terminal_under_ten_questions_and_the_code_unseen(running: Running, root: Path, tmp_path: Path) -> None:
    trust = trust_folder(tmp_path / "stick", datetime.now(UTC))
    code = running.centre.add("gate-1")
    terminal = _Terminal("enrol", "--root", str(root), "--lang", "en")
    answers = {
        "enrolment address": f"https://127.0.0.1:{running.port}", "fingerprint": running.centre.authority.fingerprint,
        "name at the centre": "gate-1", "camera": "opencv:/dev/video0", "lamps' pins": "17,27",
        "folder of the trust": str(trust), "one-time code": code,
    }  # fmt: skip
    assert len(answers) < 10
    for question, answer in answers.items():
        terminal.expect(question)
        terminal.answer(answer)
    assert terminal.end() == 0, terminal.seen
    assert code not in terminal.seen
    assert load_config(root / "etc/greengate/greengate.toml").signal.green_pin == 27


def test_ctrl_c_at_a_question(root: Path) -> None:
    terminal = _Terminal("enrol", "--root", str(root), "--lang", "en")
    terminal.expect("enrolment address")
    terminal.answer("no centre at all")
    terminal.expect("not a centre's address")
    terminal.expect("enrolment address")
    assert terminal.interrupt() == 130
    assert terminal.seen.splitlines()[-1] == "stopped midway: run the same command again to go on"


class _Terminal:
    """The command at a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self._end, other = pty.openpty()
        command = ["setsid", "--ctty", sys.executable, "-c", "from provisioning.main import main; main()", *arguments]
        environment = os.environ | {"COLUMNS": "400", "TERM": "dumb"}
        self._process = subprocess.Popen(command, stdin=other, stdout=other, stderr=other, env=environment)
        os.close(other)
        self.seen = ""
        self._told = 0

    def expect(self, text: str) -> None:
        end_s = time.monotonic() + WAIT_S
        while text not in self.seen[self._told :]:
            assert self._more(end_s), f"no {text!r} in {self.seen!r}"
        self._told = self.seen.index(text, self._told) + len(text)

    def answer(self, text: str) -> None:
        while not self.seen[self._told :].rstrip(" ").endswith(":"):  # the question's end: echo is off by then
            assert self._more(time.monotonic() + WAIT_S), self.seen
        self.send(text + "\n")

    def send(self, text: str) -> None:
        os.write(self._end, text.encode())

    def interrupt(self) -> int:
        """Press Ctrl-C, as often as it takes: one between Python's last look and its read waits for the next key."""
        end_s = time.monotonic() + WAIT_S
        while self._process.poll() is None and time.monotonic() < end_s:
            self.send("\x03")
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(PRESS_S)
        return self.end()

    def end(self) -> int:
        end_s = time.monotonic() + WAIT_S
        while self._more(end_s):
            pass
        os.close(self._end)
        return self._process.wait(WAIT_S)

    def _more(self, end_s: float) -> bool:
        ready, _, _ = select.select([self._end], [], [], max(0.0, end_s - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self._end, 4096)
        except OSError:  # the other end is closed
            return False
        self.seen += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)
