"""Text and time in, verdict out: green passes verified offline. Pure; see README.md."""

from verifier.documents.hcert import HealthCertificate
from verifier.reasons import Reason, RefusedError
from verifier.revocation import Revocations
from verifier.signed_list import parse_signed_list
from verifier.trust import Signer, TrustListError
from verifier.trust_list import TrustList
from verifier.verdict import Accepted, Identity, Refused, Undecided, Verdict
from verifier.verify import Examination, Layer, Outcome, Verifier

__all__ = [
    "Accepted",
    "Examination",
    "HealthCertificate",
    "Identity",
    "Layer",
    "Outcome",
    "Reason",
    "Refused",
    "RefusedError",
    "Revocations",
    "Signer",
    "TrustList",
    "TrustListError",
    "Undecided",
    "Verdict",
    "Verifier",
    "parse_signed_list",
]
