"""What `serve` reports: a closed list."""

from centre.collecting.events import Event


class PageServed(Event, frozen=True, tag="page-served"):
    """The page is there."""

    host: str
    port: int


class PageStopped(Event, frozen=True, tag="page-stopped"):
    """It ended in order."""


class StoreAway(Event, frozen=True, tag="store-away"):
    """The store cannot be read; told once until it can be again."""

    why: str


class StoreBack(Event, frozen=True, tag="store-back"):
    """The store can be read again."""


class PageFailed(Event, frozen=True, tag="page-failed"):
    """A fault of the page's own: its kind, never a request's text."""

    kind: str
