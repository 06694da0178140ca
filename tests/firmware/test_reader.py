"""The reader's loop: what goes to the gate of texts, heartbeats, rescues and hints, and what the camera is told."""

import pytest

from drivers.camera import Frame
from drivers.symbols import Seen, Symbol
from drivers.symbols.region import Region
from firmware.events import RescueFault
from firmware.messages import (
    MAX_TEXT_CHARS,
    MAX_TEXTS,
    Heartbeat,
    Hinted,
    Reading,
)
from firmware.reader import GLANCE_S, READ_TIMEOUT_S, SIGNED, texts_of
from tests.firmware.reader_desk import FRAME, NO_CORNERS, Desk, frame, lost, stalled, symbol
from verifier.formats import FORMATS
from verifier.recognise import recognise


def test_texts_go_to_the_gate_and_a_heartbeat_with_the_first_frame() -> None:
    desk = Desk([frame, frame], [symbol("HC1:A")])
    reader = desk.reader()
    reader.turn()
    reader.turn()
    assert desk.sent == [Reading(("HC1:A",), 5, 0), Heartbeat(1), Reading(("HC1:A",), 5, 0)]
    assert desk.alive == 2


def test_a_heartbeat_comes_twice_a_second_while_frames_are_read() -> None:
    desk = Desk([frame] * 20)
    reader = desk.reader()
    for _ in range(20):
        reader.turn()
        desk.now_ns += 100_000_000
    assert desk.sent == [Heartbeat(frames) for frames in (1, 6, 11, 16)]


def test_a_heartbeat_that_did_not_arrive_is_sent_at_the_next_frame() -> None:
    desk = Desk([frame] * 2, gate_away=True)
    reader = desk.reader()
    reader.turn()
    desk.gate_away = False
    reader.turn()
    assert desk.sent == [Heartbeat(2)]


def test_frames_that_are_none_are_skipped_and_no_sign_of_life() -> None:
    desk = Desk([frame] * 3, wrong_shape=True)
    reader = desk.reader()
    for _ in range(3):
        reader.turn()
        desk.now_ns += 1_000_000_000
    assert desk.sent == []
    assert (reader.frames, reader.skipped) == (0, 3)


def test_texts_are_distinct_bounded_and_passes_first() -> None:
    many = [symbol(str(number)) for number in range(20)]
    assert texts_of([symbol("b"), symbol("HC1:a"), symbol("b")]) == ("HC1:a", "b")
    assert texts_of([*many, symbol("HC1:a")]) == ("HC1:a", *map(str, range(MAX_TEXTS - 1)))
    assert texts_of([symbol("9" * (MAX_TEXT_CHARS + 1))]) == ()


@pytest.mark.parametrize("text", [*(prefix for prefix in SIGNED if prefix != "{"), '{"data":{},"sig":{}}'])
def test_what_comes_first_is_what_the_verifier_knows_as_signed(text: str) -> None:
    assert recognise(text).kind in FORMATS
    assert text.startswith(SIGNED)


def test_no_signed_format_is_left_out() -> None:
    assert len(SIGNED) == len(FORMATS)


def test_what_a_rescue_reads_goes_to_the_gate_before_the_next_frame_and_as_of_its_own() -> None:
    rescued = Seen([symbol("HC1:HARD")], None, "rescue", None, 3)
    desk = Desk([stalled, stalled, frame], rescued=[None, rescued], pending=True)
    desk.reader().turn()
    assert desk.sent == [Reading(("HC1:HARD",), 3, 0), Heartbeat(1)]
    assert desk.logged == []


def test_a_rescue_in_vain_tells_nothing() -> None:
    desk = Desk([stalled, frame], rescued=[Seen([], captured_ns=3)], pending=True)
    desk.reader().turn()
    assert desk.sent == [Heartbeat(1)]


def test_a_camera_that_stalls_while_a_rescue_works_is_told_as_late_as_without_one() -> None:
    desk = Desk([stalled] * 200, rescued=[None] * 200, pending=True)
    desk.reader().turn()
    glances = 200 - len(desk.steps)
    assert glances * GLANCE_S == pytest.approx(READ_TIMEOUT_S)
    assert desk.sent == [Heartbeat(0, "camera-stalled")]


def test_a_code_that_is_no_text_is_not_sent() -> None:
    desk = Desk([frame], [Symbol("", "QRCode", NO_CORNERS, b"\x00")])
    desk.reader().turn()
    assert desk.sent == [Heartbeat(1)]


def test_a_hint_that_stays_goes_to_the_gate() -> None:
    frames = [Frame(FRAME.luma, number * 100_000_000) for number in range(11)]
    desk = Desk([lambda shown=shown: shown for shown in frames], hint="too-far")
    reader = desk.reader()
    for _ in frames:
        reader.turn()
    assert [message for message in desk.sent if isinstance(message, Hinted)] == [
        Hinted("too-far", 400_000_000),
        Hinted("too-far", 900_000_000),
    ]


def test_the_camera_is_told_where_the_code_is_and_a_new_one_again() -> None:
    desk = Desk([frame, frame, lost, frame], region=Region(10, 20, 30, 40, 1.0))
    reader = desk.reader()
    for _ in range(3):
        reader.turn()
    desk.now_ns += 500_000_000
    reader.turn()
    assert desk.attended == [(10, 20, 30, 40)] * 2


def test_a_rescue_that_does_not_work_is_logged_once() -> None:
    desk = Desk([frame] * 4)
    reader = desk.reader()
    for fault in ("it ended", "it ended", None, "it ended"):
        desk.rescue_fault = fault
        reader.turn()
    assert desk.logged == [RescueFault("it ended")] * 2
