"""The screen of `greengate camera tune`: its table, its bars, and what somebody sees who looks on."""

from io import StringIO

import pytest
from rich.console import Console

from provisioning.camera_screen import Screen, bar, sharpness, table
from provisioning.camera_sight import Opened, Sight
from provisioning.camera_watch import Seen
from provisioning.talk import Talk
from tests.provisioning.camera_looks import OPENED, SIGHT


def drawn(seen: Seen, lang: str, width: int = 80) -> str:
    out = StringIO()
    Console(file=out, width=width, force_terminal=False).print(table(Talk("camera", lang), seen))
    return out.getvalue()


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("sight", [SIGHT, Sight(fps=0, mean=0)], ids=["all", "nothing"])
def test_the_table_fits_80_columns(sight: Sight, lang: str) -> None:
    text = drawn(Seen(OPENED, None, [SIGHT, sight]), lang)
    assert "…" not in text
    assert len(text.splitlines()) <= 8


def test_a_lens_with_a_motor_needs_no_hand() -> None:
    assert "turn" not in drawn(Seen(Opened(1280, 720, (0.0, 15.0), ()), None, [SIGHT]), "en")
    blurred = Sight(fps=30, mean=110, bright=190, blur_px=3.0)
    assert "turn the lens back" in drawn(Seen(OPENED, None, [SIGHT, blurred]), "en")


@pytest.mark.parametrize(("share", "length"), [(-1.0, 0), (0.0, 0), (0.5, 10), (1.0, 20), (9.0, 20)])
def test_a_bar_has_its_ends(share: float, length: int) -> None:
    assert bar(share) == "█" * length


def test_sharpness_is_against_the_best() -> None:
    assert sharpness(None, 1.0) == 0
    assert sharpness(0.9, 0.9) == 1
    assert sharpness(3.0, 1.5) == pytest.approx(0.4)


def test_somebody_who_looks_on_sees_what_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    out = StringIO()

    def console(**_: object) -> Console:
        return Console(file=out, force_terminal=True, width=80)

    monkeypatch.setattr("provisioning.camera_screen.Console", console)
    opened = Opened(1280, 720, (0.0, 15.0), ())
    with Screen(Talk("camera", "en"), sweep=True) as screen:
        for seen in (Seen(opened), Seen(opened, 5.0, [SIGHT])):
            screen(seen)
            assert screen._live is not None
            screen._live.refresh()
    assert "hold the code still" in out.getvalue()
    assert "4.0 px" in out.getvalue()
