"""What a device trusts: signers, revocations, rules and profiles, and where these come from a store, their age."""

from dataclasses import dataclass, field, replace

from firmware.config_sections import TrustConfig
from firmware.knowledge import Knowledge
from verifier import Revocations, TrustList
from verifier.profile import Profiles
from verifier.rules import RuleSet


class TrustFolderError(Exception):
    """The trust folder cannot be used; the text names the file and what to do."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What a device trusts; `knowledge` and `store`, the store's name, are None where a plain folder was read."""

    signers: TrustList
    revocations: Revocations
    rules: RuleSet = field(default_factory=lambda: RuleSet((), {}))
    profiles: Profiles = field(default_factory=Profiles)
    knowledge: Knowledge | None = None
    store: str | None = None

    @property
    def demo(self) -> bool:
        """Tell whether any signer is a demo issuer's, which opens no real gate."""
        return self.signers.demo

    def shortened(self, site: TrustConfig) -> "Trust":
        """Return it with a site's own limits to its age, where these are shorter than the nation's."""
        return replace(self, knowledge=self.knowledge.shortened(site)) if self.knowledge else self
