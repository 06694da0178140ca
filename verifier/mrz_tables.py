"""Letters as a machine-readable zone has them: the tables of ICAO Doc 9303, part 3, section 6 (8th edition, 2021).

A Latin letter that stands in no table here is written as its base letter, which is what section 6.A says of all others.
"""

# ruff: noqa: RUF001, RUF003 - letters that look like Latin ones are what these tables are about

from typing import Final, Literal

Variant = Literal["recommended", "plain", "marked"]
"""Which of the transliterations that section 6.A allows: `Ü` as UE, as U, as UXX. An issuer keeps to one of them."""

_ALONE: Final = {
    "Đ": "D", "Ð": "D", "Ħ": "H", "Ł": "L", "Ŋ": "N", "Ŧ": "T", "Þ": "TH", "Æ": "AE", "Œ": "OE", "ĸ": "Q", "ẞ": "SS",
    "ß": "SS", "ı": "I",
}  # fmt: skip
_RECOMMENDED: Final = {**_ALONE, "Ä": "AE", "Å": "AA", "Ö": "OE", "Ø": "OE", "Ü": "UE"}

LATIN: Final[dict[Variant, dict[str, str]]] = {
    "recommended": _RECOMMENDED,
    "plain": {**_ALONE, "Ä": "A", "Å": "A", "Ö": "O", "Ø": "O", "Ü": "U"},
    "marked": {**_RECOMMENDED, "Ñ": "NXX", "Ü": "UXX"},
}

# Section 6.B. Languages differ (Г is H in Ukrainian, Ц is C in Serbian): these are the rows without their exceptions.
# Ь is not encoded; Ћ is the letter that the table has at U+04BA.
CYRILLIC: Final = {
    "А": "A", "Б": "B", "В": "V", "Г": "G", "Д": "D", "Е": "E", "Ё": "E", "Ж": "ZH", "З": "Z", "И": "I", "Й": "I",
    "К": "K", "Л": "L", "М": "M", "Н": "N", "О": "O", "П": "P", "Р": "R", "С": "S", "Т": "T", "У": "U", "Ф": "F",
    "Х": "KH", "Ц": "TS", "Ч": "CH", "Ш": "SH", "Щ": "SHCH", "Ъ": "IE", "Ы": "Y", "Ь": "", "Э": "E", "Ю": "IU",
    "Я": "IA", "Ђ": "D", "Ѓ": "G", "Є": "IE", "Ѕ": "DZ", "І": "I", "Ї": "I", "Ј": "J", "Љ": "LJ", "Њ": "NJ", "Ћ": "C",
    "Ќ": "K", "Ў": "U", "Џ": "DZ", "Ѫ": "U", "Ѵ": "Y", "Ґ": "G", "Ғ": "G", "Һ": "C",
}  # fmt: skip

# Section 6.C, which keeps the spelling and not the sound. Vowel signs are not encoded; shadda doubles the letter.
ARABIC: Final = {
    "ء": "XE", "آ": "XAA", "أ": "XAE", "ؤ": "U", "إ": "I", "ئ": "XI", "ا": "A", "ب": "B", "ة": "XTA", "ت": "T",
    "ث": "XTH", "ج": "J", "ح": "XH", "خ": "XKH", "د": "D", "ذ": "XDH", "ر": "R", "ز": "Z", "س": "S", "ش": "XSH",
    "ص": "XSS", "ض": "XDZ", "ط": "XTT", "ظ": "XZZ", "ع": "E", "غ": "G", "ف": "F", "ق": "Q", "ك": "K", "ل": "L",
    "م": "M", "ن": "N", "ه": "H", "و": "W", "ى": "XAY", "ي": "Y", "ٱ": "XXA", "ٹ": "XXT", "ټ": "XRT", "پ": "P",
    "ځ": "XKE", "څ": "XXH", "چ": "XC", "ڈ": "XXD", "ډ": "XDR", "ڑ": "XXR", "ړ": "XRR", "ږ": "XRX", "ژ": "XJ",
    "ښ": "XXS", "ک": "XKK", "ګ": "XXK", "ڭ": "XNG", "گ": "XGG", "ں": "XNN", "ڼ": "XXN", "ھ": "XDO", "ۀ": "XYH",
    "ہ": "XXG", "ۂ": "XGE", "ۃ": "XTG", "ی": "XYA", "ۍ": "XXY", "ې": "Y", "ے": "XYB", "ۓ": "XBE",
}  # fmt: skip
ARABIC_SHADDA: Final = "\N{ARABIC SHADDA}"
TEH_MARBUTA: Final = "ة"
TEH_MARBUTA_AT_END: Final = "XAH"

# Doc 9303 has no Greek table; these are the letters of ELOT 743 (ISO 843), which Greek passports use; not its pairs.
GREEK: Final = {
    "Α": "A", "Β": "V", "Γ": "G", "Δ": "D", "Ε": "E", "Ζ": "Z", "Η": "I", "Θ": "TH", "Ι": "I", "Κ": "K", "Λ": "L",
    "Μ": "M", "Ν": "N", "Ξ": "X", "Ο": "O", "Π": "P", "Ρ": "R", "Σ": "S", "Τ": "T", "Υ": "Y", "Φ": "F", "Χ": "CH",
    "Ψ": "PS", "Ω": "O",
}  # fmt: skip

OTHER_SCRIPTS: Final = {**CYRILLIC, **ARABIC, **GREEK}
