"""A simulated place to fetch from: files in memory, and what may go wrong with each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from drivers.fetcher import CHUNK_BYTES, FetchError, FetchMissingError, FetchTooLargeError, check_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

Fault = Literal["missing", "truncated", "flipped", "endless", "slow"]


class SimulatedFetcher:
    """A `Fetcher` whose files, faults and history are a test's.

    `files` may be changed while it is open, as a server's are. What is slow takes longer than anybody waits.
    """

    def __init__(self, files: Mapping[str, bytes], *, local: bool = False) -> None:
        """Publish files by their path."""
        self.files = dict(files)
        self.where = "simulated"
        self.local = local
        self.asked: list[str] = []
        self._faults: dict[str, Fault] = {}
        self._left: int | None = None
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """See `Fetcher.close`."""
        self._closed = True

    def harm(self, path: str, fault: Fault) -> None:
        """Let something be wrong with a file from now on."""
        self._faults[path] = fault

    def heal(self) -> None:
        """Let everything be right again."""
        self._faults.clear()
        self._left = None

    def unplug(self, after: int = 0) -> None:
        """Go away after so many more files, amid the next one."""
        self._left = after

    def fetch(self, path: str, max_bytes: int) -> Iterator[bytes]:
        """See `Fetcher.fetch`."""
        check_path(path)
        if self._closed:
            raise FetchError(f"{path}: closed")
        self.asked.append(path)
        taken = 0
        for piece in self._pieces(path):
            taken += len(piece)
            if taken > max_bytes:
                raise FetchTooLargeError(f"{path}: over {max_bytes} bytes")
            yield piece

    def _pieces(self, path: str) -> Iterator[bytes]:
        fault = self._faults.get(path)
        if path not in self.files or fault == "missing":
            self._go_on()
            raise FetchMissingError(f"{path}: no such file")
        data = _harmed(self.files[path], fault)
        if self._left == 0:
            yield data[: len(data) // 2]
        self._go_on()
        for start in range(0, len(data), CHUNK_BYTES):
            yield data[start : start + CHUNK_BYTES]
        while fault == "endless":
            yield bytes(CHUNK_BYTES)
        if fault == "slow":
            raise FetchError(f"{path}: not all of it came in time")

    def _go_on(self) -> None:
        """Count a file down. Raises: FetchError once it was unplugged."""
        if self._left is None:
            return
        if self._left == 0:
            raise FetchError("the stick was pulled out, or the network is away")
        self._left -= 1


def _harmed(data: bytes, fault: Fault | None) -> bytes:
    match fault:
        case "truncated" | "slow":
            return data[: len(data) // 2]
        case "flipped":
            middle = len(data) // 2
            return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        case _:
            return data
