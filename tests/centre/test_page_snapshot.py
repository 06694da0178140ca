"""How the page reads its store: once for all who ask, and whatever the store does."""

import asyncio
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from centre.collecting.store import Store, StoreError, open_store
from centre.page import snapshot as reading
from centre.page.snapshot import Latest, take
from tests.centre.fleets import AT, fill, forked, holed, sound, store_file


class Reads:
    """A place of a store that counts how often it is opened, and may fail or hang."""

    def __init__(self, path: Path) -> None:
        self.path, self.count, self.fail = path, 0, False
        self.hang = threading.Event()
        self.hang.set()
        self.told: list[str | None] = []

    def opened(self) -> Store:
        self.count += 1
        self.hang.wait(10)
        if self.fail:
            raise StoreError("the disk is gone")
        return open_store(self.path)

    def latest(self) -> Latest:
        return Latest(self.opened, lambda: AT, lambda error: self.told.append(None if error is None else str(error)))


@pytest.fixture
def reads(tmp_path: Path) -> Reads:
    return Reads(store_file(tmp_path, sound()))


def test_many_who_ask_cost_one_reading(reads: Reads) -> None:
    async def ask() -> None:
        latest = reads.latest()
        found = await asyncio.gather(*(latest.get() for _ in range(50)))
        again = await latest.get()
        assert all(one is again for one in found)

    asyncio.run(ask())
    assert (reads.count, reads.told) == (1, [])


def test_a_store_that_is_away_is_told_once_and_asked_again(reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FRESH_S", 0.0)
    monkeypatch.setattr(reading, "SHARE", 0)

    async def ask() -> None:
        latest = reads.latest()
        reads.fail = True
        assert await latest.get() is None
        assert await latest.get() is None
        reads.fail = False
        assert await latest.get() is not None

    asyncio.run(ask())
    assert (reads.count, reads.told) == (3, ["the disk is gone", None])


def test_a_store_that_hangs_keeps_nobody(reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PATIENCE_S", 0.05)

    async def ask() -> None:
        latest = reads.latest()
        reads.hang.clear()
        assert [await latest.get() for _ in range(3)] == [None] * 3
        reads.hang.set()
        while await latest.get() is None:  # noqa: ASYNC110 - there is nothing to wait for but the answer
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(ask(), 10))
    assert reads.count == 1
    assert reads.told == ["the store does not answer: see its own log", None]


def test_what_is_shown_grows_old_with_the_store_s_slowness(reads: Reads) -> None:
    async def ask() -> None:
        latest = reads.latest()
        assert await latest.get() is not None
        latest._until_s = 0
        with open_store(reads.path) as store:
            fill(store, sound("gate-2"))
        found = await latest.get()
        assert found is not None
        assert found.totals.devices == 2

    asyncio.run(ask())


def test_a_snapshot_asks_the_store_a_few_bounded_questions() -> None:
    asked: list[str] = []

    class Counting:
        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the port's methods
            def answer(*_: datetime | str) -> list[Any]:
                asked.append(name)
                return []

            return answer

    fake: Any = Counting()
    take(fake, AT)
    assert asked == ["accounts", "devices", "counts"]


def test_a_postgresql_database_is_read_as_a_file_is(database: str) -> None:
    with open_store(database) as store:
        fill(store, [*sound(), *holed(), *forked()])

    async def ask() -> None:
        found = await Latest(lambda: open_store(database), lambda: AT, lambda _: None).get()
        assert found is not None
        assert (found.totals.devices, found.totals.missing, found.today) == (3, 3, 14)

    asyncio.run(ask())
