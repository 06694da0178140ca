"""`greengate run`: the appliance with a configuration, and what it says where that is wrong."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.signal.simulated import last_lamps
from tests.firmware.appliance import alive, children_of, wait_until
from tests.firmware.site import Site, make_site
from tests.provisioning.command import greengate

COMMAND = [sys.executable, "-m", "provisioning.main", "run", "--config"]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path)


def _edited(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return edit


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (_edited("[camera]", "[camara]"), "unknown key camara: did you mean camera?"),
        (_edited('lane = "Cổng 1"', 'lain = "1"'), "unknown key device.lain: did you mean lane?"),
        (_edited("[timing]", "[timing]\ngreen_ms = 3000"), "unknown key timing.green_ms: did you mean green_s?"),
        (_edited("[timing]", '[timing]\ngreen_s = "3 s"'), "key timing.green_s: expected `float`"),
        (_edited("[timing]", "[timing]\ngreen_s = 3000"), "key timing.green_s: expected `float` <= 60"),
        (_edited('direction = "in"', 'direction = "up"'), "key device.direction"),
        (_edited('[trust]\nfolder = "trust"', ""), "key trust is missing: add it"),
        (lambda text: text + "[", "Invalid initial character"),
        (lambda text: text + "# \ud800", "not UTF-8"),
        (lambda _: "", "key device is missing: add it"),
    ],
)
def test_a_wrong_configuration_is_one_line_and_78(site: Site, edit: Callable[[str], str], says: str) -> None:
    text = edit(site.config_path.read_text("utf-8"))
    site.config_path.write_bytes(text.encode("utf-8", "surrogatepass"))
    done = greengate("run", "--config", site.config_path)
    assert (done.code, done.out) == (78, "")
    (line,) = done.err.splitlines()
    assert line.startswith(f"{site.config_path}: ")
    assert says in line
    assert greengate("run", "--json", "--config", site.config_path).result == {"error": line}


def test_a_configuration_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    for path, says in ((tmp_path / "none.toml", "no such file"), (tmp_path, "cannot be read (Is a directory)")):
        done = greengate("run", "--config", path)
        assert done.code == 78
        (line,) = done.err.splitlines()
        assert line.startswith(f"{path}: {says}")


def test_a_run_folder_that_cannot_be_made(site: Site) -> None:
    (site.folder / "run").rmdir()
    (site.folder / "run").touch()
    done = greengate("run", "--config", site.config_path)
    assert done.code == 78
    (line,) = done.err.splitlines()
    assert "run.folder cannot be made" in line


def test_no_configuration_is_wrong_usage() -> None:
    assert greengate("run").code == 2


def test_a_program_that_refuses_to_start_ends_it_with_78(site: Site) -> None:
    (site.folder / "trust" / "demo.der").unlink()
    command = [*COMMAND, str(site.config_path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 78
    *events, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(event["type"] in ("program", "shown", "health") for event in events)
    assert "no signer in it" in last["error"]
    *logged, said = done.stderr.splitlines()
    assert said == last["error"]
    refused = [json.loads(line) for line in logged]
    assert any(event["event"] == "start-refused" and "no signer in it" in event["why"] for event in refused)


def test_demo_trust_with_real_lamps_is_refused(site: Site) -> None:
    text = site.config_path.read_text("utf-8").replace('kind = "assumed"', 'kind = "system"')
    real = text.replace('[signal]\nkind = "simulated"', '[signal]\nkind = "gpio"\nred_pin = 17\ngreen_pin = 27')
    site.config_path.write_text(real, "utf-8")
    command = [*COMMAND, str(site.config_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 78
    assert "demonstration keys with gpio lamps" in done.stderr


def test_it_runs_until_sigterm_and_leaves_nothing_behind(site: Site) -> None:
    site.show("good", site.good())
    command = [*COMMAND, str(site.config_path)]
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, **quiet) as process, contextlib.ExitStack() as ending:
        ending.callback(process.kill)  # else a failure would wait for its end
        wait_until(lambda: last_lamps(site.config.lamp_history).green, "the lamp is green")
        children = children_of(process.pid)
        assert len(children) == 4
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert f"panel: http://127.0.0.1:{site.config.panel.port}" in out
    assert "✓ accepted (valid): HỢP LỆ" in out
    assert not any(alive(child) for child in children)
    assert not last_lamps(site.config.lamp_history).green


def test_in_a_terminal_the_reason_of_a_refused_start_is_the_last_line(site: Site) -> None:
    """There the programs' log goes to a file, and would say it to nobody."""
    (site.folder / "trust" / "demo.der").unlink()
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        with os.fdopen(theirs, "wb") as end:
            process = subprocess.Popen([*COMMAND, str(site.config_path)], stdin=end, stdout=end, stderr=end)
        seen = b""
        try:
            while data := terminal.read(65536):
                seen += data
        except OSError:  # EIO: the other end has closed
            pass
        assert process.wait(10) == 78
    text = seen.decode("utf-8", "replace")
    assert "no signer in it" in text.splitlines()[-1] + text.splitlines()[-2]
    assert "kiosk-1" in text
