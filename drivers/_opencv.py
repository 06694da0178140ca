"""OpenCV, set up once for a process that has one core's worth of work and a log of its own."""

from drivers.errors import SoftwareMissingError

try:
    import cv2
except ImportError as error:
    raise SoftwareMissingError("OpenCV is not installed", cure="pip install opencv-python-headless") from error

cv2.setNumThreads(1)  # its pool costs memory, and the reader's other cores belong to other programs
# faults are raised and counted by the drivers; stderr carries log lines only
if hasattr(cv2, "setLogLevel"):  # OpenCV 4, as Debian has it; 5 has it elsewhere
    cv2.setLogLevel(0)
else:
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

__all__ = ["cv2"]
