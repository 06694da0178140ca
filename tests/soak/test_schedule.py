"""The schedule: by its seed, and of every kind."""

from tests.soak.schedule import AIMED_S, APPLIANCE, PROGRAMS, SERVICES, schedule


def test_a_seed_gives_the_same_schedule_again() -> None:
    assert schedule(50, 7) == schedule(50, 7)
    assert schedule(50, 7) != schedule(50, 8)


def test_every_program_has_its_turn_first() -> None:
    for seed in range(20):
        assert {strike.program for strike in schedule(6, seed)} == set(PROGRAMS)
    assert len(schedule(3, 1)) == 3


def test_only_the_gate_is_stopped_and_only_services_stay_away() -> None:
    strikes = schedule(500, 1)
    assert {strike.program for strike in strikes if strike.stop} == {"gate"}
    assert {strike.program for strike in strikes if strike.away_s} == set(SERVICES)
    aimed = [strike for strike in strikes if strike.aim_s is not None]
    assert {strike.program for strike in aimed} == set(AIMED_S)
    assert not any(strike.stop for strike in aimed)
    assert set(APPLIANCE) < set(PROGRAMS)
