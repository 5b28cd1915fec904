"""Commands of the dummy plugin: `callboard dummy …`."""

import typer

from callboard.sdk.cli import show
from callboard_dummy import services
from callboard_dummy.selectors import readable_things

app = typer.Typer(help="Things.", no_args_is_help=True)


@app.command("list")
def list_things() -> None:
    """List the things."""
    names = [thing.name for thing in readable_things()]
    show({"things": names}, "\n".join(names))


@app.command("add")
def add(name: str) -> None:
    """Add a thing."""
    thing = services.add_thing(name, "system:operator")
    show({"name": thing.name}, f"Added {thing.name}.")
