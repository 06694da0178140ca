"""The import contract of the centre forbids by name: it is to name everything that there is."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRACT = "The centre takes from the firmware only the wire format and the check-ins in it"
ALLOWED = {
    *(
        "firmware.wire",
        "firmware.wire_cbor",
        "firmware.wire_device",
        "firmware.wire_trust",
        "firmware.checkin",
        "firmware.export",
    ),
    *("firmware.envelope", "firmware.sealing", "firmware.details", "firmware.detail_names"),
    *("drivers.broker", "drivers.clock", "drivers.errors", "drivers.stick", "drivers.streams"),
}


def modules(package: str) -> set[str]:
    """Return the modules and packages right within a package."""
    parts = (ROOT / package).iterdir()
    names = {part.stem for part in parts if part.suffix == ".py" or (part / "__init__.py").exists()}
    return {f"{package}.{name}" for name in names - {"__init__"}}


def test_every_module_is_either_forbidden_or_allowed() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (contract,) = (contract for contract in contracts if contract["name"] == CONTRACT)
    there = modules("firmware") | modules("drivers")
    assert there >= ALLOWED | {"drivers.camera", "firmware.gate"}
    assert set(contract["forbidden_modules"]) == there - ALLOWED
