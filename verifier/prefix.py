"""Layer 1: the context identifier before the Base45 text (Electronic Health Certificates 1.0.5, section 3.2)."""

from verifier.reasons import Reason, RefusedError

HC1 = "HC1:"
LX1 = "LX1:"
TEXT_MAX_CHARS = 4296  # what the largest QR code (version 40, L) holds in alphanumeric mode, ISO/IEC 18004


def unprefixed(text: str, prefix: str = HC1) -> str:
    """Return the Base45 part of a text.

    Raises:
        RefusedError: UNSUPPORTED_KIND for any other text, BAD_BASE45 for one longer than a QR code holds.
    """
    if not text.startswith(prefix):
        raise RefusedError(Reason.UNSUPPORTED_KIND, f"the text does not begin with {prefix}")
    if len(text) > TEXT_MAX_CHARS:
        raise RefusedError(Reason.BAD_BASE45, f"{len(text)} characters; a QR code holds {TEXT_MAX_CHARS}")
    return text[len(prefix) :]
