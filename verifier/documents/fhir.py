"""What a bundle of health data (HL7 FHIR R4) in a SMART Health Card says of a vaccination or a test against COVID-19.

What is not of the form that is looked for counts as not there: issuers put many things into a bundle. That it is about
one person is not negotiable.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from verifier.documents.document import Holder
from verifier.documents.record import RecordKind
from verifier.documents.vaccines import BY_CVX, RESULTS, TESTS_BY_LOINC, Vaccine
from verifier.reasons import Reason, RefusedError

ENTRIES_MAX = 64  # ours: a patient and some doses
_CVX = "http://hl7.org/fhir/sid/cvx"
_LOINC = "http://loinc.org"
_SNOMED = "http://snomed.info/sct"
_GIVEN = "completed"  # Immunization.status; the others were not given, or entered in error
_RESULTED = frozenset({"final", "amended", "corrected"})  # Observation.status
_DATE = re.compile(r"([0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?)(?:T[0-9:.+Z-]+)?")  # FHIR R4, date and dateTime

_Map = Mapping[str, Any]


def read(bundle: _Map) -> tuple[RecordKind, Holder, dict[str, Any]]:
    """Return the kind, the holder, and the fields of the one entry that a health certificate would have.

    Of doses the newest is told, with how many there were; of tests the newest. Where there are both, the doses: one
    document is one kind.

    Raises:
        RefusedError: BAD_PAYLOAD where it is no bundle about one patient, UNSUPPORTED_KIND where nothing in it is a
            vaccination or a test that finds the virus.
    """
    resources = _resources(bundle)
    patients = _of_type(resources, "Patient")
    if len(patients) != 1:
        raise RefusedError(Reason.BAD_PAYLOAD, f"{len(patients)} patients where there must be exactly one")
    holder = _holder(patients[0])
    if vaccination := _vaccination(_of_type(resources, "Immunization")):
        return "vaccination", holder, vaccination
    if test := _test(_of_type(resources, "Observation")):
        return "test", holder, test
    raise RefusedError(Reason.UNSUPPORTED_KIND, "neither a vaccination nor a test against COVID-19 in the card")


def _resources(bundle: _Map) -> list[_Map]:
    entries = bundle.get("entry")
    if bundle.get("resourceType") != "Bundle" or not isinstance(entries, list):
        raise RefusedError(Reason.BAD_PAYLOAD, "no bundle with entries")
    if len(entries) > ENTRIES_MAX:
        raise RefusedError(Reason.BAD_PAYLOAD, f"{len(entries)} entries; at most {ENTRIES_MAX}")
    return [_map(entry.get("resource")) for entry in _maps(entries)]


def _of_type(resources: list[_Map], name: str) -> list[_Map]:
    return [resource for resource in resources if resource.get("resourceType") == name]


def _holder(patient: _Map) -> Holder:
    names = [*_maps(patient.get("name")), {}]
    born = _DATE.fullmatch(_text(patient, "birthDate"))
    family, given = _text(names[0], "family"), " ".join(_texts(names[0].get("given")))
    if not family and not given:
        given = _text(names[0], "text")  # one name, of which nobody says what is what
    return Holder(family=family, given=given, birth_date=born[1] if born else "")


def _vaccination(immunizations: list[_Map]) -> dict[str, Any]:
    doses = sorted((dose for one in immunizations if (dose := _dose(one))), key=_when)
    if not doses:
        return {}
    date, vaccine = doses[-1]
    return {**vaccine.fields(), "dn": _different({date for date, _ in doses}), "dt": date}


def _dose(immunization: _Map) -> tuple[str, Vaccine] | None:
    vaccine = next((BY_CVX[code] for code in _codes(immunization, "vaccineCode", _CVX) if code in BY_CVX), None)
    given = _DATE.fullmatch(_text(immunization, "occurrenceDateTime"))
    if _text(immunization, "status") != _GIVEN or vaccine is None or given is None:
        return None
    return given[1], vaccine


def _when(dose: tuple[str, Vaccine]) -> str:
    return dose[0]


def _different(dates: set[str]) -> int:
    """Count the days: registries list a dose twice, and dates in part may be those of another dose."""
    return sum(not any(other != date and other.startswith(date) for other in dates) for date in dates)


def _test(observations: list[_Map]) -> dict[str, Any]:
    tests = [test for one in observations if (test := _result(one))]
    return max(tests, key=_sampled, default={})


def _sampled(test: dict[str, Any]) -> str:
    return str(test["sc"])


def _result(observation: _Map) -> dict[str, Any] | None:
    method = next(
        (TESTS_BY_LOINC[code] for code in _codes(observation, "code", _LOINC) if code in TESTS_BY_LOINC), None
    )
    sampled = _text(observation, "effectiveDateTime")
    if _text(observation, "status") not in _RESULTED or method is None or not _DATE.fullmatch(sampled):
        return None
    found = {RESULTS.get(code, "") for code in _codes(observation, "valueCodeableConcept", _SNOMED)}
    centre = next((_text(who, "display") for who in _maps(observation.get("performer"))), "")
    return {"tt": method, "sc": sampled, "tr": found.pop() if len(found) == 1 else "", "tc": centre}


def _codes(resource: _Map, field: str, system: str) -> Iterator[str]:
    for coding in _maps(_map(resource.get(field)).get("coding")):
        if coding.get("system") == system:
            yield _text(coding, "code")


def _map(value: Any) -> _Map:  # noqa: ANN401 - JSON holds anything
    return value if isinstance(value, Mapping) else {}


def _maps(value: Any) -> list[_Map]:  # noqa: ANN401 - JSON holds anything
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:  # noqa: ANN401 - JSON holds anything
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _text(fields: _Map, name: str) -> str:
    value = fields.get(name)
    return value.strip() if isinstance(value, str) else ""
