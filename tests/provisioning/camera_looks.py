"""What the tests of `greengate camera tune` look at: pictures before a simulated camera, and what was seen of them."""

from pathlib import Path

import segno

from provisioning.camera_sight import Opened, Sight
from tests.firmware.config_files import WHOLE, written

TEXT = "HC1:" + "6BFOXN*TS0BI$ZD4N9:9S6RCVN5+O30K3" * 4
SIGHT = Sight(fps=30, mean=110, bright=190, blur_px=0.9, module_px=4.0, read=True, exposure_us=5000, gain=2)
OPENED = Opened(1280, 720, None, ())  # a lens without a motor


def simulated_camera(folder: Path) -> Path:
    """Write a configuration whose camera shows a picture of a pass; give its path."""
    pictures = folder / "pictures"
    pictures.mkdir()
    segno.make(TEXT, error="l", micro=False).save(str(pictures / "pass.png"), scale=4)
    return written(folder, WHOLE)
