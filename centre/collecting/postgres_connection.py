"""A connection to PostgreSQL that waits for no server for ever: one that hangs is as good as one that is gone.

The server's own time limits do not help where it is stopped as a whole (its disk hangs, its machine swaps): the kernel
still takes what is sent to it, and the limits of TCP see nothing wrong.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.waiting import Ready

from centre.collecting.postgres_schema import SCHEMA
from centre.collecting.store import PasswordError, StoreError

LOCK_S, STATEMENT_S = 10, 60  # after which the server itself gives up
STORE_S = 2.0 * LOCK_S  # ours: batches take some tenths of a second, unless another collector has their journals
READ_S = STATEMENT_S + 10.0
STOP_S = 1.0  # where the program is told to stop
CONNECTING: dict[str, Any] = {  # of libpq: a machine that is gone is noticed within half a minute, and asked again
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "greengate-centre",
}
SESSION = f"""
    SET synchronous_commit = on;
    SET default_transaction_isolation = 'read committed';
    SET search_path = {SCHEMA};
    SET timezone = 'UTC';
    SET lock_timeout = '{LOCK_S}s';
    SET statement_timeout = '{STATEMENT_S}s';
    SET idle_in_transaction_session_timeout = '60s';
"""
_WITHOUT = (
    "a password in the store's address can be read by others: leave it out, and put it into ~/.pgpass (mode 600) or "
    "the file that PGPASSFILE names, or let PostgreSQL know the user (peer)"
)

T = TypeVar("T")


class PatientConnection(psycopg.Connection[Any]):
    """Wait for each answer for `patience_s` at most, and hardly at all where `stopping`; it is closed then."""

    patience_s = READ_S
    stopping: Callable[[], bool] = staticmethod(lambda: False)

    def wait(self, gen: PQGen[T], *args: Any, **kwargs: Any) -> T:  # noqa: ANN401 - handed on
        """Wait for what every method waits for. Raises: psycopg.OperationalError."""
        return super().wait(self._patient(gen), *args, **kwargs)

    def _patient(self, gen: PQGen[T]) -> PQGen[T]:
        """Hand on what psycopg waits for; it says now and then that nothing came."""
        heard_s = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                silent_s = time.monotonic() - heard_s
                if ready != Ready.NONE:
                    heard_s += silent_s
                elif silent_s > self.patience_s or (silent_s > STOP_S and self.stopping()):
                    self.close()
                    raise psycopg.OperationalError(f"no answer for {silent_s:.0f} s")
                wanted = gen.send(ready)
        except StopIteration as end:
            result: T = end.value
            return result


def checked(where: str) -> tuple[str, str]:
    """Return a connection's words, and what the database is called in messages. Raises: StoreError, PasswordError."""
    try:
        words = conninfo_to_dict(where)
    except psycopg.ProgrammingError:
        raise StoreError("the database is not named as postgresql://USER@HOST/DATABASE") from None
    if any(value for word, value in words.items() if word.endswith("password")):  # a key's passphrase too
        raise PasswordError(_WITHOUT)
    name = f"PostgreSQL {words.get('dbname') or ''} at {words.get('host') or 'this machine'}"
    return make_conninfo(**{**CONNECTING, **words}), name


def was_cut(error: psycopg.Error) -> bool:
    """Tell whether a connection ended: no code of the server's, or that it is shutting down (class 57P)."""
    return error.sqlstate is None or error.sqlstate.startswith("57P")


def in_words(error: Exception) -> str:
    """Return an error in one line, without the rows that PostgreSQL quotes behind the first."""
    primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    lines = str(error).splitlines() or [type(error).__name__]
    return " ".join((primary or lines[0]).split())
