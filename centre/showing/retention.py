"""`greengate-centre retention`: check-ins whose time is over dropped now; the collector does it each day."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from centre.collecting.config import RETENTION_DAYS_MAX, ConfigError, load_config
from centre.output import EX_USAGE, Json, out, refuse
from centre.store_option import ConfigFile, Where, opened
from drivers.clock import open_clock

Days = Annotated[
    int | None,
    typer.Option("--days", min=1, max=RETENTION_DAYS_MAX, help="Instead of store.retention_days in the configuration."),
]


def retention(store: Where = None, config: ConfigFile = None, days: Days = None, *, json: Json = False) -> None:
    """Drop check-ins that are older than store.retention_days, for good.

    What is dropped is not missing: which numbers came stays known, and none of them is stored again. By this machine's
    clock: look at it first where the collector reports retention-waits.

    Example: greengate-centre retention --config centre.toml

    Exit codes: 0 done; 2 wrong usage, or nobody said for how long check-ins are kept; 66 no such store; 78 the store or
    the configuration cannot be used.
    """
    kept_days = days or _configured(config, json=json)
    before = (open_clock("system").now() - timedelta(days=kept_days)).date()
    with opened(store, config, json=json) as found:
        out({"dropped_days": found.expire(before), "before": before.isoformat()}, json=json)


def _configured(config: Path | None, *, json: bool) -> int:
    try:
        kept_days = None if config is None else load_config(config).store.retention_days
    except ConfigError as error:
        refuse(error, json=json)
    if kept_days is None:
        refuse("For how long? Set store.retention_days in the configuration, or give --days.", EX_USAGE, json=json)
    return kept_days
