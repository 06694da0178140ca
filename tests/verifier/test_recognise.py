"""Every kind of code is told by its text, and nothing raises."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulators.identity import FAULTY, FOREIGN, MAKERS, ONLINE, PERSON, UNKNOWN
from verifier.recognise import Recognised, recognise

SIGNED = {
    "HC1:6BFOXN": "hcert",
    "HC1:": "hcert",
    "LX1:6BFOXN": "lx1",
    "shc:/5676290952": "shc",
    "shc:/1/2/5676290952": "shc",
    "NZCP:/1/2KCEVIQEIV": "nzcp",
    '{"data":{"hdr":{"t":"icao.vacc","v":1,"is":"UTO"},"msg":{}},"sig":{"alg":"ES256"}}': "vds-nc",
    '\n {"sig": {}, "data": {}}': "vds-nc",
}
LONGEST_QR_CHARS = 7089


@pytest.mark.parametrize(("text", "kind"), SIGNED.items())
def test_tells_signed_formats_by_their_prefix(text: str, kind: str) -> None:
    assert recognise(text) == (kind, kind)


@pytest.mark.parametrize("variant", MAKERS)
def test_tells_identity_codes_by_their_fields(variant: str) -> None:
    kind, make = MAKERS[variant]
    assert recognise(make(PERSON)) == (kind, kind)


@pytest.mark.parametrize("variant", FAULTY)
def test_tells_broken_identity_codes_too_so_that_somebody_says_what_is_wrong(variant: str) -> None:
    kind, text = FAULTY[variant]
    assert recognise(text).kind == kind


@pytest.mark.parametrize("variant", ONLINE)
def test_names_what_only_a_service_resolves(variant: str) -> None:
    name, text = ONLINE[variant]
    assert recognise(text) == Recognised("online", name)


@pytest.mark.parametrize("name", FOREIGN)
def test_names_other_countries_schemes(name: str) -> None:
    assert recognise(FOREIGN[name]) == Recognised("foreign", name)


@pytest.mark.parametrize("variant", UNKNOWN)
def test_does_not_guess(variant: str) -> None:
    assert recognise(UNKNOWN[variant]) == Recognised("unknown", "unknown")


def test_a_sex_written_as_a_number_does_not_make_a_card_a_personal_code() -> None:
    assert recognise("079090123456|Nguyễn Văn Ân|09031990|1|12 Lê Lợi|15042021").kind == "cccd"


@given(st.text() | st.text(alphabet='|*0123456789A:/{"data sig}', max_size=200))
def test_any_text_has_a_kind(text: str) -> None:
    assert recognise(text).name


@given(
    st.sampled_from(["", "HC1:", "http://", "{", "012345678901|", "AB1234567890123|", "0|", "a.", "="]),
    st.text(max_size=9),
)
def test_long_texts_have_a_kind(beginning: str, unit: str) -> None:
    assert recognise((beginning + unit) * (LONGEST_QR_CHARS // max(1, len(beginning + unit)))).name


@pytest.mark.parametrize("unit", ["a", "a.", "|", "1|", "{", '"data"', " ", "0123456789ab|", "https://a.", "*"])
def test_takes_time_in_proportion_to_length(unit: str) -> None:
    begun_s = time.process_time()
    recognise(unit * (2_000_000 // len(unit)))
    assert time.process_time() - begun_s < 1.0


@pytest.mark.parametrize("field", ["{}!", "!{}", "1{}!", "{}1{}!", "A{}*{}"])
def test_a_run_of_spaces_in_a_field_takes_no_longer(field: str) -> None:
    text = "|".join([field.replace("{}", " " * 500_000)] * 6)
    begun_s = time.process_time()
    assert recognise(text).kind == "unknown"
    assert time.process_time() - begun_s < 1.0


def test_spaces_around_fields_make_no_difference() -> None:
    assert recognise(" 079090123456 | | Nguyễn Văn Ân | 09031990 ").kind == "cccd"
    assert recognise(" 07909* | NGUYEN VAN AN | 1990-03-09 | 1 | 123456 ").kind == "qrqg"
