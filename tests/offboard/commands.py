"""Running commands of the command line in this process."""

from collections.abc import Callable

from typer.testing import Result

PASSWORD = "correct horse battery"
WORKSPACE = ["create-workspace", "--slug", "acme", "--name", "Acme", "--owner-email", "o@acme.test"]
OWNER = [*WORKSPACE, "--owner-name", "Olivia Owens"]
USER = ["create-user", "--workspace", "acme", "--email", "ana@acme.test", "--name", "Ana Ruiz", "--role", "AGENT"]

Run = Callable[..., Result]


def refused(result: Result) -> str:
    """The one line on stderr of a command that was used badly."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    return line
