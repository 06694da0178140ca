"""Vaccines and tests in the codes of the EU's value sets, by those of other schemes; what is not certain is left out.

Sources: EU value sets and encoding instructions of 2023-05-05; CDC's CVX codes and the products under each; WHO DDCC's
concept map of the EU's codes and ICD-11, where that calls them equivalent; LOINC and SNOMED CT as in the value sets of
HL7's SMART Health Cards: Vaccination & Testing 1.0.0.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

COVID_19 = "840539006"  # SNOMED CT, as are the results
_MRNA, _VECTOR, _PROTEIN, _INACTIVATED = "1119349007", "29061000087103", "1162643001", "1157024006"
_ANY = "28531000087107"
NUCLEIC_ACID, RAPID_ANTIGEN = "LP6464-4", "LP217198-3"  # LOINC parts, value set test-type
DETECTED, NOT_DETECTED, INCONCLUSIVE = "260373001", "260415000", "419984006"


class Vaccine(NamedTuple):
    """A vaccine's prophylaxis (`vp`), product (`mp`) and manufacturer (`ma`); empty where only the first is known."""

    prophylaxis: str
    product: str = ""
    manufacturer: str = ""

    def fields(self) -> dict[str, str]:
        """Return the fields of a vaccination entry, those that are known."""
        said = {"vp": self.prophylaxis, "mp": self.product, "ma": self.manufacturer}
        return {name: code for name, code in said.items() if code}


UNKNOWN_VACCINE = Vaccine(_ANY)
"""A vaccine against COVID-19, which one is not known."""
COMIRNATY = Vaccine(_MRNA, "EU/1/20/1528", "ORG-100030215")
SPIKEVAX = Vaccine(_MRNA, "EU/1/20/1507", "ORG-100031184")
VAXZEVRIA = Vaccine(_VECTOR, "EU/1/21/1529", "ORG-100001699")
JCOVDEN = Vaccine(_VECTOR, "EU/1/20/1525", "ORG-100001417")
NUVAXOVID = Vaccine(_PROTEIN, "EU/1/21/1618", "ORG-100032020")
COVAXIN = Vaccine(_INACTIVATED, "Covaxin", "Bharat-Biotech")
COVISHIELD = Vaccine(_VECTOR, "Covishield", "ORG-100001981")
CORONAVAC = Vaccine(_INACTIVATED, "CoronaVac", "Sinovac-Biotech")
BBIBP_CORV = Vaccine(_INACTIVATED, "BBIBP-CorV", "ORG-100020693")
SPUTNIK_V = Vaccine(_VECTOR, "Sputnik-V", "Gamaleya-Research-Institute")
SPUTNIK_LIGHT = Vaccine(_VECTOR, "Sputnik-Light", "Gamaleya-Research-Institute")
CONVIDECIA = Vaccine(_VECTOR, "Convidecia", "ORG-100013793")

BY_CVX: Mapping[str, Vaccine] = {  # the adapted vaccines have their first one's code, as the EU encodes them
    **dict.fromkeys(("208", "217", "218", "219", "300", "301", "302", "308", "309", "310"), COMIRNATY),
    **dict.fromkeys(("207", "221", "227", "228", "229", "230", "311", "312"), SPIKEVAX),
    "210": VAXZEVRIA,
    "211": NUVAXOVID,
    "212": JCOVDEN,
    "502": COVAXIN,
    "504": SPUTNIK_LIGHT,
    "505": SPUTNIK_V,
    "506": CONVIDECIA,
    "510": BBIBP_CORV,
    "511": CORONAVAC,
    "213": UNKNOWN_VACCINE,
    "500": UNKNOWN_VACCINE,
}
"""By CDC's code of the vaccine administered; all of them against COVID-19."""

BY_ICD_11: Mapping[str, Vaccine] = {
    "XM8NQ0": COMIRNATY,
    "XM3DT5": SPIKEVAX,
    "XM4YL8": VAXZEVRIA,
    "XM6QV1": JCOVDEN,
    "XM1G90": COVAXIN,
    "XM97T2": COVISHIELD,
    "XM7HT3": CORONAVAC,
    "XM8866": BBIBP_CORV,
    "XM5ZJ4": SPUTNIK_V,
    "XM5QM6": SPUTNIK_LIGHT,
    "XM1AG7": CONVIDECIA,
    "XM68M6": UNKNOWN_VACCINE,
}
"""By WHO's code; all of them against COVID-19."""

_BRANDS: Mapping[str, Vaccine] = {
    "COMIRNATY": COMIRNATY,
    "SPIKEVAX": SPIKEVAX,
    "VAXZEVRIA": VAXZEVRIA,
    "JCOVDEN": JCOVDEN,
    "NUVAXOVID": NUVAXOVID,
    "COVAXIN": COVAXIN,
    "COVISHIELD": COVISHIELD,
    "CORONAVAC": CORONAVAC,
    "BBIBP-CORV": BBIBP_CORV,
    "CONVIDECIA": CONVIDECIA,
}
_WORD = re.compile(r"[A-Z-]+")

TESTS_BY_LOINC: Mapping[str, str] = {
    **dict.fromkeys(
        ("94309-2", "94500-6", "94533-7", "94534-5", "94559-2", "94640-0", "94759-8", "94845-3", "95406-5"),
        NUCLEIC_ACID,
    ),
    **dict.fromkeys(("94558-4", "95209-3", "97097-0"), RAPID_ANTIGEN),
}
"""The EU's type of test by LOINC's code of the observation; all of them find the virus, none antibodies."""

RESULTS: Mapping[str, str] = {
    DETECTED: DETECTED,
    "10828004": DETECTED,  # positive
    NOT_DETECTED: NOT_DETECTED,
    "260385009": NOT_DETECTED,  # negative
    INCONCLUSIVE: INCONCLUSIVE,
}
"""The result as a health certificate says it, by SNOMED CT's codes for it."""


def by_brand(name: str) -> Vaccine | None:
    """Return the vaccine whose brand a text names, None where it names none, or several."""
    named = {_BRANDS[word] for word in _WORD.findall(name.upper()) if word in _BRANDS}
    return named.pop() if len(named) == 1 else None
