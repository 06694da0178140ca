"""Another trust store while the gate is at work: looked for each second, opened beside it, put in between two turns.

Nobody waits for it: a thread opens the store, and takes its turns with the gate's own more often than threads do
(`SWITCH_S`). What cannot be used is told, and what is in use stays.
"""

import gc
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from firmware.config import Config, ConfigError
from firmware.events import place_of
from firmware.knowledge import StaleReason
from firmware.service_state import in_service_state
from firmware.trust_data import Trust, TrustFolderError
from firmware.trust_folder import load_trust
from firmware.trust_store import current_of
from verifier import Accepted, Reason, Refused, Undecided, Verifier
from verifier.profile import Profile, holds_in
from verifier.profile_checks import NOWHERE, Lane
from verifier.rules import Place, RulesVerdict

LOOK_NS = 1_000_000_000
AGAIN_NS = 60 * 1_000_000_000  # ours: between two attempts at a store that could not be opened
SWITCH_S = 0.0005  # ours: how long the gate waits for the thread; Python's own 5 ms, a dozen times, would be seen


class Trusted:
    """The trust data in use: a judge whose data are replaced between two turns.

    `lane` is where the lane lies, `profile` the name of what it requires.
    """

    def __init__(self, trust: Trust, lane: Lane = NOWHERE, profile: str = "default") -> None:
        """Judge by these."""
        self.lane = lane
        self._profile = profile
        self.use(trust)

    def use(self, trust: Trust) -> None:
        """Judge by these from now on."""
        self.trust = trust
        self._verifier = Verifier(trust.signers, trust.revocations)

    def verify(self, text: str, at: datetime) -> Accepted | Refused | Undecided:
        """Return the verdict on a text at a time; raises nothing."""
        return self._verifier.verify(text, at)

    def profiles(self, at: datetime) -> tuple[Profile, ...] | Reason:
        """Return the lane's profiles at a time, or why nothing can be judged by them."""
        return self.trust.profiles.chosen(self._profile, self.lane.area, at)

    def rules(self, accepted: Accepted, country: str, at: datetime) -> RulesVerdict:
        """Return what the rules of all roles say of a document, where a country's acceptance rules count."""
        return self.trust.rules.judged(accepted.document, self._place(country), at, accepted.claims, accepted.signer)

    def profile_problem(self, at: datetime) -> Reason | None:
        """Return why documents are not judged at a time, or not all that the profiles ask for; None where they are."""
        profiles = self.profiles(at)
        if isinstance(profiles, Reason):
            return profiles
        wanted = {check for profile in profiles for item in profile.items for check in item.checks}
        lane = self.lane
        lacking = {"route": not lane.roads, "area": lane.area is None, "plate": not lane.plates}
        return Reason.PROFILE_UNUSABLE if any(lacking.get(check) for check in wanted) else None

    def has_rules(self, at: datetime) -> bool:
        """Tell whether any rule holds at this lane at a time."""
        name, area = self._profile, self.lane.area
        return any(rule.in_force(at) and holds_in(rule.scope, name, area) for rule in self.trust.rules.rules)

    def _place(self, country: str) -> Place:
        return Place(country, self.lane.area or "", self._profile)

    def stale(self, at: datetime) -> StaleReason | None:
        """Return why nothing may be judged at a time: what is known is too old; None where it may."""
        return self.trust.knowledge.stale(at) if self.trust.knowledge else None


def lane_of(config: Config) -> Lane:
    """Return what the configuration says of where the lane lies."""
    return Lane(config.area, frozenset(config.device.roads), plates=config.plates.kind != "none")


class TrustSwitch:
    """Looks for another store, and opens it in a thread of its own.

    `load` opens what is current in the folder; it raises ConfigError for what cannot or may not be used here.
    """

    def __init__(self, folder: Path, used: Trust, load: Callable[[], Trust], now_ns: int) -> None:
        """Look from now on (monotonic); `used` is what is in use now."""
        self._folder = folder
        self._used = used
        self._tried = used.store
        self._load = load
        self._look_ns = now_ns + LOOK_NS
        self._again_ns = now_ns
        self._thread: threading.Thread | None = None
        self._found: Trust | None = None
        self._why: str | None = None
        self.problem: str | None = None

    def turn(self, now_ns: int) -> Trust | None:
        """Return another store once it is open; None where there is none. Never waits.

        `problem` says from then on why the one that is there cannot be used, None where it can.
        """
        if self._thread is not None:
            return None if self._thread.is_alive() else self._opened(now_ns)
        if now_ns < self._look_ns:
            return None
        self._look_ns = now_ns + LOOK_NS
        name = current_of(self._folder)
        if name in (None, self._used.store):
            self.problem = None  # what could not be used is gone
        elif name != self._tried or now_ns >= self._again_ns:
            self._tried = name
            self._thread = threading.Thread(target=self._open, name="trust", daemon=True)
            self._thread.start()
        return None

    def _open(self) -> None:
        with _short_turns():
            try:
                self._found = of_store(self._load())
            except ConfigError as error:
                self._why = str(error)
            except Exception as error:  # noqa: BLE001 - what is in use stays, whatever a store does to its opening
                self._why = f"{type(error).__name__} at {place_of(error)}"

    def _opened(self, now_ns: int) -> Trust | None:
        found, self._found = self._found, None
        self.problem, self._why = self._why, None
        self._thread = None
        self._again_ns = now_ns + AGAIN_NS
        if found:
            self._used = found
            self._tried = found.store
        return found


def trust_of(config: Config) -> Trust:
    """Return the configured trust data.

    Raises: ConfigError where there is none, or a demonstration's would open a real gate; only in a test may it light
    real lamps, while a technician stands there.
    """
    folder = config.trust.folder
    try:
        trust = load_trust(folder, config.profile.folder)
    except TrustFolderError as error:
        raise ConfigError(str(error)) from None
    if not trust.signers:
        raise ConfigError(f"{folder}: no signer in it: put the trust list's files there")
    tested = config.run.test and in_service_state(config.service_marker)
    if trust.demo and config.signal.kind == "gpio" and not tested:
        raise ConfigError(f"{folder}: demonstration keys with gpio lamps: install the nation's trust list")
    return trust.shortened(config.trust)


def of_store(found: Trust) -> Trust:
    """Return what was found, where it is a store's: which of two stores is the newer one, sync decides.

    Raises: ConfigError.
    """
    if found.knowledge is None:
        raise ConfigError("the store is gone: only plain files are there; run greengate sync")
    return found


@contextmanager
def _short_turns() -> Iterator[None]:
    """Let this program's threads take turns often, and no collection of garbage hold all of them up (20 ms).

    What was read is not looked through for garbage later either: it goes when the last reference does.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        sys.setswitchinterval(before)
