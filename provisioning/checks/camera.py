"""The camera: is it there, do its frames reach the gate, and what do they look like?"""

import json
import os
import pwd
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from firmware.messages import MAX_MESSAGE_BYTES, Health, MessageError, decode_event
from firmware.sockets import connect
from provisioning.checks import Finding, Patient, fault, ok, skipped, warning
from provisioning.checks.look import Look

HEALTH_S = 3.5  # the gate tells its health every second
BEATS = 3  # two tell a difference; the first is as old as a second already
NOTICES = ("uplink-silent", "centre-silent", "buzzer-fault", "heartbeat-fault")  # what no other check would find
READER_USER = "greengate-reader"
LOOK_MAX_S = 7.0  # a camera opens in two seconds, and is looked at for less than three
ANSWER_MAX_BYTES = 64 * 1024
BLACK_MEAN, DARK_MEAN, BRIGHT_MEAN = 8.0, 40.0, 215.0  # of 255
WHITE_MAX = 0.25  # share of overexposed pixels: a lamp or the sky in the picture is less
BLUR_MAX_PX = 2.5  # half a module of a pass held at its distance: beyond, readers fail


def present(patient: Patient) -> Iterator[Finding]:
    """Look for the configured camera, without opening it."""
    camera = patient.known.camera
    match camera.kind:
        case "simulated":
            there, found = Path(camera.source).is_dir(), camera.source
        case "opencv":
            source = camera.source
            path = Path(f"/dev/video{source}" if source.isdecimal() else source)
            there, found = path.exists(), str(path)
        case "picamera2":
            names = patient.machine.cameras()
            there, found = bool(names), ", ".join(names) or camera.source
    yield ok("camera-there", camera=found) if there else fault(f"camera-missing-{camera.kind}", camera=found)


def frames(patient: Patient) -> Iterator[Finding]:
    """Follow the gate's health for two beats: do frames come, and is it in service?"""
    if patient.service:
        yield skipped("frames-in-service-state")
        return
    told = beats(patient.known.events_socket)
    if len(told) < 2:  # noqa: PLR2004 - a difference needs two
        yield fault("gate-silent")
        return
    first, last = told[0], told[-1]
    if last.frames > first.frames:
        yield ok("frames-flow", frames=last.frames - first.frames)
    else:
        yield fault("frames-stand")
    yield ok("gate-in-service") if last.in_service else fault("gate-out-of-service")
    for code in (notice.code for notice in last.notices if notice.code in NOTICES):
        yield warning(f"gate-says-{code}")


def beats(path: Path, wanted: int = BEATS) -> list[Health]:
    """Return so many of the gate's health messages, or those that came in time."""
    found: list[Health] = []
    end_s = time.monotonic() + HEALTH_S
    try:
        with connect(path) as gate:
            while len(found) < wanted and (left_s := end_s - time.monotonic()) > 0:
                if not select.select([gate], [], [], left_s)[0]:
                    break
                data = gate.recv(MAX_MESSAGE_BYTES + 1)
                event = decode_event(data) if data else None
                if isinstance(event, Health):
                    found.append(event)
                elif event is None:
                    break
    except PermissionError:
        raise
    except (OSError, MessageError):
        pass
    return found


def focus(patient: Patient) -> Iterator[Finding]:
    """Open the camera in a process of its own, which can be killed when the camera hangs, and judge its frames."""
    command = [sys.executable, "-P", "-m", "provisioning.checks.look", "--config", str(patient.config_path)]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command,
            capture_output=True,
            timeout=LOOK_MAX_S,
            check=False,
            stdin=subprocess.DEVNULL,
            **as_reader(patient),
        )
        look = msgspec.json.decode(done.stdout[-ANSWER_MAX_BYTES:], type=Look)
    except subprocess.TimeoutExpired:
        yield fault("camera-hangs", seconds=f"{LOOK_MAX_S:g}")
        return
    except (msgspec.DecodeError, json.JSONDecodeError):
        yield fault("camera-crashed", status=done.returncode)
        return
    if look.fault is not None:
        yield fault("camera-fault", why=look.fault)
        return
    yield _light(look)
    yield _sharpness(look)


def as_reader(patient: Patient) -> dict[str, Any]:
    """Return as whom to look: on an appliance the reader's user, whose rights are thereby tried too, and never root."""
    try:
        reader = pwd.getpwnam(READER_USER)
    except KeyError:
        return {}
    if not patient.root or patient.config_path != patient.layout.config:
        return {}
    return {"user": reader.pw_uid, "group": reader.pw_gid, "extra_groups": os.getgrouplist(READER_USER, reader.pw_gid)}


def _light(look: Look) -> Finding:
    values = {"mean": f"{look.mean:.0f}", "white": f"{look.white:.0%}"}
    if look.mean < BLACK_MEAN:
        return fault("light-none", **values)
    if look.mean < DARK_MEAN:
        return warning("light-low", **values)
    if look.mean > BRIGHT_MEAN or look.white > WHITE_MAX:
        return warning("light-glaring", **values)
    return ok("light-good", **values)


def _sharpness(look: Look) -> Finding:
    if look.blur_px is None:
        return skipped("focus-unknown")
    values = {"blur": f"{look.blur_px:.1f}", "most": f"{BLUR_MAX_PX:g}"}
    return ok("focus-good", **values) if look.blur_px <= BLUR_MAX_PX else warning("focus-soft", **values)
