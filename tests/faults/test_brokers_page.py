"""docs/brokers.md shows the configuration of RabbitMQ that the tests run."""

import json
import re
from pathlib import Path

from tests.faults.rabbit import CONFIG, definitions

PAGE = (Path(__file__).parents[2] / "docs" / "brokers.md").read_text("utf-8")


def block(language: str) -> str:
    found = re.search(rf"^## RabbitMQ$.*?^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def settings(text: str) -> dict[str, str]:
    return dict(line.split(" = ", 1) for line in text.splitlines())


def test_the_settings_are_those_that_were_tested() -> None:
    shown, tested = settings(block("ini")), settings(CONFIG)
    assert list(shown) == list(tested)
    here = {key for key, value in tested.items() if "{" in value}  # files and ports are the test's own
    assert {key: value for key, value in shown.items() if key not in here} == {
        key: value for key, value in tested.items() if key not in here
    }


def test_the_rights_are_those_that_were_tested() -> None:
    assert json.loads(block("json")) == definitions(["gate-1"], ["centre.main"])
