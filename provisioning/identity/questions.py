"""What is asked of a technician: only what nothing else has said, each with a default where there is one."""

import sys
from collections.abc import Callable

from provisioning.exits import Exit
from provisioning.identity.code import CodeShapeError, plain
from provisioning.identity.wishes import (
    SIMULATED,
    WishError,
    Wishes,
    broker_of,
    camera_of,
    centre_of,
    fingerprint_of,
    lamps_of,
    name_of,
    passage_of,
    site_of,
    trust_of,
)
from provisioning.talk import Talk

TRIES = 3  # ours: then the technician wants to look something up


class Questions:
    """Ask what is missing; whatever is said here in vain three times ends the command."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    def centre(self, known: Wishes) -> Wishes:
        """Ask where the centre is, and how its authority is known."""
        known = known if known.centre else self._ask("ask-centre", "--centre", centre_of, None).over(known)
        return self.fingerprint(known)

    def fingerprint(self, known: Wishes) -> Wishes:
        """Ask how the centre's authority is known."""
        if known.ca_fingerprint:
            return known
        return self._ask("ask-fingerprint", "--ca-fingerprint", fingerprint_of, None).over(known)

    def name(self, known: Wishes, default: str | None) -> Wishes:
        """Ask the device's name."""
        return known if known.name else self._ask("ask-name", "--name", name_of, default).over(known)

    def devices(self, known: Wishes, present: Wishes, trust: str | None) -> Wishes:
        """Ask for camera, lamps and trust data; `trust`: a folder that is there already and will do."""
        if known.camera is None:
            default = ":".join(present.camera) if present.camera else SIMULATED
            known = self._ask("ask-camera", "--camera", camera_of, default).over(known)
        if known.lamps is None:
            pins = present.lamps if present.lamps and present.lamps.red_pin is not None else None
            default = f"{pins.red_pin},{pins.green_pin}" if pins else SIMULATED
            known = self._ask("ask-lamps", "--red-pin, --green-pin", lamps_of, default).over(known)
        if known.trust is None and trust is None and not known.trusts_simulation:
            known = self._ask("ask-trust", "--trust", trust_of, None).over(known)
        return known

    def place(self, known: Wishes, present: Wishes) -> Wishes:
        """Ask for what the centre usually knows: where the device stands, and its broker."""
        if known.site is None:
            known = self._ask("ask-site", "--site", site_of, present.site).over(known)
        if known.lane is None or known.direction is None:
            default = f"{known.lane or present.lane} {known.direction or present.direction or 'in'}"
            usable = default if known.lane or present.lane else None
            known = known.over(self._ask("ask-passage", "--lane, --direction", passage_of, usable))
        if known.broker_host is None:
            known = self._broker(known, present)
        return known

    def code(self) -> str:
        """Ask for the one-time code, unseen; return it in its plain form."""
        left = TRIES
        while True:
            left -= 1
            typed = self._talk.ask("ask-code", flag="the one-time code on standard input", secret=True)
            try:
                return plain(typed)
            except CodeShapeError as error:
                if not left or not sys.stdin.isatty():
                    self._talk.fail(Exit.DATA, "code-shape", n=error.n)
                self._talk.warn("code-shape", n=error.n)

    def _broker(self, known: Wishes, present: Wishes) -> Wishes:
        if known.centre:  # most often one machine; the question would be one too many
            found = broker_of(centre_host(known.centre))
            self._talk.say("broker-guessed", host=found.broker_host, port=found.broker_port)
            return known.over(found)
        return self._ask("ask-broker", "--broker", broker_of, present.broker_host).over(known)

    def _ask(self, code: str, flag: str, parse: Callable[[str], Wishes], default: str | None) -> Wishes:
        left = TRIES
        while True:
            left -= 1
            try:
                return parse(self._talk.ask(code, flag=flag, default=default))
            except WishError as error:
                if not left or not sys.stdin.isatty():
                    self._talk.fail(Exit.USAGE, error.code, **error.values)
                self._talk.warn(error.code, **error.values)


def centre_host(url: str) -> str:
    """Return the host in the centre's address, as it is written in one."""
    return url.removeprefix("https://").rpartition(":")[0]
