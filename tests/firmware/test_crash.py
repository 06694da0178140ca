"""The last words of every program: an unexpected error's kind and place, never its text."""

import json
import subprocess
import sys

import pytest

CRASH = """
import sys
from importlib import import_module
program = import_module("firmware." + sys.argv[1])
def configuration(*_):
    raise ValueError("HC1:6BF")
program.configuration = configuration
sys.exit(program.main())
"""


@pytest.mark.parametrize("program", ["reader", "gate", "uplink", "panel"])
def test_the_last_words_quote_no_pass(program: str) -> None:
    command = [sys.executable, "-c", CRASH, program]
    died = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert died.returncode == 1
    (line,) = died.stderr.splitlines()
    event = json.loads(line)
    assert (event["event"], event["kind"]) == ("crashed", "ValueError")
    assert "HC1" not in died.stderr
