"""What is published, and soon will not be taken by kiosks."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from tuf.api.metadata import Metadata, Root, Targets

from centre.trust.roles import lacking, role_keys
from verifier.rule_file import role_of

SOON = timedelta(days=7)  # ours: time for somebody to bring keys


def watched(root: Root, targets: Targets, provinces: Mapping[str, Metadata[Targets]], now: datetime) -> list[str]:
    """Return a line for each role that ends within a week, and each province that kiosks cannot follow.

    Raises: TrustError.
    """
    ends = {"root": root.expires, "targets": targets.expires}
    ends |= {role_of(code): one.signed.expires for code, one in provinces.items()}
    found = [f"{role}: ends on {at:%F}: publish with its keys" for role, at in ends.items() if at - now < SOON]
    return found + _unsigned(targets, provinces)


def _unsigned(targets: Targets, provinces: Mapping[str, Metadata[Targets]]) -> list[str]:
    """Return the provinces whose keys changed since they published: kiosks keep what they have of those."""
    return [
        f"{role_of(code)}: not signed by the keys that it has now: it has to publish again"
        for code, one in provinces.items()
        if lacking(one, [role_keys(targets, role_of(code))])
    ]
