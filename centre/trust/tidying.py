"""What nobody can ask for any more, removed: readers of the publication before this one still find all of theirs."""

from collections.abc import Iterable

from tuf.api.metadata import Metadata, Targets

from centre.trust.building import files_of, published_in
from centre.trust.home import TrustHome
from centre.trust.repository import Repository
from centre.trust.sets import INDEX, prune_sets, read_index


def tidy(home: TrustHome, waits: Iterable[Metadata[Targets]]) -> None:
    """Remove metadata, targets and sets that neither the publication names, nor the one before, nor what waits.

    Raises: TrustError.
    """
    repo = Repository(home.repo)
    published = published_in(repo)
    kept = {role: {number, _before(repo, role, number)} for role, number in published.versions().items()}
    listed = [
        repo.signed_targets(role, number)
        for role, numbers in kept.items()
        if role not in {"snapshot", "timestamp"}
        for number in numbers
    ]
    repo.prune(kept, files_of([*listed, *waits]))
    prune_sets(home, read_index(repo.target(published.files[INDEX])))


def _before(repo: Repository, role: str, version: int) -> int:
    """Return the version before one, of those that lie there; else the version itself."""
    return max((number for number in repo.versions(role) if number < version), default=version)
