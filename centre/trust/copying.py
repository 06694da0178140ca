"""A publication copied to a stick, or to a web server's folder, in the order in which a reader may meet it."""

from collections.abc import Callable
from pathlib import Path

from centre.trust.home import TrustError
from centre.trust.repository import Repository


def copy(repo: Repository, folder: Path, told: Callable[[int, int], None]) -> int:
    """Copy what is published: targets, metadata, timestamp, roots; then remove what was there of older ones.

    Broken off anywhere, the same again goes on; what is there already is not copied.

    Args:
        repo: What is published.
        folder: Where to; made where there is none.
        told: Is given how many files are done, and of how many.

    Returns: how many targets there are.

    Raises: TrustError; also where the folder has a newer publication, or another nation's.
    """
    to = Repository(folder)
    timestamp = repo.timestamp()
    _check_same(repo, to)
    _check_older(repo, to)
    versions = {role: repo.versions(role) for role in sorted(repo.roles())}
    listed = [(role, number) for role, numbers in versions.items() if role != "root" for number in numbers]
    lists = [repo.signed_targets(role, number) for role, number in listed if role != "snapshot"]
    files = list({file.get_prefixed_paths()[0]: file for one in lists for file in one.signed.targets.values()}.values())
    for done, file in enumerate(files):
        told(done, len(files))
        to.lay_from(repo, file)
    for role, number in listed:
        to.lay(role, number, repo.bytes_of(role, number))
    if timestamp is not None:
        to.lay_timestamp(repo.timestamp_bytes())
    for number in versions.get("root", []):
        to.lay("root", number, repo.bytes_of("root", number))
    if 1 in versions.get("root", []):
        to.lay_first_root(repo.bytes_of("root", 1))
    to.prune({role: set(numbers) for role, numbers in versions.items()}, files)
    return len(files)


def _check_same(repo: Repository, to: Repository) -> None:
    """Refuse a folder of another nation's or province's, before anything of it is touched.

    Raises: TrustError.
    """
    for number in repo.versions("root"):
        to.holds("root", number, repo.bytes_of("root", number))
    others = sorted(to.roles() - repo.roles()) if to.metadata.is_dir() and to.timestamp() is None else []
    if others:
        raise TrustError(f"{to.folder} holds the publication of {others[0]}: give a folder of its own")


def _check_older(repo: Repository, to: Repository) -> None:
    """Refuse to lead readers of a folder backward.

    Raises: TrustError.
    """
    ours, theirs = repo.timestamp(), to.timestamp()
    if theirs is not None and (ours is None or theirs.signed.version > ours.signed.version):
        raise TrustError(
            f"{to.folder} holds the newer publication {theirs.signed.version}: publish where that was made, or empty it"
        )
