"""What a store does when its PostgreSQL is killed, hangs, is not there, or cannot answer any more."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Self

import pytest

from centre.collecting import postgres_store as module
from centre.collecting.postgres_store import PostgresStore
from centre.collecting.store import StoreAwayError
from tests.centre.batches import AT, arrived
from tests.firmware.checkins import checkin
from tests.postgres_server import MISSING, Postgres, programs, running


@pytest.fixture
def server() -> Iterator[Postgres]:
    """Run a server that a test may end."""
    if programs() is None:
        pytest.skip(MISSING)
    with running() as server:
        yield server


class CutAtCommit:
    """A way to a server that ends a connection when it was told to commit, before the answer, some times."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.times = 0

    def __enter__(self) -> Self:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._ends = [self._server]
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._ends:
            _end(one)
        for thread in self._threads:
            thread.join(10)
        for one in self._ends:
            one.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client = self._server.accept()[0]
                server = socket.create_connection(("127.0.0.1", self._to))
                self._ends += (client, server)
                for one, other in ((client, server), (server, client)):
                    self._threads.append(threading.Thread(target=self._forward, args=(one, other, client)))
                    self._threads[-1].start()

    def _forward(self, source: socket.socket, target: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self.times and source is client and b"COMMIT" in data:
                    self.times -= 1
                    _end(client)
                    target.sendall(data)
                    time.sleep(0.2)  # for the server to commit
                    break
                target.sendall(data)
        _end(source)
        _end(target)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


def test_a_database_that_is_killed_and_back_keeps_what_it_said_it_has(server: Postgres) -> None:
    with PostgresStore(server.database()) as store:
        for seq in range(1, 20):
            store.store([arrived(seq, checkin(seq))], AT)
        server.kill()
        for _ in range(2):
            with pytest.raises(StoreAwayError) as away:
                store.store([arrived(20, checkin(20))], AT)
            assert "\n" not in str(away.value)
        server.start()
        assert [entry.seq for entry in store.entries()] == list(range(1, 20))
        assert store.store([arrived(19, checkin(19), checkin(20))], AT)[0][:3] == (1, 1, 0)


def test_a_server_that_hangs_is_given_up_and_what_waited_is_stored_when_it_is_back(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STORE_S", 1.0)
    told = False
    with PostgresStore(server.database(), lambda: told) as store:
        store.store([arrived(1, checkin(1))], AT)
        server.freeze()
        begun_s = time.monotonic()
        with pytest.raises(StoreAwayError):
            store.store([arrived(2, checkin(2))], AT)
        assert time.monotonic() - begun_s < 10  # and 5 s to connect again
        server.thaw()
        assert store.store([arrived(2, checkin(2))], AT)[0][2] == 0
        monkeypatch.setattr(module, "STORE_S", 60.0)
        store.store([arrived(3, checkin(3))], AT)
        told = True
        server.freeze()
        begun_s = time.monotonic()
        with pytest.raises(StoreAwayError, match="no answer for 1 s"):
            store.store([arrived(4, checkin(4))], AT)
        assert time.monotonic() - begun_s < 3
        server.thaw()
        assert [entry.seq for entry in store.entries()] == [1, 2, 3]


def test_a_commit_whose_answer_is_lost_is_stored_once(server: Postgres) -> None:
    where = server.database()
    with CutAtCommit(server.port) as cut, PostgresStore(where.replace(str(server.port), str(cut.port))) as store:
        store.store([arrived(1, checkin(1))], AT)
        cut.times = 1
        assert store.store([arrived(2, checkin(2), checkin(3))], AT) == [(0, 2, 0, False)]
        assert cut.times == 0
        cut.times = 2
        with pytest.raises(StoreAwayError):
            store.store([arrived(4, checkin(4))], AT)
        assert store.store([arrived(4, checkin(4), checkin(5))], AT)[0][:3] == (1, 1, 0)
        assert [entry.seq for entry in store.entries()] == [1, 2, 3, 4, 5]


def test_a_server_that_is_not_there_is_one_line() -> None:
    with pytest.raises(StoreAwayError) as away:
        PostgresStore("postgresql://nobody@127.0.0.1:1/greengate")
    assert "PostgreSQL greengate at 127.0.0.1" in str(away.value)
    assert "\n" not in str(away.value)
