"""`greengate renew`: another key and certificate before the present one ends."""

from typing import Annotated

import typer

from drivers.clock import open_clock
from provisioning.alone import alone
from provisioning.exits import Exit
from provisioning.identity.folder import Identity
from provisioning.identity.renewal import Present, Renewal
from provisioning.identity.telling import TOPIC, telling
from provisioning.layout import THIS_MACHINE, Layout, RootOption
from provisioning.plan import Step, carry_out
from provisioning.talk import DryRunOption, JsonOption, LangOption, Talk
from provisioning.units import Systemd

DueOption = Annotated[bool, typer.Option("--if-due", help="Only where less than a third of its life is left.")]


def renew(
    if_due: DueOption = False,  # noqa: FBT002 - typer makes a flag of it
    root: RootOption = THIS_MACHINE,
    lang: LangOption = None,
    dry_run: DryRunOption = False,  # noqa: FBT002 - as above
    as_json: JsonOption = False,  # noqa: FBT002 - as above
) -> None:
    """Get another certificate from the centre, for a new key; greengate-renew.timer does it by itself.

    And the centre's keys that check-ins are sealed to, where it has others than those here, with --if-due too.

    Example: greengate renew --if-due

    Exit codes: 0 renewed, or not due, 2 wrong usage, 65 refused, 69 not enrolled, 73 not written, 75 the centre is
    away, 77 not root, 78 the identity is unusable, 130 stopped.
    """
    talk, layout = Talk(TOPIC, lang, as_json=as_json), Layout(root)
    if layout.here:
        talk.need_root()
    with telling(talk):
        identity = Identity(layout.identity)
        if identity.current is None and if_due:
            return  # the timer runs on every kiosk
        with alone(layout, talk):
            current = identity.current
            if current is None:
                talk.fail(Exit.UNAVAILABLE, "not-enrolled")
            at = open_clock("system").now()
            present = Present(current)
            under_way = identity.renewal.there()
            renewal = Renewal(layout, present, Systemd(), at)
            if if_due and not under_way and not present.due(at):
                if not dry_run and renewal.look_for_keys():
                    talk.say("keys-renewed")
                return
            if present.until <= at:
                talk.fail(Exit.DATA, "renew-too-late", name=present.name, until=f"{present.until:%Y-%m-%d}")
            _renew(renewal, present, talk, dry_run=dry_run)


def _renew(renewal: Renewal, present: Present, talk: Talk, *, dry_run: bool) -> None:
    steps = [
        Step("step-next-key", renewal.make_key),
        Step("step-renew", renewal.ask_centre, {"centre": present.origin.centre or "?"}),
        Step("step-install", renewal.install, {"folder": str(renewal.layout.identity)}),
        Step("step-uplink", renewal.finish),
        Step("step-keys", renewal.bring_keys),
    ]
    if carry_out(steps, talk, dry_run=dry_run):
        renewed = renewal.identity.current
        until = Present(renewed).until if renewed else present.until
        talk.say("renewed", name=present.name, until=f"{until:%Y-%m-%d}")
