#!/usr/bin/env python3
"""The sync's TUF client as the public conformance suite drives it (`make tuf-conformance`).

The suite's CLIENT-CLI.md says what these commands are. Settings, fetcher, words and the way of a target are the sync's
own. Not here is what the sync puts around them: it works on a copy of the metadata, wants `issued`, takes whole stores.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from drivers.fetcher import Fetcher, open_fetcher
from firmware.sync_disk import is_whole, replace_file
from firmware.sync_errors import RefusedError, SyncError
from firmware.sync_metadata import Published, _target
from firmware.sync_store import opened
from firmware.sync_targets import Larder

FIRST_ROOT = "first-root"  # not .json: the suite takes those for roles
STORE = "store"


def main() -> int:
    """Do as the command line says; return 0, or 1 for whatever failed."""
    args = _parser().parse_args()
    try:
        args.run(args)
    except (SyncError, OSError) as error:
        print(f"{args.command}: {error}", file=sys.stderr)  # noqa: T201 - what the suite shows of a failed test
        return 1
    return 0


def _init(args: argparse.Namespace) -> None:
    replace_file(args.metadata_dir / FIRST_ROOT, args.root.read_bytes())


def _refresh(args: argparse.Namespace) -> None:
    with _refreshed(args):
        pass


def _download(args: argparse.Namespace) -> None:
    with _refreshed(args) as (published, fetcher), opened(args.metadata_dir / STORE) as store:
        with published._said():
            file = published._updater.get_targetinfo(args.target_name)
        if file is None:
            raise RefusedError(f"{args.target_name}: nobody signs it")
        target = _target(args.target_name, file)
        larder = Larder(store, fetcher, lambda _done, _total: None)
        larder.fetch([target])
        place = args.target_dir / quote(args.target_name, "")
        if not is_whole(place, target.length, target.sha256):
            replace_file(place, larder.path_of(target).read_bytes())


@contextmanager
def _refreshed(args: argparse.Namespace) -> Iterator[tuple[Published, Fetcher]]:
    with open_fetcher(args.metadata_url.removesuffix("/").removesuffix("/metadata")) as fetcher:
        published = Published(args.metadata_dir, (args.metadata_dir / FIRST_ROOT).read_bytes(), fetcher)
        with published._said():
            published._updater.refresh()
        yield published, fetcher


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--metadata-dir", type=Path, required=True)
    parser.add_argument("--metadata-url")
    parser.add_argument("--target-name")
    parser.add_argument("--target-base-url", help="unused: targets are beside the metadata")
    parser.add_argument("--target-dir", type=Path)
    commands = parser.add_subparsers(dest="command", required=True)
    begin = commands.add_parser("init")
    begin.add_argument("root", type=Path)
    begin.set_defaults(run=_init)
    commands.add_parser("refresh").set_defaults(run=_refresh)
    commands.add_parser("download").set_defaults(run=_download)
    return parser


if __name__ == "__main__":
    sys.exit(main())
