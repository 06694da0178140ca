"""What is published, and soon will not be taken by kiosks."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from tuf.api.metadata import Metadata, Root, Targets

from centre.trust.building import Published
from centre.trust.roles import lacking, role_keys
from verifier.rule_file import role_of

SOON = timedelta(days=7)  # ours: time for somebody to bring keys


def watched(root: Root, published: Published, now: datetime) -> list[str]:
    """Return a line for each role that ends within a week, and each province that kiosks cannot follow.

    Raises: TrustError.
    """
    ends = {"root": root.expires}
    parts = {"targets": published.targets, "snapshot": published.snapshot}
    ends |= {role: one.signed.expires for role, one in parts.items() if one is not None}
    ends |= {role_of(code): one.signed.expires for code, one in published.provinces.items()}
    found = [f"{role}: ends on {at:%F}: publish with its keys" for role, at in ends.items() if at - now < SOON]
    return found + ([] if published.targets is None else _unsigned(published.targets.signed, published.provinces))


def _unsigned(targets: Targets, provinces: Mapping[str, Metadata[Targets]]) -> list[str]:
    """Return the provinces whose keys changed since they published: kiosks keep what they have of those."""
    return [
        f"{role_of(code)}: not signed by the keys that it has now: it has to publish again"
        for code, one in provinces.items()
        if lacking(one, [role_keys(targets, role_of(code))])
    ]
