"""Files of rules and profiles, written for tests as their publishers write them."""

import msgspec

from verifier.rule_file import RuleFile


def encoded(file: RuleFile) -> bytes:
    """Return the file of a rule or a profile."""
    about = {"id": file.id, "version": file.version, "valid_from": file.valid_from, "valid_to": file.valid_to}
    return msgspec.json.encode(about | {"scope": file.scope, file.kind: file.body})
