import io
import json

from firmware.events import Decided, Lit, LogEvent, log


def test_an_event_is_one_line_of_json() -> None:
    out = io.StringIO()
    log(Decided("id", "accepted", "valid", {"total": 1.5}), out)
    log(Lit("id", 3.0), out)
    decided, lit = (json.loads(line) for line in out.getvalue().splitlines())
    assert decided | {"t_ns": 0} == {
        "t_ns": 0,
        "event": "decided",
        "checkin": "id",
        "verdict": "accepted",
        "reason": "valid",
        "timings_ms": {"total": 1.5},
    }
    assert lit["event"] == "lit"
    assert lit["t_ns"] >= decided["t_ns"]


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    out = io.StringIO()
    out.close()
    log(Lit("id", 3.0), out)


def test_every_event_has_a_name_of_its_own_and_says_what_it_is() -> None:
    events = LogEvent.__subclasses__()
    names = [event.__struct_config__.tag for event in events]
    assert len(names) == len(set(names))
    assert all(event.__doc__ for event in events)
