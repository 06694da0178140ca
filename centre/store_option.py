"""The options that name a store, the same in every command: --store FILE|postgresql://..., or --config FILE."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from centre.collecting.config import ConfigError, load_config
from centre.collecting.store import PasswordError, Store, StoreError, check_place, is_postgres, open_store
from centre.output import EX_NO_INPUT, EX_USAGE, refuse

Where = Annotated[
    str | None, typer.Option("--store", metavar="FILE|URL", help="The store: a SQLite file, or postgresql://...")
]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="The collector's configuration, for its store.")]


@contextlib.contextmanager
def opened(store: str | None, config: Path | None, *, json: bool) -> Iterator[Store]:
    """Open the store that is there; what it is refused for, and what goes wrong with it later, is told."""
    try:
        where = place(store, config, json=json)
        if isinstance(where, Path) and not where.is_file():
            refuse(f"{where}: no such file: name the store that the collector makes", EX_NO_INPUT, json=json)
        with open_store(where) as found:
            yield found
    except (ConfigError, StoreError) as error:
        refuse(error, json=json)


def place(store: str | None, config: Path | None, *, json: bool) -> str | Path:
    """Return where the store is; options that do not go together are refused.

    Raises: ConfigError, StoreError for an address that is none.
    """
    if (store is None) == (config is None):
        refuse("Give either --store or --config.", EX_USAGE, json=json)
    if config is not None:
        where = load_config(config).store.where
    else:
        where = store if store and is_postgres(store) else Path(store or "")
    try:
        check_place(where)
    except PasswordError as error:
        refuse(error, EX_USAGE, json=json)
    return where
