"""Areas that signers and rules are scoped to: ISO 3166 codes in capitals, the whole before its parts (`VN`, `VN-SG`).

Areas are data: which codes there are is not known here, only that `VN` covers `VN-SG` and all within.
"""

import re
from collections.abc import Iterable

AREA_PATTERN = r"\A[A-Z0-9]{1,8}(-[A-Z0-9]{1,8}){0,3}\Z"  # country, province, district, commune
_PROVINCE = re.compile(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,3}", re.ASCII)


def is_province(code: str) -> bool:
    """Tell whether a text may be a province's code, which paths and roles carry: an area in small letters."""
    return _PROVINCE.fullmatch(code) is not None


def area_of(province: str) -> str:
    """Return the area that a province's code stands for."""
    return province.upper()


def covers(areas: Iterable[str], code: str) -> bool:
    """Tell whether an area is one of some areas, or lies within one."""
    return any(code == area or code.startswith(f"{area}-") for area in areas)
