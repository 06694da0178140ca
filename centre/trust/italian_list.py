"""The Italian list of revocations: numbered versions, each a snapshot or a delta, in numbered chunks.

A snapshot counts from its last chunk on, in the place of what was here; a delta's chunks each change what is here.
What does not follow on what is here is refused, as nobody could say what is revoked then.
"""

from typing import Any

from centre.trust.importing import TrustImportError
from centre.trust.revocation_db import Batch, RevocationDb
from centre.trust.revocation_sources import Chunk

HERE, COMING = "italy", "italy, coming"
_BATCH = Batch(HERE, b"", "uci", "IT")


def take_chunk(db: RevocationDb, chunk: Chunk) -> dict[str, Any]:
    """Take a chunk; one that came before changes nothing. Raises: TrustImportError where it does not follow."""
    here = db.batch(HERE)
    known = {"version": chunk.version, "chunk": chunk.chunk, "of": chunk.last}
    if here is not None and here.version == chunk.version and here.pending is None:
        return known | {"state": "known"}
    if here is not None and (here.version or 0) >= chunk.version:
        raise TrustImportError(f"version {chunk.version} is older than {here.version}, which is here")
    if chunk.before is None:
        return known | _of_snapshot(db, chunk)
    if here is None:
        raise TrustImportError("it changes a snapshot that is not here: bring a whole one first")
    return known | _of_delta(db, chunk, here)


def drop(db: RevocationDb) -> dict[str, Any]:
    """Remove the whole list."""
    gone = [db.delete(one) for one in (HERE, COMING)]
    return {"batch": HERE, "state": "removed" if any(gone) else "absent"}


def _of_snapshot(db: RevocationDb, chunk: Chunk) -> dict[str, Any]:
    coming = db.batch(COMING)
    so_far = coming.chunk or 0 if coming is not None and coming.pending == chunk.version else 0
    if chunk.chunk <= so_far:
        return {"state": "known"}
    _check_next(chunk, so_far)
    if not so_far:
        db.delete(COMING)
    db.put(_BATCH._replace(id=COMING, pending=chunk.version, chunk=chunk.chunk))
    new = db.add(COMING, chunk.insertions)
    if chunk.chunk == chunk.last:
        _check_total(db, chunk, COMING)
        db.rename(COMING, HERE)
        db.put(_BATCH._replace(version=chunk.version))
    return {"state": "complete" if chunk.chunk == chunk.last else "taken", "new": new, "removed": 0}


def _of_delta(db: RevocationDb, chunk: Chunk, here: Batch) -> dict[str, Any]:
    if here.version != chunk.before:
        raise TrustImportError(f"it changes version {chunk.before}; {here.version} is here: bring a whole one")
    if here.pending not in {None, chunk.version}:
        why = f"some chunks of version {here.pending} came already"
        raise TrustImportError(f"{why}: bring the others first, or a whole one")
    if chunk.chunk <= (here.chunk or 0):
        return {"state": "known"}
    _check_next(chunk, here.chunk or 0)
    removed = db.take(HERE, chunk.deletions)
    new = db.add(HERE, chunk.insertions)  # last: what is in both stays revoked
    if chunk.chunk == chunk.last:
        _check_total(db, chunk, HERE)
        db.put(_BATCH._replace(version=chunk.version))
    else:
        db.put(here._replace(pending=chunk.version, chunk=chunk.chunk))
    return {"state": "complete" if chunk.chunk == chunk.last else "taken", "new": new, "removed": removed}


def _check_next(chunk: Chunk, so_far: int) -> None:
    if chunk.chunk != so_far + 1:
        raise TrustImportError(f"chunk {chunk.chunk} of version {chunk.version}: bring chunk {so_far + 1} first")


def _check_total(db: RevocationDb, chunk: Chunk, batch_id: str) -> None:
    """Check the sum that clients are told to check (DRL.md, the final reconciliation)."""
    if chunk.total is not None and (count := db.count(batch_id)) != chunk.total:
        said = f"version {chunk.version} has {chunk.total} identifiers, these chunks make {count}"
        raise TrustImportError(f"{said}: fetch them all anew, as a snapshot")
