"""The errors that devices and networks raise, each with the one line that helps."""


class DeviceError(Exception):
    """A device or network that cannot do what was asked, and what to do about it."""

    def __init__(self, message: str, *, cure: str = "") -> None:
        """Say what is wrong, and in one line what to do (`cure`; empty: nothing known)."""
        super().__init__(message)
        self.cure = cure

    def __str__(self) -> str:
        """Give the message, with the cure behind it, on one line."""
        message = super().__str__()
        return f"{message} ({self.cure})" if self.cure else message


class DeviceMissingError(DeviceError):
    """A device or its software is not there at start; the cure names what to install or connect."""


class SoftwareMissingError(DeviceMissingError):
    """A device's software is not installed: unlike a device, it does not turn up by itself."""


class CameraStalledError(DeviceError):
    """The camera is open but gave no frame within the time allowed."""


class CameraLostError(DeviceError):
    """The camera was unplugged or failed; close it and open it again."""


class BrokerError(DeviceError):
    """The broker is not reachable now, or refused what was asked."""
