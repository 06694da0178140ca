"""What a terminal shows of the appliance."""

import io
import json
import time
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from firmware.messages import Advised, Health, Notice, Shown
from firmware.texts import load_texts
from provisioning import screen as screens
from provisioning.screen import JsonScreen, LineScreen, LiveScreen, centre_event, open_screen
from tests.firmware.site import make_site

ACCEPTED = Shown("accepted", "valid", "HỢP LỆ", "VALID", "id", "accepted", None, {"total": 41.25})
REFUSED = Shown("refused", "expired", "MÃ ĐÃ HẾT HẠN", "EXPIRED", "id", "refused")
PLATED = Shown("accepted", "valid", "HỢP LỆ", "VALID", "id", "accepted", None, {"total": 8.0}, plate="51C12345")
MORE = Shown("next-document", "documents-missing", "Còn thiếu: xét nghiệm", "Still missing: test", plate="51C12345")
ATTENDED = Shown("attendance", "attendance", "Đã ghi nhận", "Recorded", "id", "undecided")
READY = Shown("ready", "ready", "Đưa mã QR vào khung", "Place the QR code in the frame")
HEALTH = Health(
    in_service=True,
    device="kiosk-1",
    lane="1",
    demo=True,
    clock_trusted=True,
    frames=5,
    unsent=7,
    uplink_connected=False,
    last_ack_age_s=None,
    notices=(Notice("demo", "Khóa thử", "Demonstration keys"),),
)
STORED = {"event": "batch-stored", "new": 3}


@pytest.fixture
def live(tmp_path: Path) -> tuple[LiveScreen, io.StringIO]:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=100, height=50, color_system=None)
    return LiveScreen(make_site(tmp_path).config, console, ["Ctrl-C: stop"]), file


def _drawn(live: tuple[LiveScreen, io.StringIO]) -> str:
    screen, file = live
    file.seek(0)
    file.truncate()
    screen.turn()
    return file.getvalue()


def test_the_terminal_draws_lamps_reason_and_history(live: tuple[LiveScreen, io.StringIO]) -> None:
    assert load_texts()["gate-away"].vi in _drawn(live)  # until the gate says something
    live[0].told(ACCEPTED)
    drawn = _drawn(live)
    assert "● XANH GREEN" in drawn
    assert "○ đỏ red" in drawn
    assert "✓  HỢP LỆ" in drawn
    assert "41.2 ms" in drawn
    live[0].told(REFUSED)
    drawn = _drawn(live)
    assert "● ĐỎ RED" in drawn
    assert "○ xanh green" in drawn
    assert "✗  MÃ ĐÃ HẾT HẠN" in drawn
    assert "41.2 ms" in drawn  # the one before stays in the history
    live[0].close()


def test_the_terminal_asks_for_the_next_document_with_the_plate(live: tuple[LiveScreen, io.StringIO]) -> None:
    live[0].told(MORE)
    drawn = _drawn(live)
    assert "+  Còn thiếu: xét nghiệm" in drawn
    assert "Still missing: test" in drawn
    assert " 51C12345 " in drawn
    assert "● ĐỎ RED" in drawn  # two lamps: no green for what is no yes
    assert "○ xanh green" in drawn
    assert "AMBER" not in drawn.upper()
    assert "documents-missing" in drawn.partition("frame to light")[2]
    live[0].told(ATTENDED)
    drawn = _drawn(live)
    assert "≡  Đã ghi nhận" in drawn
    assert "51C12345" not in drawn
    assert "Recorded" in drawn
    live[0].close()


def test_the_terminal_says_how_to_hold_a_code_while_one_is_waited_for(live: tuple[LiveScreen, io.StringIO]) -> None:
    live[0].told(READY)
    live[0].told(Advised("too-far", "Đưa mã lại gần hơn", "Closer, please"))
    assert "Đưa mã lại gần hơn · Closer, please" in _drawn(live)
    live[0].told(ACCEPTED)
    assert "Closer" not in _drawn(live)


def test_a_third_lamp_is_drawn_where_one_is_fitted(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    config = msgspec.structs.replace(site.config, signal=msgspec.structs.replace(site.config.signal, amber_pin=22))
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=100, height=50, color_system=None)
    live = LiveScreen(config, console, []), file
    live[0].told(MORE)
    drawn = _drawn(live)
    assert "● VÀNG AMBER" in drawn
    assert "○ đỏ red" in drawn
    live[0].told(ACCEPTED)
    assert "○ vàng amber" in _drawn(live)
    live[0].close()


def test_the_terminal_says_how_programs_gate_and_centre_are(live: tuple[LiveScreen, io.StringIO]) -> None:
    screen = live[0]
    assert "at the centre" not in _drawn(live)
    screen.changed("gate", "ready")
    screen.told(HEALTH)
    screen.centre({"event": "connected"})
    screen.centre(STORED)
    screen.centre(STORED)
    drawn = _drawn(live)
    assert "programs: gate ready" in drawn
    assert "! Khóa thử · Demonstration keys" in drawn
    assert "unsent: 7" in drawn
    assert "at the centre: 6 check-ins" in drawn
    assert "kiosk-1 · Chợ Bến Thành, lane Cổng 1" in drawn
    assert "Ctrl-C: stop" in drawn
    screen.close()


def test_a_light_ends_on_the_screen_as_it_does_on_the_gate(live: tuple[LiveScreen, io.StringIO]) -> None:
    live[0].told(Shown("ready", "just-scanned", "Mã vừa được quét", "Just scanned", until_ns=time.monotonic_ns() - 1))
    drawn = _drawn(live)
    assert "○ đỏ red" in drawn
    assert "○ xanh green" in drawn
    live[0].close()


def test_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    screen = LineScreen()
    screen.told(READY)
    screen.told(HEALTH)
    screen.centre({"event": "connected"})
    screen.turn()
    assert capsys.readouterr().out == ""
    screen.changed("gate", "started")
    screen.told(ACCEPTED)
    screen.told(REFUSED)
    screen.told(MORE)
    screen.told(PLATED)
    screen.centre(STORED)
    screen.centre(STORED)
    screen.close()
    assert capsys.readouterr().out.splitlines() == [
        "gate: started",
        "✓ accepted (valid): HỢP LỆ / VALID, 41.2 ms from frame to light",
        "✗ refused (expired): MÃ ĐÃ HẾT HẠN / EXPIRED",
        "+ next-document (documents-missing): [51C12345] Còn thiếu: xét nghiệm / Still missing: test",
        "✓ accepted (valid): [51C12345] HỢP LỆ / VALID, 8.0 ms from frame to light",
        "centre: 3 check-ins stored",
        "centre: 6 check-ins stored",
    ]


def test_with_json_everything_is_an_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    screen = JsonScreen()
    screen.told(ACCEPTED)
    screen.told(HEALTH)
    screen.changed("gate", "killed")
    screen.centre(STORED)
    screen.turn()
    screen.close()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["type"] for line in lines] == ["shown", "health", "program", "centre"]
    assert (lines[0]["verdict"], lines[2]["change"], lines[3]["new"]) == ("accepted", "killed", 3)


def test_the_screen_fits_where_it_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = make_site(tmp_path).config
    assert isinstance(open_screen(config, [], as_json=True), JsonScreen)
    assert isinstance(open_screen(config, ["a note"], as_json=False), LineScreen)
    assert capsys.readouterr().out == "a note\n"
    monkeypatch.setattr(screens, "Console", lambda: Console(file=io.StringIO(), force_terminal=True))
    live = open_screen(config, [], as_json=False)
    assert isinstance(live, LiveScreen)
    live.close()


def test_what_a_centre_says_that_is_no_object_says_nothing() -> None:
    assert centre_event(b'{"event": "connected"}\n') == {"event": "connected"}
    for line in (b"", b"\n", b"Traceback", b"[]", b"5", b'{"event": '):
        assert centre_event(line) == {}
