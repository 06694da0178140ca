"""The formats of signed documents, by the name that `verifier.recognise` has for their codes; a file each."""

from collections.abc import Mapping

from verifier.documents import hcert, lx1, nzcp, shc, vds_nc
from verifier.layers import Format

FORMATS: Mapping[str, Format] = {
    format_.name: format_ for format_ in (hcert.FORMAT, lx1.FORMAT, shc.FORMAT, nzcp.FORMAT, vds_nc.FORMAT)
}
