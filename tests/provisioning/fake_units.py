"""Units that only remember what they were told."""

from collections.abc import Iterable

from provisioning.units import UnitsError


class FakeUnits:
    """Units, some of which run; telling them can be made to fail."""

    def __init__(self, *running: str, here: bool = True) -> None:
        self.running = set(running)
        self.here = here
        self.told: list[tuple[str, ...]] = []
        self.failing: set[str] = set()

    def known(self) -> bool:
        return self.here

    def properties(self, unit: str, names: Iterable[str]) -> dict[str, str]:
        states = {"ActiveState": "active" if unit in self.running else "inactive", "LoadState": "loaded"}
        return {name: states[name] for name in names}

    def tell(self, verb: str, *units: str) -> None:
        self.told.append((verb, *units))
        if verb in self.failing:
            raise UnitsError(f"systemctl {verb}: no")
        if verb == "start":
            self.running |= set(units)
        else:
            self.running -= set(units)
