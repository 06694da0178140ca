"""What a VDS-NC seal's message says in the shape of a health certificate; what it does not say is not there."""

from typing import Any

import pytest

from verifier.cwt import Claims
from verifier.documents import vds_nc
from verifier.documents.document import Holder

DOSE = {"dvc": "2021-09-15", "seq": 1, "ctr": "AUS"}
EVENT = {"des": "XM68M6", "dis": "RA01.0", "nam": "Comirnaty", "vd": [DOSE]}


def read(type_: str, message: dict[str, Any]) -> Any:  # noqa: ANN401 - the only entry of either kind
    document = vds_nc.parse(Claims("AUS", None, None, {"hdr": {"t": type_}, "msg": message}))
    (entry,) = document.payload["v" if type_ == "icao.vacc" else "t"]
    return entry


def vaccination(**event: Any) -> Any:  # noqa: ANN401 - any JSON
    return read("icao.vacc", {"ve": [EVENT | event]})


def test_the_least_that_a_vaccination_says() -> None:
    entry = read("icao.vacc", {"ve": [{"des": "XM68M6", "vd": [{"dvc": "2021-09-15"}]}]})
    assert entry == {"tg": "840539006", "vp": "28531000087107", "dt": "2021-09-15"}


@pytest.mark.parametrize(
    ("event", "product"),
    [
        ({"des": "XM8NQ0"}, "EU/1/20/1528"),
        ({"des": "XM8NQ0", "nam": "Spikevax"}, "EU/1/20/1528"),
        ({"nam": "Pfizer COMIRNATY"}, "EU/1/20/1528"),
        ({"nam": "BBIBP-CorV (Vero Cells)"}, "BBIBP-CorV"),
        ({"nam": "Comirnaty or Spikevax"}, None),
        ({"nam": "Comirnatys"}, None),
        ({"nam": ""}, None),
        ({"nam": None}, None),
        ({"des": "XM0CX4", "nam": "Vaxzevria"}, "EU/1/21/1529"),
        ({"des": None, "nam": "CoronaVac"}, "CoronaVac"),
        ({"dis": "RA01"}, "EU/1/20/1528"),
        ({"dis": ""}, "EU/1/20/1528"),
    ],
    ids=str,
)
def test_the_product_where_it_is_certain(event: dict[str, Any], product: str | None) -> None:
    assert vaccination(**event).get("mp") == product


@pytest.mark.parametrize(
    ("sequence", "number"),
    [(3, 3), ("3", 3), ("03", 3), (True, None), (3.0, None), ("x", None), (100, None), (None, None)],
)
def test_the_number_of_a_dose(sequence: Any, number: int | None) -> None:  # noqa: ANN401 - any JSON
    assert vaccination(vd=[DOSE | {"seq": sequence}]).get("dn") == number


def test_the_newest_dose_of_all_vaccines() -> None:
    events = [
        EVENT | {"vd": [DOSE | {"dvc": "2021-12-01", "seq": 3}, DOSE, {"seq": 9}, "x"]},
        EVENT | {"dis": "1F03", "vd": [DOSE | {"dvc": "2022-01-01"}]},
        EVENT | {"nam": "Spikevax", "vd": [DOSE | {"dvc": "2021-10-01", "seq": 2, "ctr": "UTO"}]},
    ]
    entry = read("icao.vacc", {"uvci": " V1 ", "ve": events})
    assert (entry["dt"], entry["dn"], entry["mp"], entry["co"], entry["ci"]) == (
        "2021-12-01", 3, "EU/1/20/1528", "AU", "V1",
    )  # fmt: skip
    assert "co" not in read("icao.vacc", {"ve": events[2:]})


@pytest.mark.parametrize(
    ("conducted", "method", "result"),
    [
        ({"tc": "molecular(PCR)", "r": "negative"}, "LP6464-4", "260415000"),
        ({"tc": "antigen", "r": "Positive"}, "LP217198-3", "260373001"),
        ({"tc": "molecular(other)", "r": "normal"}, None, None),
        ({}, None, None),
        (None, None, None),
    ],
    ids=str,
)
def test_methods_and_results(conducted: Any, method: str | None, result: str | None) -> None:  # noqa: ANN401 - any JSON
    entry = read("icao.test", {"tr": conducted, "dat": {"sc": "2021-02-11", "ri": "2021-04-11"}})
    assert (entry.get("tt"), entry.get("tr"), entry["sc"]) == (method, result, "2021-02-11")
    assert "dr" not in entry, "when a report was issued is not when its result was found"


@pytest.mark.parametrize(
    ("person", "holder"),
    [
        ({"n": "CITIZEN  JANE SUE"}, Holder("CITIZEN", "JANE SUE")),
        ({"n": "CITIZEN<<JANE<SUE<<<"}, Holder("CITIZEN", "JANE SUE")),
        ({"n": "Smith Bill"}, Holder(given="Smith Bill")),
        ({"n": "SUKARNO  "}, Holder(given="SUKARNO")),
        ({"n": 1, "dob": None}, Holder()),
        ({"i": "A12", "dob": "1990"}, Holder(birth_date="1990", document_digits="A12")),
        ({"dn": "E1234567P"}, Holder(document_digits="34567P")),
        ("nobody", Holder()),
    ],
    ids=str,
)
def test_holders(person: Any, holder: Holder) -> None:  # noqa: ANN401 - any JSON
    data = {"hdr": {"t": "icao.vacc"}, "msg": {"pid": person, "ve": [EVENT]}}
    assert vds_nc.parse(Claims("AUS", None, None, data)).holder == holder
