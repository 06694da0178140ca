"""What was issued is judged as a lane will, before anybody gets it."""

from collections.abc import Sequence

from centre.output import EX_CONFIG
from centre.permits.encoding import KINDS, Times
from centre.permits.home import PermitError
from centre.permits.keys import IssuingKey
from centre.trust.home import TrustHome
from centre.trust.signer_draft import read_draft
from verifier.reasons import Reason
from verifier.revocation import Revocations
from verifier.signers import SignerEntry, encode_signers, parse_signers
from verifier.trust import TrustListError
from verifier.verdict import Accepted
from verifier.verify import Verifier

FORMAT = "lx1"
_SCOPE = {Reason.WRONG_KEY_USAGE, Reason.OUTSIDE_SCOPE, Reason.SIGNER_NOT_VALID}


class Checker:
    """Judges permits by the nation's list of signers where it is here and names the key, else by the key alone.

    Attributes:
        trusted: Whether the draft of the nation's list names the key; None where no list is here.
    """

    def __init__(self, key: IssuingKey, home: TrustHome) -> None:
        """Read the draft.

        Raises: TrustError.
        """
        self.trusted: bool | None = None
        entries: Sequence[SignerEntry] = ()
        if (home.repo / "root.json").exists():
            entries = [one for one in read_draft(home) if (one.format, one.kid) == (FORMAT, key.kid)]
            self.trusted = bool(entries)
        try:
            trust = parse_signers(encode_signers(entries or [entry_of(key)]))
        except TrustListError as error:
            raise PermitError(
                f"{key.name} in the draft of the nation's signers: {error}: add it anew", EX_CONFIG
            ) from None
        self._verifier = Verifier(trust, Revocations(()))

    def check(self, text: str, times: Times) -> None:
        """Refuse a permit that a lane would not take, at its begin and to its end.

        Raises: PermitError.
        """
        for at in (times.begins, times.ends):
            verdict = self._verifier.verify(text, at)
            if isinstance(verdict, Accepted):
                continue
            if verdict.reason in _SCOPE:
                raise PermitError(
                    f"lanes would refuse it ({verdict.reason}: {verdict.detail}): the nation's list of signers binds"
                    " this key: see trust add-key --kind, --issuer, --area, --until"
                )
            raise PermitError(f"lanes would refuse it ({verdict.reason}: {verdict.detail}): report this as a fault")


def entry_of(key: IssuingKey) -> SignerEntry:
    """Return the entry of a key that nobody has bound yet."""
    return SignerEntry(kid=key.kid, format=FORMAT, certificate=key.der(), kinds=KINDS)
