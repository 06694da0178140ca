"""Files fetched from where somebody published them: a web server, a stick, a folder. None of them is believed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self
from urllib.parse import urlsplit

from drivers.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

CHUNK_BYTES = 64 * 1024
PATH_MAX_CHARS = 512  # ours: the longest that is published has some 160
_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*(/[A-Za-z0-9][A-Za-z0-9._@-]*)*")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class FetchError(DeviceError):
    """A file cannot be fetched now: nobody answers, the stick was pulled out."""


class FetchMissingError(FetchError):
    """There is no such file, where all else is well."""


class FetchTooLargeError(FetchError):
    """A file is larger than its reader takes."""


class FetchNoFileError(FetchError):
    """What is there is a link, a pipe or a folder, which nobody publishes."""


class Fetcher(Protocol):
    """Files by their path below one place, one at a time.

    A path is parts of letters, digits and . - _ @ with a slash between, each beginning with a letter or digit: asking
    for another is a ValueError.
    """

    @property
    def where(self) -> str:
        """What it is, for people."""
        ...

    @property
    def local(self) -> bool:
        """Whether it is a stick or folder: what it lacks does not come by waiting."""
        ...

    def fetch(self, path: str, max_bytes: int) -> Iterator[bytes]:
        """Yield a file's content in pieces, never more than `max_bytes` in all; nothing is read before the first.

        A file that ends too early may seem whole: who reads it knows its hash. One that was not read to its end may be
        left, and another one fetched.

        Raises:
            FetchMissingError: there is no such file.
            FetchTooLargeError: there is more of it; what was yielded is none of it then.
            FetchNoFileError: it is no file.
            FetchError: anything else.
            ValueError: no path.
        """
        ...

    def close(self) -> None:
        """Let go of the place; a second call does nothing."""
        ...

    def __enter__(self) -> Self:
        """Give the fetcher itself."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        ...


def open_fetcher(
    where: str, *, ca: Path | None = None, certificate: Path | None = None, key: Path | None = None
) -> Fetcher:
    """Open a place to fetch from; a server is not asked before the first file.

    Args:
        where: `https://...` (`http://` on this machine's own addresses only), a folder, or a stick's block device,
            which is mounted for as long as this is open.
        ca: certificates that may sign the server's, in PEM; without it the system's.
        certificate: this client's own chain, in PEM.
        key: the certificate's key, in PEM, without a password.

    Raises:
        ValueError: no address to fetch from.
        DeviceMissingError: a file is missing or holds no certificate or key; the message names it.
        StickError: no such stick or folder, or none to touch.
    """
    if _URL.match(where):
        from drivers.fetcher.https import HttpsFetcher  # noqa: PLC0415 - a folder needs nothing of urllib3

        return HttpsFetcher(parse_address(where), ca=ca, certificate=certificate, key=key)
    from drivers.fetcher.folder import FolderFetcher  # noqa: PLC0415 - as above
    from drivers.stick import open_stick  # noqa: PLC0415 - as above

    return FolderFetcher(open_stick(Path(where), write=False))


def parse_address(url: str) -> str:
    """Return an address to fetch from, with a slash at its end. Raises: ValueError, saying what is wrong with it."""
    if not (url.isascii() and url.isprintable()) or " " in url:
        raise ValueError(f"{url!r}: an address is in ASCII, without spaces")
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ValueError(f"{url}: name an address that begins with https://")
    if parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "::1", "localhost"}:
        raise ValueError(f"{url}: http only from this machine itself: use https")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError(f"{url}: an address without a user, a query (?) and a fragment (#)")
    parts.port  # noqa: B018 - raises ValueError for none
    return url if url.endswith("/") else f"{url}/"


def check_path(path: str) -> str:
    """Return a path that leads below a place. Raises: ValueError for any other."""
    if len(path) > PATH_MAX_CHARS or not _PATH.fullmatch(path):
        raise ValueError("not the path of a published file")
    return path
