"""`greengate rules`: which rules a lane has, what they say of a pass, and whether a file of them is right."""

import typer

from provisioning.rules.checking import check
from provisioning.rules.evaluating import evaluate
from provisioning.rules.listing import list_rules

app = typer.Typer(no_args_is_help=True, help="What documents must fulfil: list the rules, ask them, check their files.")
app.command("list")(list_rules)
app.command("evaluate")(evaluate)
app.command("check")(check)
