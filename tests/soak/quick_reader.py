"""The reader before visitors in a hurry: the product's own loop, with a simulated camera that turns pages fast."""

import sys
import time
from pathlib import Path

from drivers.camera.simulated import SimulatedCamera
from firmware.config import Config
from firmware.events import Started, Stopped, log
from firmware.notify import ALIVE, READY, STOPPING, notify
from firmware.program import StopFlag, configuration
from firmware.reader import Link, Ports, Reader
from firmware.wiring import frame_reader_of

HELD_S, EMPTY_S = 0.25, 0.35  # four frames of each pass; a light of TIMING's lease ends before the next
WIDTH_PX, HEIGHT_PX = 800, 600  # less work for a frame, and still every pass is read


def camera_of(config: Config) -> SimulatedCamera:
    """Open the folder of pictures."""
    folder = Path(config.camera.source)
    return SimulatedCamera(folder, WIDTH_PX, HEIGHT_PX, seed=config.camera.seed, held_s=HELD_S, empty_s=EMPTY_S)


def main() -> int:
    """Run until SIGTERM."""
    stop = StopFlag()
    config = configuration("reader", __doc__)
    link = Link(config.readings_socket)
    reader = Reader(Ports(lambda: camera_of(config), frame_reader_of(config), link, log, lambda: notify(ALIVE)))
    notify(READY)
    log(Started("reader"))
    try:
        while not stop:
            time.sleep(reader.turn())
    finally:
        notify(STOPPING)
        reader.close()
        link.close()
        log(Stopped("reader"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
