"""The impaired link itself: what the other tests of faults stand on."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.faults.forward import Forwarder, Impairment
from tests.faults.link import CENTRE, Link, needs_link

pytestmark = needs_link
ECHO = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("0.0.0.0", 9))
print(flush=True)
while True:
    data, who = server.recvfrom(2000)
    server.sendto(data, who)
"""
ASK = """
import json, socket, sys, time
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.connect((sys.argv[1], 9))
client.settimeout(float(sys.argv[3]))
begun, answers = time.monotonic(), []
for number in range(int(sys.argv[2])):
    client.send(b"%d" % number)
try:
    while True:
        answers.append((int(client.recv(2000)), time.monotonic() - begun))
except TimeoutError:
    print(json.dumps(answers))
"""


@pytest.fixture
def link() -> Iterator[Link]:
    with Link(seed=5) as link:
        server = subprocess.Popen(link.inside("centre", [sys.executable, "-c", ECHO]), stdout=subprocess.PIPE)
        assert server.stdout is not None
        server.stdout.readline()
        yield link
        server.kill()
        server.communicate(timeout=10)


def asked(link: Link, count: int = 50, wait_s: float = 0.3) -> list[tuple[int, float]]:
    """Send so many datagrams from the kiosk's end; return which came back, and after how many seconds."""
    command = link.inside("kiosk", [sys.executable, "-c", ASK, CENTRE, str(count), str(wait_s)])
    done = subprocess.run(command, capture_output=True, check=True, timeout=30)
    return [(number, after_s) for number, after_s in json.loads(done.stdout)]


def numbers(answers: list[tuple[int, float]]) -> list[int]:
    return [number for number, _ in answers]


def test_unimpaired_everything_comes_in_order(link: Link) -> None:
    assert numbers(asked(link)) == list(range(50))


def test_loss(link: Link) -> None:
    link.impair(loss=0.3)
    assert 5 < len(set(numbers(asked(link)))) < 45


def test_duplication(link: Link) -> None:
    link.impair(duplicate=0.3)
    answers = numbers(asked(link))
    assert set(answers) == set(range(50))
    assert len(answers) > 55


def test_delay_and_reordering(link: Link) -> None:
    link.impair(delay_s=0.2, jitter_s=0.1)
    answers = asked(link, wait_s=1.0)
    assert min(after_s for _, after_s in answers) > 0.2  # 0.1 each way
    assert numbers(answers) != sorted(numbers(answers)) == list(range(50))


def test_cut_half_open_and_restored(link: Link) -> None:
    for verb in (link.cut, lambda: link.half_open("kiosk"), lambda: link.half_open("centre")):
        verb()
        assert asked(link, 3, 0.1) == []
        link.restore()
        assert numbers(asked(link, 3)) == [0, 1, 2]


def test_the_same_seed_gives_the_same_faults() -> None:
    def lost(seed: int) -> list[bool]:
        forwarder = Forwarder.__new__(Forwarder)
        forwarder._random = Random(seed)  # noqa: S311 - to be repeated, not to be secret
        return [forwarder._random.random() < 0.5 for _ in range(64)]

    assert lost(1) == lost(1) != lost(2)
    assert Impairment() == Impairment(0.0, 0.0, 0.0, 0.0, cut=False)


def test_all_of_it_is_gone_with_the_process_that_made_it() -> None:
    code = "import time; from tests.faults.link import Link; print(Link()._process.pid, flush=True); time.sleep(60)"
    maker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert maker.stdout is not None
    forwarder = int(maker.stdout.readline())
    maker.send_signal(signal.SIGKILL)
    maker.communicate(timeout=10)
    end_s = time.monotonic() + 10
    while Path(f"/proc/{forwarder}").exists() and "Z" not in _state(forwarder):
        assert time.monotonic() < end_s
        time.sleep(0.01)


def _state(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return "Z"
