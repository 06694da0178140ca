"""The rescue's process: one frame at a time, ended at its limit, started again, and gone with the reader."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from pathlib import Path
from select import select
from socket import AF_UNIX, SOCK_SEQPACKET, socketpair
from typing import TYPE_CHECKING

import numpy as np
import pytest

from drivers.symbols.region import Region
from drivers.symbols.worker import DEATHS_FREE, GRACE_NS, MESSAGES_MAX, PAUSE_NS, Answer, RescueWorker
from drivers.symbols.worker_messages import FRAME_MAX_BYTES, Died, Done, Message, Ready, encode
from tests.drivers import rescue_fakes

if TYPE_CHECKING:
    from collections.abc import Iterator

WORK = "tests.drivers.rescue_fakes:rescue"
LIMIT_MS, WAIT_S = 250.0, 10.0
REGIONS = [Region(8, 4, 16, 12, 300.0)]


class Time:
    """A clock that the test moves; what is waited for, is so in real time."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def worker(time: Time) -> Iterator[RescueWorker]:
    with closing(RescueWorker(LIMIT_MS, WORK, monotonic_ns=time)) as opened:
        assert opened.ready(WAIT_S)
        assert answered(opened, 0) == []  # its worker is there
        yield opened


def frame(first: int, height: int = 24, width: int = 32) -> np.ndarray:
    luma = np.full((height, width), 7, np.uint8)
    luma[0, 0] = first
    return luma


def answered(worker: RescueWorker, first: int, presentation: int = 1) -> list[str]:
    """Hand a frame over and wait for what it says."""
    assert worker.offer(frame(first), REGIONS, presentation)
    answer = worker.poll(WAIT_S)
    assert answer is not None
    return [symbol.text for symbol in answer.symbols]


def test_a_job_may_have_a_shorter_limit(worker: RescueWorker) -> None:
    assert worker.offer(frame(1), REGIONS, 1, 0.0)
    answer = worker.poll(WAIT_S)
    assert answer is not None
    assert answer.symbols[0].text.endswith("False"), "its deadline has passed before it begins"


def processes(worker: RescueWorker) -> list[int]:
    """Return the process numbers of its nurse and of who she looks after."""
    assert worker._process is not None
    nurse = worker._process.process.pid
    return [nurse, *map(int, Path(f"/proc/{nurse}/task/{nurse}/children").read_text().split())]


def test_a_frame_is_answered_by_one_thread_before_its_deadline(worker: RescueWorker) -> None:
    assert worker.poll(0) is None
    assert worker.offer(frame(1), REGIONS, 1)
    answer = worker.poll(WAIT_S)
    assert answer is not None
    (symbol,) = answer.symbols
    assert (symbol.text, symbol.format, symbol.data) == ("1 32x24 1 1 True", "QRCode", b"1 32x24 1 1 True")
    assert symbol.corners == ((8, 4), (9, 4), (9, 5), (8, 5))
    assert (worker.busy, worker.fault, worker.poll(0)) == (False, None, None)


def test_nurse_and_worker_have_one_thread_each(worker: RescueWorker) -> None:
    pids = processes(worker)
    assert len(pids) == 2
    assert [len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in pids] == [1, 1]


def test_what_is_known_of_a_presentation_serves_its_next_frame_and_no_other(worker: RescueWorker) -> None:
    assert [answered(worker, 1, presentation)[0].split()[2] for presentation in (1, 1, 2, 1)] == ["1", "2", "1", "1"]


def test_nothing_is_queued(worker: RescueWorker) -> None:
    assert worker.offer(frame(1), REGIONS, 1)
    assert worker.busy
    assert not worker.offer(frame(2), REGIONS, 1)
    assert worker.poll(WAIT_S) is not None
    assert worker.poll(0) is None


def test_a_frame_that_does_not_read_is_an_answer_too(worker: RescueWorker) -> None:
    assert answered(worker, 0) == []


@pytest.mark.parametrize("kind", [rescue_fakes.HANGS, rescue_fakes.CRASHES, rescue_fakes.RAISES])
def test_a_worker_that_dies_over_a_frame_is_followed_by_another(worker: RescueWorker, kind: int) -> None:
    before = processes(worker)
    assert answered(worker, kind) == []
    assert answered(worker, 1)[0].startswith("1 ")
    assert processes(worker)[0] == before[0]
    assert processes(worker)[1] != before[1]
    assert worker.fault is None


@pytest.mark.parametrize("kind", [rescue_fakes.LIES, rescue_fakes.TOO_LONG])
def test_an_answer_out_of_bounds_ends_the_process_that_gave_it(worker: RescueWorker, time: Time, kind: int) -> None:
    nurse = processes(worker)[0]
    assert answered(worker, kind) == []
    assert not worker.offer(frame(1), REGIONS, 1)
    time.now_ns += PAUSE_NS[0]
    assert not worker.offer(frame(1), REGIONS, 1), "it is not ready at once"
    assert worker.ready(WAIT_S)
    assert answered(worker, 1)[0].startswith("1 ")
    assert not Path(f"/proc/{nurse}").exists()


def test_bytes_that_are_no_text_are_told_as_bytes(worker: RescueWorker) -> None:
    assert worker.offer(frame(rescue_fakes.BINARY), REGIONS, 1)
    answer = worker.poll(WAIT_S)
    assert answer is not None
    assert [(symbol.text, symbol.data) for symbol in answer.symbols] == [("", b"a\x00b")]


def test_one_that_dies_again_and_again_rests_ever_longer(worker: RescueWorker, time: Time) -> None:
    for _ in range(DEATHS_FREE):
        assert answered(worker, rescue_fakes.CRASHES) == []
    assert worker.fault is None
    for pause_ns in (PAUSE_NS[0], 2 * PAUSE_NS[0]):
        assert answered(worker, rescue_fakes.CRASHES) == []
        assert worker.fault is not None
        time.now_ns += pause_ns - 1
        assert not worker.offer(frame(1), REGIONS, 1)
        time.now_ns += 1
    assert answered(worker, 1)
    assert worker.fault is None


def test_a_process_that_is_gone_is_started_again(worker: RescueWorker, time: Time) -> None:
    for pid in processes(worker):
        os.kill(pid, signal.SIGKILL)
    worker.offer(frame(1), REGIONS, 1)
    answer = worker.poll(WAIT_S)
    assert answer in (None, Answer([]))
    assert not worker.busy
    time.now_ns += PAUSE_NS[0]
    worker.offer(frame(1), REGIONS, 1)
    assert worker.ready(WAIT_S)
    assert answered(worker, 1)


def test_one_that_hangs_with_its_nurse_is_given_up(worker: RescueWorker, time: Time) -> None:
    for pid in processes(worker):
        os.kill(pid, signal.SIGSTOP)
    assert worker.offer(frame(1), REGIONS, 1)
    assert worker.poll(0) is None
    time.now_ns += round(LIMIT_MS * 1e6) + GRACE_NS
    assert worker.poll(0) == Answer([])
    assert not worker.busy


def test_of_a_large_frame_the_likely_part_is_taken(worker: RescueWorker) -> None:
    large = np.full((3000, 4000), 7, np.uint8)
    assert worker.offer(large, [Region(2000, 1000, 300, 200, 300.0), Region(0, 0, 9, 9, 1.0)], 1)
    answer = worker.poll(WAIT_S)
    assert answer is not None
    assert answer.symbols[0].corners[0] == (2000, 1000)
    assert answer.symbols[0].text.startswith("7 348x248 ")


def test_a_part_that_is_too_large_is_not_taken(worker: RescueWorker) -> None:
    large = np.zeros((3000, 4000), np.uint8)
    assert large.size > FRAME_MAX_BYTES
    assert not worker.offer(large, [Region(0, 0, 4000, 3000, 300.0)], 1)
    assert not worker.busy


def test_closing_leaves_no_process_also_of_one_that_hangs(worker: RescueWorker) -> None:
    descriptors = [os.pidfd_open(pid) for pid in processes(worker)]
    assert worker.offer(frame(rescue_fakes.HANGS), REGIONS, 1)
    worker.close()
    worker.close()
    assert not worker.offer(frame(1), REGIONS, 1)
    for descriptor in descriptors:
        assert select([descriptor], [], [], WAIT_S)[0] == [descriptor], "it has ended"
        os.close(descriptor)


def test_work_that_cannot_be_loaded_is_no_worker() -> None:
    with closing(RescueWorker(LIMIT_MS, "tests.drivers.rescue_fakes:absent")) as worker:
        assert not worker.ready(WAIT_S)
        assert not worker.offer(frame(1), REGIONS, 1)
        assert worker.fault == "its process does not start"


def test_no_process_to_be_had_is_a_fault_and_no_error(
    worker: RescueWorker, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: object, **__: object) -> None:
        raise BlockingIOError("fork: no process to be had")

    worker._lost()
    time.now_ns += PAUSE_NS[0]
    with monkeypatch.context() as patched:
        patched.setattr("subprocess.Popen", none_left)
        assert not worker.offer(frame(1), REGIONS, 1)
    assert not worker.offer(frame(1), REGIONS, 1), "it rests first"
    time.now_ns += PAUSE_NS[0]
    worker.offer(frame(1), REGIONS, 1)
    assert worker.ready(WAIT_S)


def test_a_nurse_that_is_killed_leaves_nothing_behind(worker: RescueWorker) -> None:
    nurse, child = processes(worker)
    ended = os.pidfd_open(child)
    os.kill(nurse, signal.SIGKILL)
    worker.close()
    assert select([ended], [], [], WAIT_S)[0] == [ended]
    os.close(ended)


@pytest.mark.parametrize(
    "lie", [Done(9, None), Died(9), Ready()], ids=["an answer to no question", "a death of no job", "ready twice"]
)
def test_what_cannot_be_ends_the_process(worker: RescueWorker, lie: Message) -> None:
    told, ours = socketpair(AF_UNIX, SOCK_SEQPACKET)
    assert worker._process is not None
    before, worker._process = worker._process, worker._process._replace(link=ours)
    assert worker.offer(frame(1), REGIONS, 1)
    told.send(encode(lie))
    assert (worker.poll(WAIT_S), worker.busy, worker._process) == (Answer([]), False, None)
    told.close()
    before.link.close()


def test_a_flood_of_what_is_no_answer_keeps_nobody(worker: RescueWorker) -> None:
    told, ours = socketpair(AF_UNIX, SOCK_SEQPACKET)
    assert worker._process is not None
    before, worker._process = worker._process, worker._process._replace(link=ours)
    assert worker.offer(frame(1), REGIONS, 1)
    for _ in range(2 * MESSAGES_MAX):
        told.send(encode(Died(0)))
    assert worker.poll(WAIT_S) is None
    assert select([ours], [], [], 0)[0], "the rest is left for another look"
    told.close()
    before.link.close()


def test_no_module_of_the_folder_where_it_starts_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('a stranger')")
    monkeypatch.chdir(tmp_path)
    with closing(RescueWorker(LIMIT_MS, WORK)) as worker:
        assert worker.ready(WAIT_S)


def test_opening_and_closing_leaks_no_descriptor() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        RescueWorker(LIMIT_MS, WORK).close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
