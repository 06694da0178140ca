"""The reader with visitors in a hurry: the reader's own loop on a simulated camera with short holds.

A program of its own, started in the reader's place by `bench/latency.py`: the camera of the configuration shows a pass
for 1.5 s, which would take ten minutes for two hundred lights.
"""

import sys
import time
from pathlib import Path

from drivers.camera.simulated import SimulatedCamera
from firmware.config_sections import CameraConfig
from firmware.events import Started, Stopped, log
from firmware.notify import ALIVE, READY, STOPPING, notify
from firmware.program import StopFlag, configuration
from firmware.reader import Link, Ports, Reader
from firmware.wiring import frame_reader_of

HELD_S, EMPTY_S = 0.35, 0.15


def visitors(camera: CameraConfig) -> SimulatedCamera:
    """Open the configured folder of pictures, each shown briefly."""
    size = camera.width_px, camera.height_px
    return SimulatedCamera(Path(camera.source), *size, seed=camera.seed, held_s=HELD_S, empty_s=EMPTY_S)


def main() -> int:
    """Run until SIGTERM."""
    stop = StopFlag()
    config = configuration("reader", __doc__)
    link = Link(config.readings_socket)
    reader = Reader(
        Ports(lambda: visitors(config.camera), frame_reader_of(config), link, log, lambda: notify(ALIVE)),
    )
    notify(READY)
    log(Started("reader"))
    while not stop:
        time.sleep(reader.turn())
    notify(STOPPING)
    reader.close()
    link.close()
    log(Stopped("reader"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
