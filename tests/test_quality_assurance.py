"""Pictures from real issuing systems, all the way: picture, symbol, layers, document."""

from datetime import UTC, datetime

from drivers.symbols import open_symbol_reader
from drivers.symbols.pictures import load_luma
from tests.vectors import vectors
from verifier import Layer, Outcome, Reason, Refused, Revocations, TrustList, Verifier, parse_signed_list

AT = datetime(2021, 9, 1, tzinfo=UTC)
READ_LAYERS = (Layer.UNPREFIX, Layer.BASE45, Layer.COMPRESSION, Layer.COSE, Layer.CWT, Layer.PAYLOAD)


def test_every_picture_holds_a_pass_that_can_be_read_to_the_document() -> None:
    reader, verifier = open_symbol_reader("zxing"), Verifier(TrustList(), Revocations())
    folder = vectors("dcc-quality-assurance")
    pictures = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".png")
    for path in pictures:
        (symbol,) = reader.read(load_luma(path))
        examination = verifier.examine(symbol.text, AT)
        assert {examination.layers[layer] for layer in READ_LAYERS} == {Outcome.OK}, path.relative_to(folder)
        assert examination.document is not None
    assert len(pictures) == 160


def test_viet_nams_passport_is_read_and_its_issuer_is_in_no_public_list() -> None:
    production = vectors("production-de")
    trust = parse_signed_list(
        (production / "dsc-list.json").read_bytes(), (production / "dsc-list-signing-key.pem").read_bytes()
    )
    picture = vectors("dcc-quality-assurance/VN/1.3.0/VAC_VN.png")
    (symbol,) = open_symbol_reader("zxing").read(load_luma(picture))
    examination = Verifier(trust, Revocations()).examine(symbol.text, AT)
    assert isinstance(examination.verdict, Refused)
    assert examination.verdict.reason is Reason.UNKNOWN_ISSUER
    assert examination.document is not None
    assert (examination.document.entry.country, examination.document.name.family_standard) == ("VN", "NGUYEN")
