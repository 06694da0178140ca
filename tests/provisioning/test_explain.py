"""`greengate explain`: one pass, every layer, and what a script learns from the exit code."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from drivers.symbols.pictures import load_luma
from provisioning.issuer import DemoIssuer
from tests.provisioning.command import Done, greengate, picture
from tests.vectors import vectors
from verifier import Layer
from verifier.revocation import uci_hash

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
ISSUER = DemoIssuer(AT)
OTHER = DemoIssuer(AT)
GOOD = ISSUER.issue()
LAYERS = [
    "unprefix", "base45", "compression", "cose", "cwt", "payload", "key", "keyusage", "signature", "time", "revocation",
]  # fmt: skip
ALL_OK = dict.fromkeys(LAYERS, "ok")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    path = tmp_path / "signer.der"
    path.write_bytes(ISSUER.certificate_der)
    return path


def explain(*arguments: str | Path, given: str | bytes | None = None) -> Done:
    return greengate("explain", "--at", AT.isoformat(), "--json", *arguments, given=given)


def test_the_result_is_as_documented(certificate: Path) -> None:
    done = explain("--dsc", certificate, GOOD)
    assert done.code == 0
    assert done.result.keys() == {"verdict", "reason", "layers", "details", "document", "format", "code"}
    assert (done.result["format"], done.result["code"]) == ("hcert", "hcert")
    assert (done.result["verdict"], done.result["reason"]) == ("accepted", "valid")
    assert list(done.result["layers"]) == LAYERS
    assert done.result["layers"] == ALL_OK
    assert done.result["details"] == {}
    document = done.result["document"]
    assert (document["kind"], document["date_of_birth"]) == ("vaccination", "1990-01-01")
    assert document["name"]["family_standard"] == "NGUYEN"
    assert document.keys() == {"kind", "version", "name", "date_of_birth", "entry"}


def test_the_layers_are_told_outermost_first() -> None:
    assert [layer.value for layer in Layer if layer in LAYERS] == LAYERS


def test_what_failed_says_why_and_what_had_nothing_to_work_on_was_skipped(certificate: Path) -> None:
    done = explain("--dsc", certificate, "HC1:not base45")
    assert done.code == 1
    assert (done.result["verdict"], done.result["reason"]) == ("refused", "bad-base45")
    outcomes = done.result["layers"]
    assert (outcomes["unprefix"], outcomes["base45"]) == ("ok", "failed")
    assert {outcomes[layer] for layer in LAYERS[2:]} == {"skipped"}
    assert list(done.result["details"]) == ["base45"]
    assert done.result["document"] is None


def test_at_another_time_the_same_pass_is_expired(certificate: Path) -> None:
    arguments = ("explain", "--json", "--dsc", certificate, GOOD)
    late = (AT + timedelta(days=200)).date().isoformat()  # a date means its first moment, in UTC
    done = greengate(*arguments, "--at", late)
    assert (done.code, done.result["reason"]) == (1, "expired")
    assert done.result["layers"] == ALL_OK | {"time": "failed"}
    assert "2026-11-28T12:00:00+00:00" in done.result["details"]["time"]


def test_without_a_time_it_is_judged_now(tmp_path: Path) -> None:
    issuer = DemoIssuer(datetime.now(UTC))
    certificate = tmp_path / "now.der"
    certificate.write_bytes(issuer.certificate_der)
    assert greengate("explain", "--json", "--dsc", certificate, issuer.issue()).code == 0
    assert greengate("explain", "--json", "--dsc", certificate, GOOD).result["layers"]["signature"] != "ok"


@pytest.mark.parametrize("time", ["2026-06-01T12:00:00", "2026-06-01T12:00:00Z", "2026-06-01T19:00:00+07:00"])
def test_a_time_without_a_zone_is_utc(certificate: Path, time: str) -> None:
    pass_ = ISSUER.issue(expires=AT)
    just = greengate("explain", "--json", "--dsc", certificate, "--at", time, pass_)
    assert just.result["reason"] == "valid"
    later = greengate("explain", "--json", "--dsc", certificate, "--at", time.replace(":00:00", ":00:01"), pass_)
    assert later.result["reason"] == "expired"


@pytest.mark.parametrize("time", ["yesterday", "", "2026-13-01", "2026-06-01T25:00:00Z"])
def test_what_is_no_time_is_wrong_usage(time: str) -> None:
    done = greengate("explain", "--json", "--at", time, GOOD)
    assert done.code == 2
    assert "2021-06-01T12:00:00Z" in done.result["error"]
    assert done.err == done.result["error"] + "\n"


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_the_ends_of_time_have_a_verdict_too(certificate: Path, time: str) -> None:
    done = greengate("explain", "--json", "--dsc", certificate, "--at", time, GOOD)
    assert (done.code, done.result["verdict"]) == (1, "refused")


def test_of_several_certificates_any_may_be_the_signers(certificate: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(x509.load_der_x509_certificate(OTHER.certificate_der).public_bytes(Encoding.PEM))
    assert explain("--dsc", other, "--dsc", certificate, GOOD).code == 0
    assert explain("--dsc", other, "--dsc", certificate, OTHER.issue()).code == 0
    done = explain("--dsc", other, GOOD)
    assert (done.code, done.result["reason"], done.result["layers"]["key"]) == (1, "unknown-issuer", "failed")


def test_a_trust_folder_brings_signers_and_revocations(certificate: Path, tmp_path: Path) -> None:
    revoked = uci_hash("URN:UVCI:01:VN:GONE#A").hex()
    (tmp_path / "revoked.json").write_text(f'{{"uci": ["{revoked}"]}}', "ascii")
    gone = ISSUER.issue({"ci": "URN:UVCI:01:VN:GONE#A"})
    assert explain("--trust", certificate.parent, GOOD).code == 0
    done = explain("--trust", certificate.parent, gone)
    assert (done.code, done.result["reason"]) == (1, "revoked")
    assert done.result["layers"] == ALL_OK | {"revocation": "failed"}


def test_with_certificates_only_they_are_trusted_and_the_folder_still_revokes(
    certificate: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "trust"
    folder.mkdir()
    (folder / "other.der").write_bytes(OTHER.certificate_der)
    revoked = uci_hash("URN:UVCI:01:VN:GONE#A").hex()
    (folder / "revoked.json").write_text(f'{{"uci": ["{revoked}"]}}', "ascii")
    both = ("--trust", folder, "--dsc", certificate)
    assert explain("--trust", folder, OTHER.issue()).code == 0
    assert explain(*both, OTHER.issue()).result["reason"] == "unknown-issuer"
    assert explain(*both, GOOD).code == 0
    assert explain(*both, ISSUER.issue({"ci": "URN:UVCI:01:VN:GONE#A"})).result["reason"] == "revoked"


def test_whom_to_trust_is_not_known_is_undecided_not_refused() -> None:
    done = explain(GOOD)
    assert (done.code, done.result["verdict"], done.result["reason"]) == (3, "undecided", "no-trust-list")


def test_a_real_signed_list_of_a_whole_union() -> None:
    folder = vectors("production-de")
    stranger = explain("--trust", folder, GOOD)
    assert (stranger.code, stranger.result["reason"]) == (1, "unknown-issuer")
    at = ("--at", "2022-01-01")
    real = greengate("explain", "--json", "--trust", folder, *at, vectors("dcc-quality-assurance/VN/1.3.0/VAC_VN.png"))
    assert (real.code, real.result["reason"]) == (1, "unknown-issuer")
    assert real.result["document"]["kind"] == "vaccination"


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_pass_from_standard_input(certificate: Path, end: str) -> None:
    assert explain("--dsc", certificate, "-", given=GOOD + end).code == 0


def test_one_end_of_line_is_the_shells_and_more_are_the_passs(certificate: Path) -> None:
    done = explain("--dsc", certificate, "-", given=GOOD + "\n\n")
    assert (done.code, done.result["reason"]) == (1, "bad-base45")


@pytest.mark.parametrize(
    ("given", "says"),
    [(b"HC1:\xff\xfe", "not text"), (b"HC1:" + b"0" * 70_000, "more than 65536 bytes")],
)
def test_standard_input_that_is_no_pass_at_all(given: bytes, says: str) -> None:
    done = explain("-", given=given)
    assert done.code == 65
    assert says in done.result["error"]
    assert len(done.err.splitlines()) == 1


def test_nothing_on_standard_input_is_a_code_that_is_not_supported() -> None:
    done = explain("-", given="")
    assert (done.code, done.result["verdict"]) == (3, "undecided")


def test_a_picture(certificate: Path, tmp_path: Path) -> None:
    path = picture(tmp_path / "pass.png", GOOD)
    done = explain("--dsc", certificate, path)
    assert (done.code, done.result["reason"]) == (0, "valid")
    unnamed = path.rename(tmp_path / "photo")  # a file is a picture whatever its name
    assert explain("--dsc", certificate, unnamed).code == 0


def _side_by_side(path: Path, *pictures: Path) -> Path:
    images = [load_luma(picture) for picture in pictures]
    height = max(image.shape[0] for image in images)
    padded = [np.pad(image, ((0, height - image.shape[0]), (0, 20)), constant_values=255) for image in images]
    cv2.imwrite(str(path), np.hstack(padded))
    return path


def test_a_picture_of_several_passes_gives_a_result_each_and_the_worst_code(certificate: Path, tmp_path: Path) -> None:
    expired = ISSUER.issue(expires=AT - timedelta(hours=1))
    parts = (picture(tmp_path / f"{n}.png", text) for n, text in enumerate((GOOD, expired, "https://example.org")))
    done = explain("--dsc", certificate, _side_by_side(tmp_path / "all.png", *parts))
    assert sorted(result["reason"] for result in done.results) == ["expired", "online-only", "valid"]
    assert done.code == 1  # the poster is beside the point


def test_a_picture_of_another_code_is_undecided(certificate: Path, tmp_path: Path) -> None:
    done = explain("--dsc", certificate, picture(tmp_path / "menu.png", "https://example.org/menu"))
    assert (done.code, done.result["reason"]) == (3, "online-only")


def test_a_picture_without_a_code_is_not_understood(tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    cv2.imwrite(str(path), np.full((200, 200), 127, np.uint8))
    done = explain(path)
    assert done.code == 65
    assert done.result["error"] == f"{path}: no QR code found; try a sharper or larger picture"


@pytest.mark.parametrize("content", [b"", b"text, not a picture", b"\x89PNG\r\n\x1a\n damaged"])
def test_a_file_that_is_no_picture(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(content)
    done = explain(path)
    assert done.code == 66
    assert str(path) in done.result["error"]
    assert len(done.err.splitlines()) == 1


def test_a_picture_that_is_not_there(tmp_path: Path) -> None:
    done = explain(tmp_path / "none.png")
    assert done.code == 66
    assert "none.png" in done.result["error"]


@pytest.mark.parametrize("name", ["none.der", "empty.der", "folder"])
def test_a_certificate_that_cannot_be_used(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty.der").touch()
    (tmp_path / "folder").mkdir()
    done = explain("--dsc", tmp_path / name, GOOD)
    assert done.code == 66
    assert str(tmp_path / name) in done.result["error"]


def test_a_trust_folder_that_is_not_there(tmp_path: Path) -> None:
    done = explain("--trust", tmp_path / "none", GOOD)
    assert done.code == 66
    assert "put the trust list's files there" in done.result["error"]


def test_a_published_repository_is_no_trust_folder(tmp_path: Path) -> None:
    (tmp_path / "root.json").write_text("{}", "ascii")
    (tmp_path / "metadata").mkdir()
    done = explain("--trust", tmp_path, GOOD)
    assert done.code == 66
    assert "a published repository, by which nobody judges before it is taken: greengate sync" in done.result["error"]


@pytest.mark.parametrize("text", ["", " ", "HC1:", "HC1:" + "A" * 200_000, "x" * 5000, "a\0b", "\udcff", "/", "."])
def test_any_text_has_a_verdict_or_one_line(text: str) -> None:
    done = explain("--", text)
    assert done.code in (1, 3, 66)
    assert done.results


def test_a_name_that_is_no_unicode_is_told_of_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "photo\udcff.png"  # as Python names a file with the byte 0xff in its name
    assert explain(path).code == 66
    assert greengate("read", "--json", path).code == 66


def test_nothing_to_explain_is_wrong_usage() -> None:
    done = explain()
    assert done.code == 2
    assert "--help" in done.result["error"]
    assert explain("--no-such-option").code == 2
