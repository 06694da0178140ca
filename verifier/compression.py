"""Layer 3: zlib (RFC 1950), or DEFLATE alone (RFC 1951), bounded."""

import zlib

from verifier.reasons import Reason, RefusedError

COSE_MAX_BYTES = 16 * 1024  # ours; the specification sets none, real passes inflate to under 1 KiB: against zlib bombs


def inflated(data: bytes, *, raw: bool = False) -> bytes:
    """Return the inflated bytes, at most `COSE_MAX_BYTES`; `raw` where zlib's header and checksum are not there.

    Raises:
        RefusedError: BAD_COMPRESSION for anything but one whole stream without bytes behind it.
    """
    stream = zlib.decompressobj(-zlib.MAX_WBITS if raw else zlib.MAX_WBITS)
    try:
        output = stream.decompress(data, COSE_MAX_BYTES + 1)
    except zlib.error as error:
        raise RefusedError(Reason.BAD_COMPRESSION, f"not zlib: {error}") from None
    if len(output) > COSE_MAX_BYTES:
        raise RefusedError(Reason.BAD_COMPRESSION, f"inflates to more than {COSE_MAX_BYTES} bytes")
    if not stream.eof:
        raise RefusedError(Reason.BAD_COMPRESSION, "the zlib stream ends early")
    if stream.unused_data:
        raise RefusedError(Reason.BAD_COMPRESSION, "bytes behind the zlib stream")
    return output
