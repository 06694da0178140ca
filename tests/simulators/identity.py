"""Codes that nobody signed: identity codes made from a person, well formed and faulty, and those that only have a name.

The shapes are those of public samples; every person, number and address here is made up.
"""

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from verifier.documents.identity import IdentityFormat


class Person(NamedTuple):
    """Whom the codes are made for."""

    name: str = "Nguyễn Văn Ân"
    born: date = date(1990, 3, 9)
    number: str = "079090123456"
    old_number: str = "023456789"
    sex: str = "Nam"
    address: str = "12 Lê Lợi, Phường Bến Thành, Thành phố Hồ Chí Minh"
    insurance_card: str = "DN4790123456789"


PERSON = Person()


def qrqg(person: Person = PERSON) -> str:
    """Return a national personal code: the name in capitals, without marks in most."""
    return f"{person.number}|{person.name.upper()}|{person.born.isoformat()}|0|1234567890|1<GD4790123456789<0912345678"


def qrqg_masked(person: Person = PERSON) -> str:
    """Return one that shows the end of the number only."""
    return f"******{person.number[-3:]}|{person.name.upper()}|{person.born.isoformat()}|1|1234567890|"


def qrqg_short(person: Person = PERSON) -> str:
    """Return one without the last field, which is optional information."""
    return qrqg(person).rpartition("|")[0]


def cccd(person: Person = PERSON) -> str:
    """Return a citizen's card of a holder who had an older one."""
    return "|".join(_card(person, person.old_number))


def cccd_first(person: Person = PERSON) -> str:
    """Return a citizen's card of a holder who had none before."""
    return "|".join(_card(person, ""))


def cccd_short(person: Person = PERSON) -> str:
    """Return a citizen's card that leaves the older number out, field and all."""
    return "|".join([person.number, *_card(person, "")[2:]])


def can_cuoc(person: Person = PERSON) -> str:
    """Return a card of 2024, with fields added: parents and the date of expiry."""
    return "|".join([*_card(person, person.old_number), "Nguyễn Văn Ba", "Trần Thị Bốn", "09032030"])


def bhyt(person: Person = PERSON) -> str:
    """Return a health insurance card: texts as hexadecimal UTF-8."""
    return _insurance(person, person.insurance_card)


def bhyt_person(person: Person = PERSON) -> str:
    """Return a newer one, which has the insured person's number alone."""
    return _insurance(person, person.insurance_card[-10:])


MAKERS: dict[str, tuple[IdentityFormat, Callable[[Person], str]]] = {
    "qrqg": ("qrqg", qrqg),
    "qrqg masked": ("qrqg", qrqg_masked),
    "qrqg without the last field": ("qrqg", qrqg_short),
    "cccd": ("cccd", cccd),
    "cccd, first card": ("cccd", cccd_first),
    "cccd without the field of the older number": ("cccd", cccd_short),
    "can cuoc": ("cccd", can_cuoc),
    "bhyt": ("bhyt", bhyt),
    "bhyt by the person's number": ("bhyt", bhyt_person),
}
"""Every well-formed variant: its format and what makes it."""

_NUMBER, _CARD = PERSON.number, PERSON.insurance_card

FAULTY: dict[str, tuple[IdentityFormat, str]] = {
    "cccd, two fields": ("cccd", f"{_NUMBER}|Nguyễn Văn Ân"),
    "cccd, only numbers": ("cccd", f"{_NUMBER}|023456789"),
    "cccd, three fields with the older number": ("cccd", f"{_NUMBER}|023456789|Nguyễn Văn Ân"),
    "cccd, no name": ("cccd", f"{_NUMBER}||  |09031990|Nam"),
    "cccd, name of masks": ("cccd", f"{_NUMBER}||*** ***|09031990|Nam"),
    "cccd, name with a bell": ("cccd", f"{_NUMBER}||Nguyễn\a Ân|09031990|Nam"),
    "cccd, lone surrogate": ("cccd", f"{_NUMBER}||Nguyễn \ud800|09031990|Nam"),
    "cccd, name of 1,000 characters": ("cccd", f"{_NUMBER}||{'An ' * 333}A|09031990|Nam"),
    "cccd, no date": ("cccd", f"{_NUMBER}||Nguyễn Văn Ân||Nam"),
    "cccd, 30 February": ("cccd", f"{_NUMBER}||Nguyễn Văn Ân|30021990|Nam"),
    "cccd, month 13": ("cccd", f"{_NUMBER}||Nguyễn Văn Ân|01131990|Nam"),
    "cccd, year 1776": ("cccd", f"{_NUMBER}||Nguyễn Văn Ân|04071776|Nam"),
    "cccd, year 0": ("cccd", f"{_NUMBER}||Nguyễn Văn Ân|01010000|Nam"),
    "cccd, wide digits": ("cccd", f"{_NUMBER}||Nguyễn Văn Ân|０９０３１９９０|Nam"),  # noqa: RUF001 - the fault
    "cccd, huge": ("cccd", f"{_NUMBER}||Nguyễn Văn Ân|09031990|Nam|{'x' * 7000}"),
    "cccd, 1,000 fields": ("cccd", _NUMBER + "|" * 1000),
    "qrqg, no name": ("qrqg", f"{_NUMBER}||1990-03-09|0|1234567890|"),
    "qrqg, date in words": ("qrqg", f"{_NUMBER}|NGUYEN VAN AN|9 March 1990|0|1234567890|"),
    "qrqg, masked year": ("qrqg", f"{_NUMBER}|NGUYEN VAN AN|****-03-09|0|1234567890|"),
    "bhyt, one field more": ("bhyt", f"{_CARD}|4e"),
    "bhyt, half a byte": ("bhyt", f"{_CARD}|4e6|09/03/1990|1"),
    "bhyt, no hexadecimal": ("bhyt", f"{_CARD}|Nguyễn Văn Ân|09/03/1990|1"),
    "bhyt, no UTF-8": ("bhyt", f"{_CARD}|c328|09/03/1990|1"),
    "bhyt, empty name": ("bhyt", f"{_CARD}||09/03/1990|1"),
    "bhyt, name of 1,000 bytes": ("bhyt", f"{_CARD}|{'41' * 1000}|09/03/1990|1"),
    "bhyt, name of 101 letters": ("bhyt", f"{_CARD}|{'41' * 101}|09/03/1990|1"),
    "bhyt, 31 April": ("bhyt", f"{_CARD}|416e|31/04/1990|1"),
}
"""What begins like an identity code and says nothing of use."""

ONLINE: dict[str, tuple[str, str]] = {
    "permit page of 2021": ("luong-xanh", "https://luongxanh.drvn.gov.vn/qr?id=0f3b"),
    "movement declaration": ("movement-declaration", "https://suckhoe.dancuquocgia.gov.vn/kb/0f3b"),
    "VNeID page": ("vneid", "https://vneid.gov.vn/x"),
    "venue": ("venue", "https://qr.tokhaiyte.vn/?id=1"),
    "venue of PC-Covid": ("venue", "https://pccovid.gov.vn/d/1"),
    "any link": ("link", "http://example.com/"),
    "capitals, as alphanumeric mode has them": ("luong-xanh", "HTTPS://LUONGXANH.DRVN.GOV.VN/QR?ID=1"),
    "a port": ("vneid", "https://vneid.gov.vn:8443/"),
    "a user who looks like a host": ("link", "https://luongxanh.drvn.gov.vn@example.com/"),
    "solar panels": ("link", "https://nangluongxanh.vn/"),
    "a host in the path": ("link", "https://example.com/luongxanh.drvn.gov.vn"),
    "no host": ("link", "https://"),
    "a host longer than hosts are": ("link", "https://" + "a." * 3000 + "vneid.gov.vn"),
    "opaque token": ("opaque", "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIwNzkwIn0.MEUCIQDx_-9"),
    "opaque hexadecimal": ("opaque", "0f" * 32),
}
"""What only a service can resolve: the name that it is recognised by, and a text."""

FOREIGN: dict[str, str] = {
    "no1": "NO1:6BFOXN*TS0BI$ZD4N9",
    "lt1": "LT1:6BFOXN*TS0BI$ZD4N9",
    "hcfr1": "HCFR1:6BFOXN*TS0BI$ZD4N9",
    "ex1": "EX1:6BFOXN*TS0BI$ZD4N9",
    "nl": "NL2:HT3NCJPRNRG9K0Y84",
    "2d-doc": "DC04FR0000011E6D1E6DL101FRL0THEOULE SUR MER\x1dL1JEAN PAUL",
    "hksarg": "HKSARG|VAC|3.00|1|TG12-3456-7|A123****",
    "divoc": "PK\x03\x04\x14\x00\x08\x00certificate.json",
}
"""Other countries' schemes, by the name that they are recognised by."""

UNKNOWN: dict[str, str] = {
    "nothing": "",
    "a word": "xin chào",
    "a product": "8934563138165",
    "a long number": "1" * 40,
    "a payment": "00020101021138570010A00000072701270006970403011300110123456780208QRIBFTTA53037045802VN63049E6F",
    "a wireless network": "WIFI:T:WPA;S:quan-cafe;P:12345678;;",
    "a later version of a certificate": "HC2:6BFOXN*TS0BI$ZD4N9",
    "a prefix in small letters": "hc1:6bfoxn",
    "a prefix after a space": " HC1:6BFOXN",
    "bars without numbers": "a|b|c|0|1|2",
    "a QID of letters": "079|NGUYEN VAN AN|1990-03-09|0|abc|",
    "four fields": "079|NGUYEN VAN AN|1990-03-09|0",
    "ten digits and a word": "1234567890|xin chào",
    "JSON of something else": '{"data": 1}',
}
"""What no kind is."""


def _card(person: Person, old_number: str) -> list[str]:
    day = person.born.strftime("%d%m%Y")
    return [person.number, old_number, person.name, day, person.sex, person.address, "15042021"]


def _insurance(person: Person, number: str) -> str:
    name, address = person.name.encode().hex(), person.address.encode().hex()
    day = person.born.strftime("%d/%m/%Y")
    return f"{number}|{name}|{day}|1|{address}|79 - 034|01/01/2021|-|05/01/2021|79075150|-|4|01/01/2025|15a3-7102|$"
