"""What the options of `greengate enrol` say."""

from typing import NamedTuple

from provisioning.identity.wishes import (
    SIMULATED,
    WishError,
    Wishes,
    broker_of,
    camera_of,
    centre_of,
    direction_of,
    fingerprint_of,
    lamps_of,
    lane_of,
    name_of,
    pins_of,
    province_of,
    site_of,
    trust_of,
    trust_url_of,
)


class Said(NamedTuple):
    """The options as they were given."""

    centre: str | None = None
    ca_fingerprint: str | None = None
    name: str | None = None
    site: str | None = None
    lane: str | None = None
    direction: str | None = None
    broker: str | None = None
    camera: str | None = None
    red_pin: int | None = None
    green_pin: int | None = None
    simulated_lamps: bool = False
    trust: str | None = None
    trust_url: str | None = None
    province: str | None = None


def understood(said: Said) -> Wishes:
    """Return what the options mean. Raises: WishError."""
    wishes = _lamps(said)
    for text, parse in (
        (said.centre, centre_of),
        (said.ca_fingerprint, fingerprint_of),
        (said.name, name_of),
        (said.site, site_of),
        (said.lane, lane_of),
        (said.direction, direction_of),
        (said.broker, broker_of),
        (said.camera, camera_of),
        (said.trust, trust_of),
        (said.trust_url, trust_url_of),
        (said.province, province_of),
    ):
        if text is not None:
            wishes = parse(text).over(wishes)
    return wishes


def _lamps(said: Said) -> Wishes:
    if said.red_pin is None and said.green_pin is None:
        return lamps_of(SIMULATED) if said.simulated_lamps else Wishes()
    if said.red_pin is None or said.green_pin is None or said.simulated_lamps:
        raise WishError("lamps-half")
    return pins_of(said.red_pin, said.green_pin)
