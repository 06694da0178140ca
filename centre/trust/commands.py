"""`greengate-centre trust`: the repository by which kiosks know whom to trust, what is revoked, which rules hold."""

import typer

from centre.trust.announcing import announce
from centre.trust.import_commands import add_key, remove_key, revoke
from centre.trust.key_commands import delegate, init, rotate, sign
from centre.trust.publish_command import publish, status
from centre.trust.rule_import_commands import import_rules, set_value_sets
from centre.trust.rules_command import add_rules, remove_rules

app = typer.Typer(help="The trust repository: signed, published, brought to every kiosk.", no_args_is_help=True)
for _command in (
    init, add_key, remove_key, revoke, add_rules, import_rules, remove_rules, set_value_sets, delegate, publish,
    announce, status, rotate, sign,
):  # fmt: skip
    app.command()(_command)
