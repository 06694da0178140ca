from pathlib import Path

import pytest

from firmware.config import CONFIG_MAX_BYTES, VERSION, ConfigError, load_config, load_config_text
from tests.firmware.config_files import WHOLE, problem, written


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, WHOLE))
    assert config.trust.folder == tmp_path / "trust"
    assert config.camera.source == str(tmp_path / "pictures")
    assert config.readings_socket == tmp_path / "run/reader/readings.sock"
    assert config.events_socket == tmp_path / "run/events.sock"
    assert config.uplink_status == tmp_path / "run/uplink/uplink.json"
    assert config.service_marker == tmp_path / "run/service"
    assert config.lamp_history == tmp_path / "run/lamps.jsonl"
    assert config.contacts_pipe == tmp_path / "run/contacts"
    assert config.plates_socket == tmp_path / "run/plates/plates.sock"


def test_where_trust_data_come_from(tmp_path: Path) -> None:
    keys = 'url = "https://trust.example/vn/"\nca = "ca.pem"\ncertificate = "c.pem"\nkey = "k.pem"\nprovince = "vn-sg"'
    trust = load_config(written(tmp_path, WHOLE.replace('folder = "trust"', f'folder = "trust"\n{keys}'))).trust
    assert (trust.url, trust.province) == ("https://trust.example/vn/", "vn-sg")
    assert (trust.ca, trust.certificate, trust.key) == tuple(tmp_path / name for name in ("ca.pem", "c.pem", "k.pem"))
    assert (trust.keys_ageing_hours, trust.rules_stale_hours) == (None, None)


def test_a_mirror_on_this_machine_needs_no_tls(tmp_path: Path) -> None:
    text = WHOLE.replace('folder = "trust"', 'folder = "trust"\nurl = "http://127.0.0.1:8000"\nkeys_stale_hours = 0.5')
    trust = load_config(written(tmp_path, text)).trust
    assert (trust.url, trust.keys_stale_hours) == ("http://127.0.0.1:8000", 0.5)


def test_plates_and_a_site_s_own_rules_are_asked_for(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, f'{WHOLE}[plates]\nkind = "socket"\n[profile]\nfolder = "site"'))
    assert (config.plates.kind, config.profile.folder) == ("socket", tmp_path / "site")
    plain = load_config(written(tmp_path, WHOLE))
    assert (plain.plates.kind, plain.profile.folder) == ("none", None)


def test_what_is_not_said_has_the_documented_default(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, WHOLE))
    assert (config.camera.width_px, config.camera.height_px, config.symbols.reader) == (1280, 720, "pipeline")
    assert (config.symbols.budget_ms, config.symbols.rescue_limit_ms) == (16.0, 300.0)
    assert (config.clock.kind, config.journal.retention_days, config.broker.port) == ("system", 14, 8883)
    assert (config.timing.green_s, config.timing.held_s, config.panel.port) == (3.0, 2.0, 8080)


@pytest.mark.parametrize(
    ("kind", "source", "resolved"),
    [
        ("opencv", "0", "0"),
        ("opencv", "rtsp://camera/1", "rtsp://camera/1"),
        ("opencv", "/dev/video2", "/dev/video2"),
        ("opencv", "film.avi", "{folder}/film.avi"),
        ("picamera2", "0", "0"),
    ],
)
def test_a_camera_source_is_a_path_only_where_it_can_be_one(
    tmp_path: Path, kind: str, source: str, resolved: str
) -> None:
    text = WHOLE.replace(
        '[camera]\nkind = "simulated"\nsource = "pictures"', f'[camera]\nkind = "{kind}"\nsource = "{source}"'
    )
    assert load_config(written(tmp_path, text)).camera.source == resolved.format(folder=tmp_path)


def test_absent(tmp_path: Path) -> None:
    assert "no such file" in problem(tmp_path / "none.toml")


def test_unreadable(tmp_path: Path) -> None:
    assert "cannot be read" in problem(tmp_path)


def test_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "greengate.toml"
    path.write_bytes(b'a = "\xff"')
    assert problem(path) == "not UTF-8 at byte 5: save it as UTF-8"


def test_not_toml(tmp_path: Path) -> None:
    assert "line 1" in problem(written(tmp_path, "[device\n"))


def test_too_deep(tmp_path: Path) -> None:
    assert "nested too deeply" in problem(written(tmp_path, "a = " + "[" * 100_000))


def test_too_large(tmp_path: Path) -> None:
    assert str(CONFIG_MAX_BYTES) in problem(written(tmp_path, "#" * (CONFIG_MAX_BYTES + 1)))


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("[run]", "[rum]", "unknown key rum: did you mean run?"),
        ("[camera]", "[camra]", "unknown key camra: did you mean camera?"),
        (
            'name = "kiosk-1"',
            'name = "kiosk-1"\ngreen_s = 3.0',
            "unknown key device.green_s: did you mean timing.green_s? It goes under [timing]",
        ),
        ("[device]", "redpin = 1\n[device]", "unknown key redpin: did you mean signal.red_pin? It goes under [signal]"),
        (
            '[signal]\nkind = "simulated"',
            '[signal]\nkind = "simulated"\n[signal.broker]',
            "unknown key signal.broker: did you mean broker? [broker] is a section of its own",
        ),
        ("[run]", '[run]\n"a\\u001b[31m" = 1', "unknown key run.a?[31m: valid here are"),
        ("[run]", f"[run]\n{'k' * 5000} = 1", f"unknown key run.{'k' * 64}...: valid here are"),
        ("[run]", '[run]\n"a - at `$.b`" = 1', "unknown key run.a - at `$.b`: valid here are"),
        (
            "[device]",
            "version = 2\nnew = 1\n[device]",
            "written for version 2, this program knows 1: update the program",
        ),
        ("[device]", f"version = {'9' * 4000}\n[device]", f"for version {'9' * 20}, this program knows 1"),
        ("[device]", "version = 0\n[device]", "key version: expected `int` >= 1"),
        ("[device]", "version = true\n[device]", "key version: expected `int`, got `bool`"),
        ("[device]", f"version = {'9' * 5000}\n[device]", "a number in it has thousands of digits"),
        (
            'kind = "simulated"\nsource',
            f'kind = "{"k" * 5000}"\nsource',
            f"key camera.kind: invalid enum value '{'k' * 100}",
        ),
        ("[run]", "[run]\ntest = 1", "key run.test: expected `bool`, got `int`"),
        ('kind = "simulated"\nsource', 'kynd = "simulated"\nsource', "unknown key camera.kynd: did you mean kind?"),
        ("[run]", "[run]\nzzz = 1", "unknown key run.zzz: valid here are folder, service, test"),
        ('[trust]\nfolder = "trust"', "", "key trust is missing: add it"),
        ('lane = "Cổng 1"\n', "", "key device.lane is missing: add it"),
        ('name = "kiosk-1"', 'name = "Kiosk 1"', "key device.name: expected `str` matching regex"),
        ('name = "kiosk-1"', 'name = "kiosk-1\\n"', "key device.name: "),
        ('lane = "Cổng 1"', 'lane = "a\\u0007b"', "keys device.site and device.lane: printable characters only"),
        ('direction = "in"', 'direction = "in"\narea = "vn-sg"', "key device.area: expected `str` matching regex"),
        ('direction = "in"', 'direction = "in"\narea = "A-B-C-D-E"', "key device.area: expected `str` matching regex"),
        (
            'direction = "in"',
            'direction = "in"\nroads = ["Quốc lộ 1"]',
            "key device.roads[0]: expected `str` matching",
        ),
        ('direction = "in"', 'direction = "in"\nroads = ["QL1-ABCDEFGHI"]', "key device.roads[0]: expected `str`"),
        (
            'direction = "in"',
            f'direction = "in"\nroads = {["A"] * 9}',
            "key device.roads: expected `array` of length <= 8",
        ),
        ("[run]", '[plates]\nkind = "camera"\n[run]', "key plates.kind: invalid enum value 'camera'"),
        ("[run]", '[profile]\nfolder = ""\n[run]', "key profile.folder: expected a path"),
        ('direction = "in"', 'direction = "up"', "key device.direction: invalid enum value 'up'"),
        ('host = "broker.example"', 'host = "b"\nport = 0', "key broker.port: expected `int` >= 1"),
        ('host = "broker.example"', 'host = "a\\u0000b"', "key broker.host: a host's name or address, in ASCII"),
        ("[run]", '[panel]\nhost = "\\u202e"\n[run]', "key panel.host: a host's name or address, in ASCII"),
        ('path = "journal.db"', "path = 7", "key journal.path: expected a path"),
        ('path = "journal.db"', 'path = ""', "key journal.path: expected a path"),
        ('path = "journal.db"', 'path = "a\\u0000"', "key journal.path: expected a path"),
        ('path = "journal.db"', 'path = "j"\nretention_days = 0', "key journal.retention_days: expected `int` >= 1"),
        ('folder = "run"', 'folder = "run"\n[timing]\ngreen_s = 61.0', "key timing.green_s: expected `float` <= 60"),
        ('folder = "run"', 'folder = "run"\n[timing]\ngreen_s = nan', "key timing.green_s: expected "),
        ('folder = "run"', f'folder = "{"r" * 120}"', "key run.folder: too long a path for a Unix socket"),
        ('host = "broker.example"', 'host = "b"\nkey = "k"', "keys broker.certificate and broker.key go together"),
        ('host = "broker.example"', 'host = "b"\nkey = "k"\ncertificate = "c"', "key broker.ca is missing"),
        *(
            ('folder = "trust"', f'folder = "trust"\n{keys}', says)
            for keys, says in (
                ('url = "http://trust.example"', "key trust.url: http://trust.example: http only from this machine"),
                ('url = "ftp://trust.example"', "key trust.url: ftp://trust.example: name an address that begins with"),
                ('url = "https://a:b@trust.example"', "key trust.url: https://a:b@trust.example: an address without a"),
                ('url = "https://trust.example:x"', "key trust.url: "),
                ('ca = "ca.pem"', "key trust.url is missing: trust.ca is for its server"),
                ('certificate = "c"\nkey = "k"', "key trust.url is missing: trust.certificate is for its server"),
                ('url = "https://trust.example"\nkey = "k"', "keys trust.certificate and trust.key go together"),
                ('province = "VN-SG"', "key trust.province: expected `str` matching regex"),
                ('province = "vn/sg"', "key trust.province: expected `str` matching regex"),
                ("keys_stale_hours = 0", "key trust.keys_stale_hours: expected "),
                ("rules_ageing_hours = 9000", "key trust.rules_ageing_hours: expected "),
                ("revocations_stale_hours = nan", "key trust.revocations_stale_hours: expected "),
            )
        ),
    ],
)
def test_a_mistake_is_named_with_its_key_and_cure(tmp_path: Path, was: str, becomes: str, says: str) -> None:
    assert was in WHOLE
    assert says in problem(written(tmp_path, WHOLE.replace(was, becomes, 1)))


@pytest.mark.parametrize("centre", ["", '[centre]\nca = "ca.pem"', '[centre]\nkeys = "centre.pem"'])
def test_details_need_somebody_to_seal_them_to(tmp_path: Path, centre: str) -> None:
    text = f'{WHOLE}[profile]\ndetails = ["name"]\n{centre}'
    says = "key profile.details: needs centre.ca and centre.keys to seal to: run greengate enrol"
    assert problem(written(tmp_path, text)) == says


def test_the_key_for_details_is_beside_the_certificate_where_nothing_else_is_said(tmp_path: Path) -> None:
    identity = 'host = "b"\nca = "i/ca.pem"\ncertificate = "i/device.pem"\nkey = "i/device.key"'
    text = WHOLE.replace('host = "broker.example"', identity) + '[profile]\ndetails = ["name", "birth-date"]'
    assert load_config(written(tmp_path, text)).centre_files.keys == tmp_path / "i/centre.pem"


def test_the_version_may_be_said(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, WHOLE)).version == VERSION
    assert load_config(written(tmp_path, f"version = {VERSION}\n{WHOLE}")).version == VERSION


@pytest.mark.parametrize(
    ("run", "marker"),
    [
        ('folder = "/run/greengate"', "/run/greengate-service/state"),
        ('folder = "/run/greengate"\nservice = "/run/other"', "/run/other"),
        ('folder = "run"', "/base/run/service"),
        ('folder = "run"\nservice = "state"', "/base/state"),
    ],
)
def test_the_marker_of_service_state_is_where_the_gates_user_cannot_write_it(run: str, marker: str) -> None:
    config = load_config_text(WHOLE.replace('folder = "run"', run), Path("/base"))
    assert config.service_marker == Path(marker)
    assert not config.run.test


def test_a_mistake_in_a_text_is_one_line_without_a_file() -> None:
    with pytest.raises(ConfigError, match=r"\Akey device is missing: add it\Z"):
        load_config_text("", Path("/base"))
