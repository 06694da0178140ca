"""`greengate retire`: a device that is no more: the centre knows, and keys and journal are gone."""

import contextlib
from collections.abc import Iterator
from typing import Annotated

import typer

from provisioning.alone import alone
from provisioning.exits import Exit
from provisioning.identity.retirement import Retirement
from provisioning.identity.telling import TOPIC, telling
from provisioning.layout import THIS_MACHINE, Layout, RootOption
from provisioning.plan import Step, carry_out
from provisioning.talk import DryRunOption, JsonOption, LangOption, Talk, YesOption
from provisioning.units import Systemd

WaiveOption = Annotated[bool, typer.Option("--waive-unsent", help="Lose the check-ins that the centre has not got.")]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Do not tell the centre: somebody there revokes it.")]


def retire(
    waive_unsent: WaiveOption = False,  # noqa: FBT002 - typer makes a flag of it
    offline: OfflineOption = False,  # noqa: FBT002 - as above
    root: RootOption = THIS_MACHINE,
    lang: LangOption = None,
    dry_run: DryRunOption = False,  # noqa: FBT002 - as above
    yes: YesOption = False,  # noqa: FBT002 - as above
    as_json: JsonOption = False,  # noqa: FBT002 - as above
) -> None:
    """Take this device out of service for good: tell the centre, stop the programs, delete keys and journal.

    Example: greengate retire

    It refuses while check-ins are unsent: let the uplink send them, or take them to the centre on a stick and bring
    its acknowledgement back (greengate journal export STICK). A prepared card whose first boot still waits for its
    centre loses its secrets and waits no more. A flash card may keep what was deleted in cells that nothing
    reads: the revoked certificate makes such a key worthless; destroy the card where that is not enough.

    Exit codes: 0 retired, or nothing to do, 2 wrong usage, 65 refused, 69 programs not stopped, 73 not deleted,
    75 the centre is away or check-ins are unsent, 77 not root, 78 journal or identity unusable, 130 stopped.
    """
    talk, layout = Talk(TOPIC, lang, as_json=as_json), Layout(root)
    if layout.here:
        talk.need_root()
    with telling(talk), alone(layout, talk):
        retirement = Retirement(layout, Systemd())
        if not retirement.due:
            talk.say("nothing-to-retire")
            return
        name, offline = retirement.name(), offline or not retirement.known
        if not waive_unsent:
            _refuse_unsent(retirement, talk)
        steps = _steps(retirement, talk, name, waive_unsent=waive_unsent, offline=offline)
        if carry_out(steps, talk, dry_run=dry_run, yes=yes):
            talk.say("retired-offline" if offline else "retired", name=name)


def _refuse_unsent(retirement: Retirement, talk: Talk) -> None:
    if retirement.told:
        return  # nothing can be sent any more
    count, aside = retirement.unsent()
    if count or aside:
        talk.fail(Exit.TRY_AGAIN, "unsent", n=count, aside=aside)


def _steps(retirement: Retirement, talk: Talk, name: str, *, waive_unsent: bool, offline: bool) -> list[Step]:
    def stop() -> None:
        retirement.stop_writers()
        if not waive_unsent:
            with _or_start_again(retirement):
                _refuse_unsent(retirement, talk)  # what came meanwhile

    def tell() -> None:
        if offline:
            retirement.mark_told()
            return
        with _or_start_again(retirement):
            retirement.tell_centre()

    told = "step-not-told" if offline else "step-told"
    card = Step("step-card", lambda: retirement.forget_card(name), {"boot": str(retirement.layout.boot)})
    return [
        Step("step-stop", stop),
        Step(told, tell, {"name": name}),
        *([card] if retirement.waits else []),
        Step("step-stop-uplink", retirement.stop_uplink),
        Step("step-wipe-journal", retirement.wipe_journal, {"path": str(retirement.journal)}),
        Step("step-simulation", lambda: retirement.configure(talk.lang), {"file": str(retirement.layout.config)}),
        Step("step-wipe-identity", retirement.wipe_identity, {"folder": str(retirement.layout.identity)}),
    ]


@contextlib.contextmanager
def _or_start_again(retirement: Retirement) -> Iterator[None]:
    """Start the programs again where the block fails: nothing is wiped, so the kiosk goes on."""
    try:
        yield
    except BaseException:
        retirement.start_again()
        raise
