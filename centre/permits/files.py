"""The files of permits: text, picture, drawing, page; each there whole or not at all, for its owner alone."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from centre.files import write_whole
from centre.output import EX_USAGE
from centre.permits.encoding import Read, decode
from centre.permits.home import PermitError
from centre.permits.pdf import check_installed, largest_module_mm, pdf
from centre.permits.sheet import sheet_of
from centre.permits.symbol import DISTANCE_MAX_M, DISTANCE_MIN_M, made, module_mm, png, reads_to_m, svg
from centre.trust.home import writing
from verifier.documents.lx1_kinds import Vehicle

Form = Literal["txt", "png", "svg", "pdf"]
FORMS: tuple[Form, ...] = get_args(Form)
DISTANCE_M = 1.0  # ours: what a page of A4 carries of a vehicle's permit
_SHORT_DIGITS = 8  # of the identifier in a file's name
_TENTHS, _ROUNDING = 10, 1e-6  # downward: never promised farther than it is


class Written(NamedTuple):
    """The files of a permit.

    `module_mm`: of its printed code; `reads_to_m`: from how far that is read; `short`: that is less than was asked for.
    """

    paths: tuple[Path, ...]
    module_mm: float
    reads_to_m: float
    short: bool


class Printer(NamedTuple):
    """Where files go, of which forms, to be read at which distance; None: at the usual one, or what a page carries."""

    folder: Path
    forms: frozenset[Form]
    distance_m: float | None

    @classmethod
    def to(cls, folder: Path, forms: Collection[Form], distance_m: float | None) -> "Printer":
        """Check what somebody asks for.

        Raises: PermitError.
        """
        if distance_m is not None and not DISTANCE_MIN_M <= distance_m <= DISTANCE_MAX_M:
            raise PermitError(f"--distance-m: from {DISTANCE_MIN_M} to {DISTANCE_MAX_M:.0f}", EX_USAGE)
        if not folder.is_dir():
            raise PermitError(f"{folder} is no folder: make it first, or name another with --out", EX_USAGE)
        if "pdf" in forms:
            check_installed()
        return cls(folder, frozenset(forms), distance_m)

    def write(self, text: str) -> Written:
        """Write a permit's files; the same again writes the same.

        A page of A4 carries a code of some size only: where more was asked for, it has that, and the result says from
        how far it is read.

        Raises: TrustError.
        """
        permit, code = decode(text), made(text)
        asked = module_mm(self.distance_m or DISTANCE_M)
        fits = min(asked, largest_module_mm(code))
        contents: dict[Form, Callable[[], bytes]] = {
            "txt": f"{text}\n".encode,
            "png": lambda: png(code, asked),
            "svg": lambda: svg(code, asked, f"LX1 {name_of(permit)}"),
            "pdf": lambda: pdf(sheet_of(permit), code, fits),
        }
        paths = []
        for form in (form for form in FORMS if form in self.forms):
            path = self.folder / f"{name_of(permit)}.{form}"
            with writing(path):
                write_whole(path, contents[form]())
            paths.append(path)
        size = fits if "pdf" in self.forms else asked
        reads = int(reads_to_m(size) * _TENTHS + _ROUNDING) / _TENTHS
        return Written(tuple(paths), round(size, 2), reads, self.distance_m is not None and size < asked)


def name_of(permit: Read) -> str:
    """Return how a permit's files are called: by its plate, and never by a person's name."""
    entry = permit.document.entry
    short = permit.identifier.hex()[:_SHORT_DIGITS]
    return f"{entry.plate if isinstance(entry, Vehicle) else entry.kind}-{short}"
