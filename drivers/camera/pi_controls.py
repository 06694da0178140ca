"""What libcamera's controls are set to for reading codes (libcamera's control_ids_core.yaml; pure).

Its automatic exposure has no free windows on a Raspberry Pi, so what is exposed for a code is set by hand; its
automatic focus has them (`AfWindows`, in px of the sensor, as `ScalerCrop` is).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drivers.camera import Abilities, Box, Taken, Tuning
from drivers.camera.exposure import Exposure, Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

Controls = dict[str, Any]

FPS = 30.0  # where none is configured
EXPOSURE_MIN_US = 100.0  # where the camera does not tell; shorter ones are rows of the sensor, and useless
AF_MANUAL, AF_CONTINUOUS = 0, 2
AF_RANGE_FULL = 2  # a code may be held at a hand's breadth
AF_METERING_AUTO, AF_METERING_WINDOWS = 0, 1
AE_SHORT = 1  # gain before time, as far as the automatic can be told
AE_HIGHLIGHT = 1  # what is bright is not to be overexposed: it may be a telephone
MODE_AUTO, MODE_MANUAL = 0, 1
WINDOW_GROWN = 0.25  # of a code's box on each side: it moves until the lens has


def first_controls(tuning: Tuning, known: Mapping[str, Any]) -> Controls:
    """Return what to set at the start: focus, frame rate, and how the automatic exposes."""
    frame_us = round(1_000_000 / tuning.fps) if tuning.fps else max(round(1_000_000 / FPS), tuning.exposure_max_us)
    if "FrameDurationLimits" in known:
        least_us, most_us = known["FrameDurationLimits"][:2]
        frame_us = min(max(frame_us, least_us), most_us)
    wanted: Controls = {
        "AfMode": AF_CONTINUOUS,
        "AfRange": AF_RANGE_FULL,
        "FrameDurationLimits": (frame_us, frame_us),
        "AeExposureMode": AE_SHORT,
        "AeConstraintMode": AE_HIGHLIGHT,
    }
    if tuning.focus == "manual" and tuning.lens_position is not None:
        wanted |= lens_controls(tuning.lens_position, known)
    return advertised(wanted, known)


def lens_controls(lens_position: float, known: Mapping[str, Any]) -> Controls:
    """Return what holds the lens still, as near to a position (in dioptres) as it can be moved."""
    reach = lens_of(known)
    if reach is None:
        return {}
    return {"AfMode": AF_MANUAL, "LensPosition": min(max(lens_position, reach[0]), reach[1])}


def exposure_controls(told: Exposure | None, known: Mapping[str, Any]) -> Controls:
    """Return what exposes by hand; None: what gives exposure back to the automatic.

    Since libcamera 0.5 time and gain each have a mode, and zero does nothing; before, zero was the automatic.
    """
    modes = "ExposureTimeMode" in known and "AnalogueGainMode" in known
    if told is not None:
        wanted = {"ExposureTimeMode": MODE_MANUAL, "AnalogueGainMode": MODE_MANUAL} if modes else {}
        return wanted | {"ExposureTime": round(told.time_us), "AnalogueGain": round(told.gain, 3)}
    if modes:
        return advertised({"AeEnable": True}, known) | {"ExposureTimeMode": MODE_AUTO, "AnalogueGainMode": MODE_AUTO}
    return {"ExposureTime": 0, "AnalogueGain": 0.0}


def window_controls(box: Box | None, size_px: tuple[int, int], crop: Box | None, known: Mapping[str, Any]) -> Controls:
    """Return what focuses on a box of a frame of a size, which shows a crop of the sensor; None: on what it likes."""
    if "AfWindows" not in known or "AfMetering" not in known:
        return {}
    if box is None or crop is None:
        return {"AfMetering": AF_METERING_AUTO}
    across, down = crop[2] / size_px[0], crop[3] / size_px[1]
    left, top = (max(0.0, at - WINDOW_GROWN * long) for at, long in ((box[0], box[2]), (box[1], box[3])))
    right, bottom = (
        min(float(most), at + long * (1 + WINDOW_GROWN))
        for most, at, long in ((size_px[0], box[0], box[2]), (size_px[1], box[1], box[3]))
    )
    if right <= left or bottom <= top:
        return {"AfMetering": AF_METERING_AUTO}
    window = (crop[0] + left * across, crop[1] + top * down, (right - left) * across, (bottom - top) * down)
    return {"AfMetering": AF_METERING_WINDOWS, "AfWindows": [tuple(round(value) for value in window)]}


def exposable(known: Mapping[str, Any]) -> bool:
    """Tell whether this camera's exposure can be set."""
    return "ExposureTime" in known and "AnalogueGain" in known


def limits_of(tuning: Tuning, known: Mapping[str, Any]) -> Limits:
    """Return within what the exposure may be set."""
    least_us = max(float(known.get("ExposureTime", (0,))[0] or 0), EXPOSURE_MIN_US)
    gain = float(known.get("AnalogueGain", (1, 0))[1] or tuning.gain_max)
    return Limits(least_us, max(float(tuning.exposure_max_us), least_us), min(gain, tuning.gain_max))


def lens_of(known: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return how far the lens can be moved, in dioptres; None where it has no motor."""
    if "LensPosition" not in known or "AfMode" not in known:
        return None
    return float(known["LensPosition"][0]), float(known["LensPosition"][1])


def abilities_of(tuning: Tuning, known: Mapping[str, Any]) -> Abilities:
    """Return what this camera can, and which keys it does not heed."""
    lens = lens_of(known)
    without = [] if lens else ["focus"] + (["lens_position"] if tuning.focus == "manual" else [])
    without += [] if exposable(known) else ["exposure_max_us", "gain_max"]
    without += [] if "FrameDurationLimits" in known else ["fps"]
    return Abilities(lens, tuple(without))


def taken_of(metadata: Mapping[str, Any]) -> Taken:
    """Return what a frame was taken with."""
    return Taken(*(metadata.get(name) for name in ("ExposureTime", "AnalogueGain", "LensPosition")))


def advertised(wanted: Controls, known: Mapping[str, Any]) -> Controls:
    """Leave out what the camera does not have: Picamera2 refuses it."""
    return {name: value for name, value in wanted.items() if name in known}
