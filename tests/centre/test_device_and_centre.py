"""Both ends together: the technicians' commands on a device, against the centre's own service and CA."""

import inspect
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from centre.enrolment import commands as enrolment_commands
from provisioning.identity.client import PORT
from tests.centre.enrolling import HOST, Centre, Running
from tests.centre.test_identity_commands import command
from tests.provisioning.command import Done, greengate
from tests.provisioning.kiosk import enrol, trust_folder


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    centre = Centre(tmp_path / "home")
    with Running(centre) as service:
        yield service
    centre.registry.close()


class Reached:
    """What a technician is told of the centre."""

    def __init__(self, running: Running) -> None:
        self.url = f"https://{HOST}:{running.port}"
        self.authority = running.centre.authority


def enrolled(running: Running, root: Path, code: str) -> Done:
    root.mkdir(exist_ok=True)
    trust = trust_folder(root.parent / f"{root.name}-stick", running.centre.at)
    return enrol(root, cast("Any", Reached(running)), "--trust", trust, code=code)


def serials(running: Running) -> list[str | None]:
    return [one.why for one in running.centre.registry.certificates("gate-1")]


def test_enrol_renew_retire(running: Running, tmp_path: Path) -> None:
    root = tmp_path / "root"
    done = enrolled(running, root, running.centre.add())
    assert (done.code, done.err) == (0, "")
    done = greengate("renew", "--root", root, "--lang", "en")
    assert (done.code, done.err) == (0, "")
    assert serials(running) == [None, None]
    done = greengate("retire", "--root", root, "--lang", "en", "--yes")
    assert (done.code, done.err) == (0, "")
    assert serials(running) == ["retired", "retired"]
    assert not (root / "var/lib/greengate/identity/current").exists()


def test_codes_that_the_centre_refuses(running: Running, tmp_path: Path) -> None:
    running.centre.add("gate-1")
    other = running.centre.add("gate-2")
    done = enrolled(running, tmp_path / "root", other)
    assert done.code == 65
    assert done.err.count("\n") == 1
    over = running.centre.add("gate-1", timedelta(seconds=-1))
    assert enrolled(running, tmp_path / "again", over).code == 65
    assert serials(running) == []


def test_by_stick(running: Running, tmp_path: Path) -> None:
    root, request, answer = tmp_path / "root", tmp_path / "gate-1.csr", tmp_path / "gate-1.pem"
    root.mkdir()
    code = running.centre.add()
    reached = cast("Any", Reached(running))
    written = enrol(root, reached, "--csr", request, code=None)
    assert request.exists(), (written.out, written.err)
    signed = command("ca", "sign", request, "--to", answer, "--home", running.centre.home, typed=code + "\n")
    assert signed.returncode == 0, signed.stderr
    trust = trust_folder(tmp_path / "stick", running.centre.at)
    said = ("--site", "Chốt 1", "--lane", "1", "--direction", "in", "--broker", "broker.example")
    done = enrol(root, reached, "--certificate", answer, "--trust", trust, *said, code=None)
    assert (done.code, done.err) == (0, "")


def test_both_ends_agree_on_the_port() -> None:
    serve = next(one for one in enrolment_commands.app.registered_commands if one.name == "serve")
    assert serve.callback is not None
    assert inspect.signature(serve.callback).parameters["port"].default == PORT
