"""The command line."""

import typer

from offboard.cli import data, people, serving, upkeep
from offboard.cli.frame import Commands

app = typer.Typer(
    name="offboard",
    cls=Commands,
    help="The GraphQL service for the moment somebody leaves. Settings: see docs/settings.md.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("serve")(serving.serve)
app.command("migrate")(upkeep.migrate)
app.command("create-workspace")(people.create_workspace)
app.command("create-user")(people.create_user)
app.command("import")(data.import_file)
app.command("demo")(data.demo)
app.command("restored")(upkeep.restored)
app.command("doctor")(upkeep.doctor)
app.command("schema")(upkeep.schema)


def main() -> None:
    """The entry point of the script `offboard`."""
    app()
