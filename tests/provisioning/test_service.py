"""`greengate service`: the marker that takes a gate out of service."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from firmware import service_state
from firmware.service_state import LONGEST_S, in_service_state
from provisioning.layout import Layout
from tests.firmware.site import Site, make_site
from tests.provisioning.command import Done, greengate


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path)


def service(site: Site, verb: str, *options: str) -> Done:
    return greengate("service", verb, "--config", site.config_path, "--lang", "en", *options)


def test_start_begins_it_and_end_ends_it(site: Site) -> None:
    marker = site.config.service_marker
    assert service(site, "status").code == 1
    done = service(site, "start")
    assert (done.code, done.out) == (0, "service state: the gate is out of service for 30 minutes\n")
    assert in_service_state(marker)
    assert datetime.fromisoformat(json.loads(marker.read_bytes())["since"]).utcoffset() is not None
    assert service(site, "status").code == 0
    assert service(site, "end").code == 0
    assert not marker.exists()
    assert service(site, "status").code == 1


def test_start_again_gives_the_whole_time_again(site: Site) -> None:
    marker = site.config.service_marker
    service_state.begin(marker, site.now, monotonic_s=0.0)
    before_s = json.loads(marker.read_bytes())["until_monotonic_s"]
    assert service(site, "start").code == 0
    assert json.loads(marker.read_bytes())["until_monotonic_s"] > before_s
    assert LONGEST_S - 5 < service_state.left_s(marker) <= LONGEST_S


def test_end_again_has_nothing_to_do(site: Site) -> None:
    done = service(site, "end", "--json")
    assert (done.code, done.result) == (0, {"event": "nothing-to-do"})


def test_json_tells_how_long(site: Site) -> None:
    assert service(site, "start", "--json").result == {"event": "service-started", "minutes": 30}
    assert service(site, "status", "--json").result["left_s"] in range(1795, 1801)
    assert service(site, "end", "--json").result == {"event": "service-ended"}
    assert service(site, "status", "--json").result == {"event": "service-off"}


@pytest.mark.parametrize("verb", ["start", "end"])
def test_a_dry_run_does_nothing(site: Site, verb: str) -> None:
    if verb == "end":
        service(site, "start")
    before = in_service_state(site.config.service_marker)
    assert service(site, verb, "--dry-run").code == 0
    assert in_service_state(site.config.service_marker) == before


def test_a_link_in_the_markers_place_is_replaced_and_never_followed(site: Site) -> None:
    target = site.folder / "precious"
    target.write_text("precious")
    site.config.service_marker.symlink_to(target)
    assert service(site, "status").code == 1
    assert service(site, "start").code == 0
    assert target.read_text() == "precious"
    assert not site.config.service_marker.is_symlink()


def test_a_dead_link_is_ended_too(site: Site) -> None:
    site.config.service_marker.symlink_to(site.folder / "nowhere")
    assert service(site, "end").code == 0
    assert not site.config.service_marker.is_symlink()


def test_a_folder_that_is_no_folder_is_named(site: Site) -> None:
    (site.folder / "run").rmdir()
    (site.folder / "run").write_text("")
    done = service(site, "start", "--json")
    assert done.code == 73
    assert done.result["code"] == "marker-unwritable"
    assert str(site.config.service_marker) in done.result["error"]


@pytest.mark.parametrize("verb", ["start", "end"])
def test_without_the_right_it_says_who_may(site: Site, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service(site, "start")

    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(service_state, {"start": "begin", "end": "end"}[verb], refused)
    assert service(site, verb).code == 77


def test_a_configuration_that_was_named_must_be_right(site: Site) -> None:
    site.config_path.write_text("[devise]")
    for verb in ("start", "end", "status"):
        assert service(site, verb).code == 78


def test_a_device_whose_configuration_is_wrong_is_repaired_in_service_state_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "greengate-service" / "state"
    monkeypatch.setattr("provisioning.service.APPLIANCE_MARKER", marker)
    monkeypatch.setattr(Layout, "config", tmp_path / "greengate.toml")
    done = greengate("service", "start", "--lang", "vi")
    assert done.code == 0
    assert "chế độ bảo trì" in done.out
    assert str(marker) in done.err
    assert in_service_state(marker)
    assert marker.stat().st_mode & 0o777 == 0o644
