"""The measurement of doctor, in its parts: as a whole it waits for what never answers."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from bench import doctor
from firmware.journal_snapshot import snapshot
from firmware.service_state import in_service_state
from provisioning.doctor import patient_at


def test_a_silent_site_is_whole_and_says_nothing(tmp_path: Path) -> None:
    with doctor.silent_site(tmp_path) as config:
        patient = patient_at(Path("/"), config)
        assert patient.config is not None
        assert patient.service
        assert in_service_state(patient.config.service_marker)
        assert (tmp_path / "pictures" / "nobody-writes.png").is_fifo()
        with socket.create_connection(("127.0.0.1", patient.config.broker.port), 5) as client:
            client.settimeout(0.05)
            client.send(b"hello")
            try:
                said = client.recv(1)
            except TimeoutError:
                said = b""
        assert said == b""


def test_check_ins_that_nobody_fetches_are_recorded(tmp_path: Path) -> None:
    doctor.fill(tmp_path / "journal.db", 5)
    with snapshot(tmp_path / "journal.db") as now:
        assert now is not None
        assert now.unsent == 5


def test_the_figures_are_judged_and_shown() -> None:
    found = {name: {"p50_s": 1.0, "max_s": 25.0 if name == "well" else 2.0, "findings": 30} for name in doctor.KINDS}
    assert [limit.met for limit in doctor.limits_of(found)] == [False, True, True]
    doctor.show(found, 0.5)


def test_help_has_an_example() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.doctor", "--help"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert "example: python -m bench.doctor" in done.stdout
