"""The lamps: each is lit, and somebody says what they see, or the levels are read back."""

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from drivers.errors import DeviceError
from drivers.signal import Signal
from drivers.signal.lines import header_chip, levels
from drivers.signal.simulated import last_lamps
from firmware.config import Config
from firmware.lamps import Voice
from firmware.wiring import signal_of, voice_of
from provisioning.checks import Finding, Patient, fault, ok, skipped

LIT_S = 60.0  # the longest lease: somebody walks around the gate to look
BEAT_S = 0.2  # as often as the gate's loop turns
TONE_S = 1.0  # longer than any tone
LAMPS = ("red", "green", "amber")  # the last where it is fitted
MEANT = {"red": "rđd", "green": "gx", "amber": "ayv", "both": "bc"}  # red, đỏ; green, xanh; amber, yellow, vàng; cả hai


def lamps(patient: Patient) -> Iterator[Finding]:
    """Light each lamp alone, and sound the buzzer; leave them dark and silent, whatever happens."""
    config = patient.known
    if config.lamp_history.is_symlink():  # its folder is the gate's, and root would follow it
        yield fault("lamps-history-link", file=str(config.lamp_history))
        return
    with (
        tempfile.TemporaryDirectory(prefix="greengate-") as folder,
        _lgpio_in(folder),
        _owner_kept(config.lamp_history.parent),
    ):
        try:
            with voice_of(config) as voice, _beating(voice):
                with signal_of(config) as signal:
                    for name in LAMPS if signal.has_amber else LAMPS[:2]:
                        yield _lamp(name, patient, signal)
                yield _buzzer(patient, voice)
        except DeviceError as error:
            yield fault("lamps-fault", why=str(error))


@contextlib.contextmanager
def _beating(voice: Voice) -> Iterator[None]:
    """Keep a heartbeat's relay drawn, without which no lamp would light."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(BEAT_S):
            voice.beat()

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _buzzer(patient: Patient, voice: Voice) -> Finding:
    if patient.known.signal.buzzer_pin is None:
        return skipped("buzzer-none")
    voice.sound("refused")
    time.sleep(TONE_S)
    if "buzzer-fault" in voice.faults:
        return fault("buzzer-fault")
    if patient.ask is None:
        return ok("buzzer-sounded")
    heard = patient.ask("buzzer-question").strip().lower()[:1] in {"y", "c"}  # yes, có
    return ok("buzzer-heard") if heard else fault("buzzer-unheard")


def _lamp(name: str, patient: Patient, signal: Signal) -> Finding:
    green = name == "green"
    signal.show(red=name == "red", green=green, amber=name == "amber", lease_s=LIT_S if green else 0.0)
    if patient.ask is not None:
        seen = _meant(patient.ask(f"lamp-question-{name}"))
        return ok(f"lamp-seen-{name}") if seen == name else fault(f"lamp-other-{name}", seen=seen)
    shown = _levels(patient.known)
    if shown is None:
        return skipped(f"lamp-unread-{name}")
    lit = {lamp for lamp, is_lit in shown.items() if is_lit}
    return ok(f"lamp-read-{name}") if lit == {name} else fault(f"lamp-wrong-{name}", lit=", ".join(sorted(lit)) or "-")


def _meant(answer: str) -> str:
    """Return which lamp an answer names, in either language: by its first letters."""
    word = answer.strip().lower()
    return next((lamp for lamp, letters in MEANT.items() if word[:1] and word[0] in letters), "none")


def _levels(config: Config) -> dict[str, bool] | None:
    """Return which lamps are lit, as read back; None where nothing tells."""
    signal = config.signal
    if signal.kind == "simulated":
        shown = last_lamps(config.lamp_history)
        return {"red": shown.red, "green": shown.green, "amber": shown.amber}
    chip = header_chip()
    found = levels(chip.name) if chip is not None else None
    named = {"red": signal.red_pin, "green": signal.green_pin, "amber": signal.amber_pin}
    pins = {name: pin for name, pin in named.items() if pin is not None}
    if found is None or not found.keys() >= set(pins.values()):
        return None
    return {name: found[pin] == signal.active_high for name, pin in pins.items()}


@contextlib.contextmanager
def _lgpio_in(folder: str) -> Iterator[None]:
    """Have lgpio make its pipe in a folder of its own: it would else be left in the technician's."""
    before = os.environ.get("LG_WD")
    os.environ["LG_WD"] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ["LG_WD"]
        else:
            os.environ["LG_WD"] = before


@contextlib.contextmanager
def _owner_kept(folder: Path) -> Iterator[None]:
    """Give simulated devices' files that were made meanwhile to the folder's owner: the gate has to write them too."""
    before = _histories(folder)
    yield
    with contextlib.suppress(OSError):
        owner = folder.stat()
        for inode, path in _histories(folder).items():
            if inode not in before and owner.st_uid != os.geteuid():
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _histories(folder: Path) -> dict[int, Path]:
    return {path.lstat().st_ino: path for path in folder.glob("*.jsonl*")}  # of lamps, buzzer, heartbeat
