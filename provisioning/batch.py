"""`greengate explain --batch`: whole test suites through one process, a JSON object a line."""

import base64
from datetime import UTC, datetime
from typing import BinaryIO

import msgspec

from firmware.trust_folder import Trust
from provisioning.examination import as_result, explained
from provisioning.exits import Exit, emit
from verifier import Signer, TrustList, TrustListError, Verifier
from verifier.revocation_set import RevocationSetError
from verifier.signers import KINDS_OF, SignerEntry

_LINE_MAX_BYTES = 1024 * 1024  # a pass has at most 4296 characters; the rest is for certificates


class _Case(msgspec.Struct):
    text: str
    at: str | None = None
    dsc: list[str] | None = None
    keys: list[SignerEntry] | None = None


class _CaseError(Exception):
    """A line that cannot be judged; the text says why."""


def moment_of(text: str) -> datetime:
    """Return an aware time from ISO 8601; a text without a zone means UTC.

    Raises:
        ValueError: It is no time.
    """
    at = datetime.fromisoformat(text)
    return at if at.utcoffset() is not None else at.replace(tzinfo=UTC)


def judge_lines(lines: BinaryIO, trust: Trust, at: datetime) -> Exit:
    """Judge a case a line and print a result a line, in order; a line that is no case gives `{"error": ...}`.

    Args:
        lines: JSON objects `{"text": ..., "at": ISO 8601, "dsc": [base64 DER, ...], "keys": [as in signers.json]}`.
        trust: What is trusted where a case names neither `dsc` nor `keys`.
        at: The time to judge at where a case names none.

    Returns:
        DATA where a line was no case, else OK.
    """
    code = Exit.OK
    number = 0
    while line := lines.readline(_LINE_MAX_BYTES):
        number += 1
        try:
            if line.strip():
                emit(_judged(_whole(line, lines), trust, at))
        except _CaseError as error:
            emit({"error": f"line {number}: {error}"})
            code = Exit.DATA
    return code


def _whole(line: bytes, lines: BinaryIO) -> bytes:
    if len(line) < _LINE_MAX_BYTES or line.endswith(b"\n"):
        return line
    while (rest := lines.readline(_LINE_MAX_BYTES)) and not rest.endswith(b"\n"):
        pass  # the next line is a case of its own
    raise _CaseError(f"longer than {_LINE_MAX_BYTES} bytes")


def _judged(line: bytes, trust: Trust, at: datetime) -> dict[str, object]:
    try:
        case = msgspec.json.decode(line, type=_Case)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _CaseError(f"not a case: {error}") from None
    try:
        moment = moment_of(case.at) if case.at is not None else at
    except ValueError:
        raise _CaseError("at is not a time; write it as 2021-06-01T12:00:00Z") from None
    named = case.dsc is not None or case.keys is not None
    signers = _signers(case.dsc or [], case.keys or []) if named else trust.signers
    try:
        return as_result(explained(Verifier(signers, trust.revocations), case.text, moment))
    except RevocationSetError as error:
        raise _CaseError(f"{error}; run greengate sync") from None


def _signers(certificates: list[str], entries: list[SignerEntry]) -> TrustList:
    signers: list[Signer] = []
    unusable: list[str] = []
    for number, text in enumerate(certificates, start=1):
        try:
            der = base64.b64decode(text, validate=True)
        except ValueError:  # of binascii, or a letter that is not ASCII
            raise _CaseError(f"dsc {number} is not base64") from None
        try:
            signers.append(Signer.from_der(der))
        except (TrustListError, ValueError) as error:
            unusable.append(f"dsc {number}: {error}")
    for number, entry in enumerate(entries, start=1):
        if entry.format not in KINDS_OF:
            raise _CaseError(f"keys {number}: format {entry.format} is not known; known: {', '.join(KINDS_OF)}")
        try:
            signers.append(entry.signer())
        except (TrustListError, ValueError) as error:
            unusable.append(f"keys {number}: {error}")
    return TrustList(signers, unusable)
