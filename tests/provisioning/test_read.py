"""`greengate read`: which symbols pictures hold."""

from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest

from drivers.errors import DeviceMissingError
from drivers.symbols import Hint, Seen, Symbol
from drivers.symbols.pictures import load_luma
from drivers.symbols.region import Region
from provisioning import read
from provisioning.read_still import LOOKS, LOOKS_AT_NOTHING, StillReader
from provisioning.words import phrases
from tests.drivers.symbol_pictures import aztec
from tests.provisioning.command import greengate, picture
from tests.provisioning.readers import KEYS, SOMEWHERE, ScriptedReader, new_clock, scripted, seen, unread


@pytest.mark.parametrize("reader", ["pipeline", "zxing", "pyzbar"])
def test_the_result_is_as_documented(tmp_path: Path, reader: str) -> None:
    path = picture(tmp_path / "one.png", "HC1:6BF")
    done = greengate("read", "--json", "--reader", reader, path)
    assert done.code == 0
    assert list(done.result) == KEYS
    assert done.result["hint"] is None
    assert done.result["file"] == str(path)
    assert 0 < done.result["ms"] < 5000
    (symbol,) = done.result["symbols"]
    assert list(symbol) == ["text", "format", "corners"]
    assert (symbol["text"], symbol["format"]) == ("HC1:6BF", "QRCode")


def test_the_corners_go_clockwise_from_the_top_left(tmp_path: Path) -> None:
    path = picture(tmp_path / "one.png", "HC1:")
    (symbol,) = greengate("read", "--json", path).result["symbols"]
    height, width = load_luma(path).shape
    margin = 4 * 5  # modules of quiet zone, pixels a module
    ends = ((margin, margin), (width - margin, margin), (width - margin, height - margin), (margin, height - margin))
    for (x, y), (expected_x, expected_y) in zip(symbol["corners"], ends, strict=True):
        assert abs(x - expected_x) <= 6
        assert abs(y - expected_y) <= 6


def test_several_pictures_give_a_line_each_in_order(tmp_path: Path) -> None:
    paths = [picture(tmp_path / f"{name}.png", name) for name in ("one", "two", "three")]
    done = greengate("read", "--json", *paths)
    assert done.code == 0
    assert [result["file"] for result in done.results] == [str(path) for path in paths]
    assert [result["symbols"][0]["text"] for result in done.results] == ["one", "two", "three"]


def test_more_pictures_than_one_waits_for_in_silence(tmp_path: Path) -> None:
    path = picture(tmp_path / "one.png", "x")
    done = greengate("read", "--json", *[path] * 25)
    assert (done.code, len(done.results)) == (0, 25)


def test_another_kind_of_symbol(tmp_path: Path) -> None:
    path = tmp_path / "aztec.png"
    cv2.imwrite(str(path), aztec("LX1:"))
    (symbol,) = greengate("read", "--json", path).result["symbols"]
    assert (symbol["text"], symbol["format"]) == ("LX1:", "Aztec")


def test_a_picture_without_a_symbol_is_1_and_one_that_is_none_66(tmp_path: Path) -> None:
    good = picture(tmp_path / "good.png", "HC1:")
    grey = tmp_path / "grey.png"
    cv2.imwrite(str(grey), np.full((100, 100), 127, np.uint8))
    text = tmp_path / "text.png"
    text.write_text("not a picture", "ascii")
    done = greengate("read", "--json", good, grey)
    assert (done.code, done.results[1]["symbols"]) == (1, [])
    for order in ((grey, text, good), (text, grey)):  # the graver code wins, and the others are read all the same
        done = greengate("read", "--json", *order)
        assert (done.code, len(done.results)) == (66, len(order))
    assert str(text) in done.results[0]["error"]
    assert greengate("read", "--json", tmp_path / "none.png").code == 66
    assert greengate("read", "--json", tmp_path).code == 66


def test_people_get_a_line_for_each_and_a_summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shows = {0: seen("HC1:abc"), 1: unread("glare"), 19: seen("x" * 600)}
    reader = ScriptedReader(new_clock(), shows)
    scripted(monkeypatch, reader)
    pictures = [picture(tmp_path / name, "x") for name in ("one.png", "second.png", "3.png")]
    done = greengate("read", "--lang", "en", *pictures, tmp_path / "none.png")
    assert done.code == 66
    assert done.out.splitlines() == [
        "one.png         5.0 ms  whole       QRCode HC1:abc",
        "second.png     90.0 ms  -           glare",
        f"3.png           5.0 ms  whole       QRCode {'x' * 72}… (600)",
        "3 frames, 2 read",
    ]
    assert "none.png" in done.err
    assert "glare" not in greengate("read", "--lang", "vi", pictures[1]).out


def test_every_hint_has_its_words() -> None:
    assert {f"hint-{hint}" for hint in get_args(Hint)} <= phrases("read").keys()


def test_bytes_that_are_no_text_are_told_as_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = Seen([Symbol("", "QRCode", ((0, 0),) * 4, b"\x00\xff")], arm="whole")
    path = picture(tmp_path / "one.png", "x")
    scripted(monkeypatch, ScriptedReader(new_clock(), {0: binary, 1: binary}))
    (symbol,) = greengate("read", "--json", path).result["symbols"]
    assert symbol == {"text": "", "format": "QRCode", "corners": [[0, 0]] * 4, "base64": "AP8="}
    assert "QRCode 2 bytes that are no text" in greengate("read", "--lang", "en", path).out


def test_each_picture_is_a_presentation_of_its_own_held_until_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = ScriptedReader(
        new_clock(),
        {0: seen("a"), 3: seen("b", "sharpened")} | dict.fromkeys(range(4, 7), unread("no-code", None)),
    )
    scripted(monkeypatch, reader)
    done = greengate("read", "--json", *[picture(tmp_path / f"{name}.png", name) for name in "abc"])
    assert reader.log == ["ready", "forget", "read", "forget", *["read"] * 3, "forget", *["read"] * 3, "close"]
    assert [(one["ms"], one["arm"], one["hint"]) for one in done.results] == [
        (5.0, "whole", None), (15.0, "sharpened", None), (15.0, None, "no-code")
    ]  # fmt: skip
    assert done.code == 1


@pytest.mark.parametrize(("region", "looks"), [(SOMEWHERE, LOOKS), (None, LOOKS_AT_NOTHING)], ids=["part", "nothing"])
def test_what_looks_like_a_code_has_all_looks_whatever_the_hint(region: Region | None, looks: int) -> None:
    reader = ScriptedReader(new_clock(), dict.fromkeys(range(LOOKS), unread("no-code", region)))
    StillReader(reader, reader.clock, 500.0, 300.0).read("a", np.zeros((4, 4), np.uint8))
    assert reader.log == ["forget", *["read"] * looks]


def test_one_reader_alone_looks_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = ScriptedReader(new_clock())
    scripted(monkeypatch, reader)
    assert greengate("read", "--json", "--reader", "zxing", picture(tmp_path / "a.png", "a")).code == 1
    assert reader.log == ["ready", "forget", "read", "close"]


def test_the_rescue_of_a_picture_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = picture(tmp_path / "a.png", "a")
    for after_s, code in ((0.29, 0), (0.9, 1)):
        reader = ScriptedReader(new_clock(), rescues={0: (after_s, seen("b", "rescue"))})
        asked = scripted(monkeypatch, reader)
        done = greengate("read", "--json", path)
        assert (done.code, done.result["arm"]) == (code, None if code else "rescue")
        assert done.result["ms"] < 1000
        assert asked[0]["rescue_limit_ms"] == 300
    assert done.result["hint"] == "motion"


def test_a_rescue_that_came_too_late_is_not_the_next_picture_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = ScriptedReader(new_clock(), {1: seen("a", "region"), 2: seen("b")}, {0: (0.2, seen("a", "rescue"))})
    scripted(monkeypatch, reader)
    done = greengate("read", "--json", *[picture(tmp_path / f"{name}.png", name) for name in "ab"])
    assert [(one["symbols"][0]["text"], one["ms"]) for one in done.results] == [("a", 10.0), ("b", 5.0)]
    assert not reader.pending


def test_without_its_rescue_it_reads_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, ScriptedReader(new_clock(), {0: seen("a")}, fault="it died 9 times"))
    done = greengate("read", "--json", "--lang", "en", picture(tmp_path / "a.png", "a"))
    assert (done.code, len(done.results)) == (0, 1)
    assert done.err == "without the rescue: it died 9 times\n"


def test_a_rescue_in_vain_ends_the_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, ScriptedReader(new_clock(), rescues={0: (0.1, None)}))
    done = greengate("read", "--json", picture(tmp_path / "a.png", "a"))
    assert (done.code, done.result["ms"]) == (1, 105.0)


# --- what cannot be


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--stream", "--video", "a"), "not both"),
        (("--video", "a", "b"), "one file"),
        (("--fps", "15", "a"), "--stream"),
        (("--stream", "--fps", "0", "a"), "--fps"),
        (("--stream", "--fps", "nan", "a"), "--fps"),
        (("--stream", "--fps", "inf", "a"), "--fps"),
        (("--stream", "--fps", "1e9", "a"), "--fps"),
        (("--budget-ms", "0", "a"), "--budget-ms"),
        (("--budget-ms", "nan", "a"), "--budget-ms"),
        (("--rescue-limit-ms", "-1", "a"), "--rescue-limit-ms"),
        (("--reader", "zxing", "--budget-ms", "9", "a"), "--budget-ms"),
        (("--reader", "pyzbar", "--rescue-limit-ms", "0", "a"), "--rescue-limit-ms"),
        (("--lang", "fr", "a"), "--lang"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_options_that_cannot_be(options: tuple[str, ...], says: str) -> None:
    done = greengate("read", "--json", *(("--lang", "en") if "--lang" not in options else ()), *options)
    assert done.code == 2
    assert says in done.result["error"]
    assert says in done.err


def test_wrong_usage(tmp_path: Path) -> None:
    assert greengate("read").code == 2
    assert greengate("read", "--stream").code == 2
    assert greengate("read", "--reader", "eyes", tmp_path / "x.png").code == 2
    assert greengate("read", "--fps", "fast", tmp_path / "x.png").code == 2


def test_a_reader_that_is_not_installed_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(kind: str, **_: float) -> None:
        raise DeviceMissingError(f"{kind} is not there", cure="apt-get install libzbar0")

    monkeypatch.setattr(read, "open_frame_reader", missing)
    done = greengate("read", "--json", "--reader", "pyzbar", tmp_path / "x.png")
    assert (done.code, done.result["error"]) == (69, "pyzbar is not there (apt-get install libzbar0)")


@pytest.mark.parametrize("options", [(), ("--stream",)], ids=["stills", "stream"])
def test_ctrl_c_ends_the_reader_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]) -> None:
    class Stopped(ScriptedReader):
        def read(self, luma: np.ndarray, captured_ns: int = 0) -> Seen:  # noqa: ARG002 - the port's
            raise KeyboardInterrupt

    reader = Stopped(new_clock())
    scripted(monkeypatch, reader)
    done = greengate("read", "--json", *options, picture(tmp_path / "a.png", "a"))
    assert done.code == 130
    assert reader.log[-1] == "close"


def test_a_name_commands_no_terminal(tmp_path: Path) -> None:
    done = greengate("read", tmp_path / "x\x1b]0;owned\x07.png")
    assert done.code == 66
    assert done.err.rstrip("\n").isprintable()
