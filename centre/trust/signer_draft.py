"""The signers of the next publication: `HOME/trust/draft/signers.json`."""

import base64
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from centre.files import PUBLIC, write_whole
from centre.trust.drafts import SIGNERS
from centre.trust.home import TrustError, TrustHome, read_bounded, writing
from centre.trust.importing import TrustImportError, shown
from centre.trust.signer_entries import Found
from verifier.signers import SIGNERS_MAX_BYTES, SignerEntry, encode_signers, read_entries
from verifier.trust import TrustListError


@dataclass(slots=True)
class Merged:
    """The signers after an import, and what became of each.

    `gone` are those that a source named before and now does not: an issuer withdraws a key so.
    """

    entries: list[SignerEntry] = field(default_factory=list)
    added: list[SignerEntry] = field(default_factory=list)
    replaced: list[SignerEntry] = field(default_factory=list)
    known: list[SignerEntry] = field(default_factory=list)
    gone: list[SignerEntry] = field(default_factory=list)


def merge(before: Iterable[SignerEntry], found: Iterable[Found]) -> Merged:
    """Return the signers with those found put among them: the same key under the same kid is there once."""
    files = list(found)
    sources = {one.source for one in files if one.source is not None}
    new = {_identity(entry): entry for one in files for entry in one.entries}
    merged = Merged()
    for entry in before:
        now = new.pop(_identity(entry), None)
        if now is not None:
            (merged.known if now == entry else merged.replaced).append(now)
            merged.entries.append(now)
        else:
            (merged.gone if entry.name in sources else merged.entries).append(entry)
    merged.added = list(new.values())
    merged.entries += merged.added
    return merged


def remove(before: Iterable[SignerEntry], kid: str, issuer: str | None) -> tuple[list[SignerEntry], list[SignerEntry]]:
    """Return the signers that stay, and those of a kid (and an issuer) that go; kid as hex, base64 or text."""
    entries = list(before)
    for wanted in _kids(kid):
        gone = [one for one in entries if one.kid == wanted and (issuer is None or issuer in one.issuers)]
        if gone:
            return [one for one in entries if one not in gone], gone
    return entries, []


def read_draft(home: TrustHome) -> list[SignerEntry]:
    """Return the signers of the draft.

    Raises: TrustError.
    """
    path = home.draft / SIGNERS
    try:
        return read_entries(read_bounded(path, SIGNERS_MAX_BYTES))
    except TrustListError as error:
        raise TrustError(f"{path}: {shown(error)}: bring back a copy of it, or remove it and import anew") from None


def write_draft(home: TrustHome, entries: Iterable[SignerEntry]) -> None:
    """Write the signers of the draft, whole or not at all, synced.

    Raises: TrustError; TrustImportError where a kiosk could not use one.
    """
    try:
        data = encode_signers(entries)
    except TrustListError as error:
        raise TrustImportError(shown(error)) from None
    path = home.draft / SIGNERS
    with writing(path):
        write_whole(path, data, PUBLIC)


def _identity(entry: SignerEntry) -> tuple[object, ...]:
    return entry.format, entry.kid, entry.certificate, entry.jwk


def _kids(text: str) -> Iterable[bytes]:
    with contextlib.suppress(ValueError):
        yield bytes.fromhex(text)
    with contextlib.suppress(ValueError):
        yield base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_") + "=" * (-len(text) % 4))
    yield text.encode("utf-8", "replace")
