"""Cells of a CSV file: nothing in them is a formula to a spreadsheet (OWASP, CSV injection) or obeyed by a terminal."""

import re

# where a spreadsheet splits at semicolons, as under Viet Nam's settings, a cell may begin in the middle of a text;
# the last four are the signs at their full width, as of East Asia
_FORMULA = re.compile(r"(^|;)(?=\s*[=+\-@\uff1d\uff0b\uff0d\uff20])")
_FIRST = frozenset(" =+-@\uff1d\uff0b\uff0d\uff20")
_CONTROL = re.compile(r"[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")  # C0, C1, lines, directions of writing


def safe(value: object) -> object:
    """Return a cell; a text that a spreadsheet would calculate gets an apostrophe before it, a control its code."""
    if isinstance(value, str):
        if not value.isprintable():
            value = _CONTROL.sub(lambda found: ascii(found[0])[1:-1], value)
        if ";" in value or value[:1] in _FIRST:  # most cells are of neither kind, and there are many
            value = _FORMULA.sub(r"\1'", value)
        return value
    return "" if value is None else value
