"""What is wrong with how a camera sees codes, and which keys would mend it (pure)."""

from collections.abc import Sequence
from statistics import median

import msgspec

from firmware.config_sections import CameraConfig
from provisioning.camera_sight import Opened, Sight

BLUR_MODULES_MAX = 0.5  # of a module: beyond, readers end
BLUR_FIT_PX = 1.2  # what is measured of a lens in focus: its blur is not told apart from the pixels'
MODULE_MIN_PX, MODULE_FEW_PX = 2.0, 3.0  # readers end at the one, and read in poor light from the other
DARK, BRIGHT = 110.0, 235.0  # of 255, of a code's white
READ_MIN = 0.5  # of the sights of a code: less is chance
SLOW = 0.8  # of the frames asked for
EXPOSURE_LONGEST_US = 16_000  # longer ones blur any hand
EXPOSURE_SHORT_US = 4_000
GAIN_LOW = 2.0
TURN_BACK = 1.15  # ratio of the blur now to the best seen: more is beyond it


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a camera's sights of codes come to; None where there were none."""

    sights: int
    fps: float
    code: float  # share of the sights with a code
    read: float  # share of the codes that were read
    mean: float
    bright: float | None = None
    blur_px: float | None = None
    best_blur_px: float | None = None
    module_px: float | None = None
    exposure_us: float | None = None
    gain: float | None = None
    lens_position: float | None = None


def found_of(sights: Sequence[Sight]) -> Found:
    """Return the middle of what was seen. There is at least one sight."""
    codes = [sight for sight in sights if sight.bright is not None]
    blurs = [sight.blur_px for sight in codes if sight.blur_px is not None]
    return Found(
        sights=len(sights),
        fps=round(median(sight.fps for sight in sights), 1),
        code=round(len(codes) / len(sights), 2),
        read=round(sum(sight.read for sight in codes) / max(len(codes), 1), 2),
        mean=round(median(sight.mean for sight in sights)),
        bright=_middle([sight.bright for sight in codes], 0),
        blur_px=_middle(blurs, 2),
        best_blur_px=round(min(blurs), 2) if blurs else None,
        module_px=_middle([sight.module_px for sight in codes], 1),
        exposure_us=_middle([sight.exposure_us for sight in codes], 0),
        gain=_middle([sight.gain for sight in codes], 1),
        lens_position=_middle([sight.lens_position for sight in codes], 2),
    )


def problems(found: Found, camera: CameraConfig) -> list[str]:
    """Return the codes of what is wrong, the first to mend first."""
    if found.code == 0:
        return ["no-code"]
    told = {
        "too-dark": found.bright is not None and found.bright < DARK,
        "too-bright": found.bright is not None and found.bright > BRIGHT,
        "too-small": found.module_px is not None and found.module_px < MODULE_MIN_PX,
        "not-sharp": _soft(found),
        "not-read": found.read < READ_MIN,
        "slow": camera.fps is not None and found.fps < SLOW * camera.fps,
    }
    return [code for code, wrong in told.items() if wrong]


def suggestions(
    found: Found, camera: CameraConfig, opened: Opened, sharpest: float | None
) -> dict[str, int | float | str]:
    """Return keys of [camera] with the values that suit what was seen; none where all is as it should be."""
    wanted: dict[str, int | float | str] = {}
    if sharpest is not None:
        wanted |= {"focus": "manual", "lens_position": sharpest}
    if found.exposure_us is not None and found.gain is not None and found.bright is not None:
        wanted |= _exposure(found.exposure_us, found.gain, found.bright, camera)
    if camera.fps is not None and found.fps < SLOW * camera.fps:
        wanted["fps"] = max(1, int(found.fps))
    asked = (camera.width_px, camera.height_px)
    if (opened.width_px, opened.height_px) == asked and MODULE_MIN_PX <= (found.module_px or 0) < MODULE_FEW_PX:
        wanted |= {"width_px": min(1920, 2 * asked[0]), "height_px": min(1080, 2 * asked[1])}
    return {key: value for key, value in wanted.items() if getattr(camera, key) != value}


def turning(blur_px: float | None, best_px: float | None) -> str:
    """Return the code of which way to turn a lens by hand, from the blur now and the least that was seen."""
    if blur_px is None or best_px is None:
        return "ring-seek"
    return "ring-back" if blur_px > max(best_px, BLUR_FIT_PX) * TURN_BACK else "ring-good"


def _soft(found: Found) -> bool:
    if found.blur_px is None or found.module_px is None:
        return found.read < READ_MIN
    return found.blur_px > max(BLUR_FIT_PX, BLUR_MODULES_MAX * found.module_px)


def _exposure(exposure_us: float, gain: float, bright: float, camera: CameraConfig) -> dict[str, int | float | str]:
    """Return more light where there is too little, and a shorter time where there is plenty."""
    at_most = camera.exposure_max_us * 0.95  # sensors round to rows
    if bright < DARK and exposure_us >= at_most and gain >= camera.gain_max * 0.9:
        return {"exposure_max_us": min(2 * camera.exposure_max_us, max(EXPOSURE_LONGEST_US, camera.exposure_max_us))}
    if bright >= DARK and exposure_us >= at_most and gain <= GAIN_LOW and camera.exposure_max_us > EXPOSURE_SHORT_US:
        return {"exposure_max_us": max(EXPOSURE_SHORT_US, camera.exposure_max_us // 2)}
    return {}


def _middle(values: Sequence[float | None], digits: int) -> float | None:
    told = [value for value in values if value is not None]
    return round(median(told), digits) if told else None
