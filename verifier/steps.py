"""Steps that several formats take."""

import hashlib

from verifier import base45, cose
from verifier.layers import Workings
from verifier.signatures import Signed
from verifier.verdict import Identity


def decode_base45(workings: Workings) -> None:
    """Decode what follows the prefix."""
    workings.packed = base45.decode(workings.encoded)


def open_sign1(workings: Workings) -> None:
    """Take a COSE_Sign1 message apart."""
    workings.sign1 = message = cose.decode(workings.content)
    identify(workings, message)


def identify(workings: Workings, message: Signed) -> None:
    """Take an opened envelope; what it signs is the pass's identity, whatever the signature's form."""
    workings.message = message
    workings.identity = Identity(hashlib.sha256(message.payload).digest())
