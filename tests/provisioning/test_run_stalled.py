"""`greengate run` where nobody reads what it says, where another runs already, and where it may not start."""

import fcntl
import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from drivers.signal.simulated import Lamps, last_lamps, read_history
from provisioning import output
from provisioning.output import LogFile, PatientOutput
from tests.firmware.appliance import GRACE_NS, TIMING, children_of, wait_until
from tests.firmware.site import Site, make_site
from tests.provisioning.command import greengate

COMMAND = [sys.executable, "-m", "provisioning.main", "run", "--config"]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = make_site(tmp_path, timing=TIMING)
    site.show("good", site.good())
    return site


@contextmanager
def full_pipe() -> Iterator[int]:
    """A pipe that nobody reads and that holds all that it can."""
    ours, theirs = os.pipe()
    fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(theirs, False)
    with suppress(BlockingIOError):
        while True:
            os.write(theirs, b"\n")
    os.set_blocking(theirs, True)
    try:
        yield theirs
    finally:
        os.close(ours)
        os.close(theirs)


def gate_of(pid: int) -> int:
    (gate,) = (
        child
        for child in children_of(pid)
        if b"firmware.gate" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
    )
    return gate


@pytest.mark.parametrize("options", [("--json",), ()])
def test_output_that_nobody_reads_switches_no_watchdog_off(site: Site, options: tuple[str, ...]) -> None:
    with full_pipe() as out, full_pipe() as err:
        command = [*COMMAND, str(site.config_path), *options]
        process = subprocess.Popen(command, stdout=out, stderr=err)
        try:
            wait_until(lambda: last_lamps(site.config.lamp_history).green, "the lamp is green")
            lit = last_lamps(site.config.lamp_history)
            os.kill(gate_of(process.pid), signal.SIGSTOP)

            def darkened() -> Lamps | None:
                history = read_history(site.config.lamp_history)
                return next((lamps for lamps in history if lamps.by == "darken" and lamps.t_ns > lit.t_ns), None)

            wait_until(darkened, "the lamps were put out")
            dark = darkened()
            assert dark is not None
            assert dark.t_ns - lit.t_ns < lit.lease_s * 1e9 + GRACE_NS
            ended_s = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
            assert time.monotonic() - ended_s < 8
        finally:
            process.kill()
            process.wait()


def test_a_second_one_leaves_the_first_alone(site: Site) -> None:
    command = [*COMMAND, str(site.config_path), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as first:
        try:
            wait_until(lambda: last_lamps(site.config.lamp_history).green, "the lamp is green")
            before = children_of(first.pid)
            second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
            assert second.returncode == 78
            assert "another supervisor runs here" in json.loads(second.stdout)["error"]
            assert len(second.stderr.splitlines()) == 1
            time.sleep(2)  # longer than the gate's watchdog
            assert children_of(first.pid) == before
        finally:
            first.terminate()
            first.communicate(timeout=10)


def test_a_closed_window_ends_it_in_order(site: Site) -> None:
    with subprocess.Popen(
        [*COMMAND, str(site.config_path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        wait_until(lambda: last_lamps(site.config.lamp_history).green, "the lamp is green")
        process.send_signal(signal.SIGHUP)
        assert process.wait(10) == 0
    assert last_lamps(site.config.lamp_history).by == "darken"


@pytest.mark.parametrize("folder", ["/sys", "/dev/null/run"])
def test_a_run_folder_that_takes_no_files_is_one_line_and_78(site: Site, folder: str) -> None:
    text = site.config_path.read_text("utf-8")
    site.config_path.write_text(text.replace('folder = "run"', f'folder = "{folder}"'), "utf-8")
    done = greengate("run", "--json", "--config", site.config_path)
    assert done.code == 78
    (line,) = done.err.splitlines()
    assert line.startswith(f"{folder}: ")
    assert done.result == {"error": line}
    command = [sys.executable, "-m", "firmware.supervisor", "--config", str(site.config_path)]
    alone = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert alone.returncode == 78
    assert json.loads(alone.stderr)["event"] == "start-refused"


@pytest.mark.parametrize("options", [("--json",), ()])
def test_why_a_program_refuses_is_the_error(site: Site, options: tuple[str, ...]) -> None:
    (site.folder / "trust" / "demo.der").unlink()
    command = [*COMMAND, str(site.config_path), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 78
    why = done.stderr.splitlines()[-1]
    assert why.startswith(f"{site.folder}/trust: no signer in it")
    if options:
        assert json.loads(done.stdout.splitlines()[-1]) == {"error": why}


class TestPatientOutput:
    def test_what_is_read_is_whole(self) -> None:
        ours, theirs = os.pipe()
        data = b"x" * 10_000
        with os.fdopen(ours, "rb") as end:
            with os.fdopen(theirs, "wb") as beginning:
                assert PatientOutput(beginning.fileno()).write(data) == len(data)
            assert end.read() == data

    def test_giving_up_ends_all_waiting(self) -> None:
        with full_pipe() as pipe:
            out = PatientOutput(pipe)
            out.give_up()
            assert out.write(b"x") == 1

    def test_giving_up_ends_waiting_for_a_terminal_that_is_all_but_full(self) -> None:
        ours, theirs = pty.openpty()
        out = PatientOutput(theirs)
        writing = threading.Thread(target=out.write, args=(b"a line\n" * 20_000,), daemon=True)
        writing.start()
        writing.join(0.5)
        assert writing.is_alive()  # nobody reads
        out.give_up()
        writing.join(5)
        ended = not writing.is_alive()
        os.close(ours)
        os.close(theirs)
        assert ended

    def test_a_reader_that_has_gone_is_no_error(self) -> None:
        ours, theirs = os.pipe()
        os.close(ours)
        out = PatientOutput(theirs)
        assert out.write(b"x") == 1
        os.close(theirs)
        assert out.write(b"x") == 1

    def test_it_is_a_terminal_where_it_writes_to_one(self) -> None:
        ours, theirs = pty.openpty()
        assert PatientOutput(theirs).isatty()
        assert PatientOutput(theirs).fileno() == theirs
        os.close(ours)
        os.close(theirs)


class TestLogFile:
    def test_what_was_there_stays_and_the_old_part_moves_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(output, "LOG_MAX_BYTES", 100)
        path = tmp_path / "log.jsonl"
        path.write_bytes(b"before\n")
        file = LogFile(path)
        child = os.dup(file.stream.fileno())  # as the programs have it
        file.turn()
        os.write(child, b"x" * 100 + b"\n")
        assert path.read_bytes() == b"before\n" + b"x" * 100 + b"\n"
        file.turn()
        os.write(child, b"after\n")
        file.turn()
        file.close()
        os.close(child)
        assert path.read_bytes() == b"after\n"
        assert (tmp_path / "log.jsonl.1").read_bytes().startswith(b"before\n")

    def test_without_room_for_the_old_part_it_is_bounded_all_the_same(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(output, "LOG_MAX_BYTES", 100)
        (tmp_path / "log.jsonl.1").mkdir()
        file = LogFile(tmp_path / "log.jsonl")
        os.write(file.stream.fileno(), b"x" * 101)
        file.turn()
        file.close()
        assert (tmp_path / "log.jsonl").stat().st_size == 0


def test_a_drawn_terminal_keeps_the_log_of_the_run_before(site: Site) -> None:
    log = site.config.run.folder / "log.jsonl"
    log.write_text("before\n", "utf-8")
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        with os.fdopen(theirs, "wb") as end:
            process = subprocess.Popen([*COMMAND, str(site.config_path)], stdin=end, stdout=end, stderr=end)
        seen = b""
        try:
            while "● XANH GREEN" not in seen.decode("utf-8", "ignore"):
                assert select.select([terminal], [], [], 20)[0]
                seen += terminal.read(65536)
        finally:
            process.terminate()
            with suppress(OSError):  # EIO: the other end has closed
                while terminal.read(65536):
                    pass
            assert process.wait(10) == 0
    lines = log.read_text("utf-8").splitlines()
    assert lines[0] == "before"
    assert any('"event":"decided"' in line for line in lines)
