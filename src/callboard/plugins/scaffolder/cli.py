"""`callboard action …` and `callboard template …`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from callboard.plugins.scaffolder.selectors.actions import action_as_json, all_actions
from callboard.plugins.scaffolder.services.running_actions import run_action
from callboard.plugins.scaffolder.services.template_tests import run_template_tests
from callboard.plugins.scaffolder.types.tasks import ScaffolderError
from callboard.sdk.cli import fail, note, show, table, wants_json

action_app = typer.Typer(help="List and run the actions that steps of templates have.", no_args_is_help=True)
template_app = typer.Typer(help="Work on software templates.", no_args_is_help=True)


@action_app.command("list")
def list_actions(text: Annotated[str, typer.Argument(help="Part of the id or description.")] = "") -> None:
    """List actions: what they do, and whether they may be repeated."""
    found = [action_as_json(action) for action in all_actions()]
    found = [a for a in found if text.casefold() in f"{a['id']} {a['description']}".casefold()]
    rows = [{**a, "is": ", ".join(name for name, on in a["attributes"].items() if on)} for a in found]
    show(found, table(rows, {"id": "Action", "description": "Does", "is": "Is"}))


@action_app.command("run")
def run(
    action: Annotated[str, typer.Argument(help="Id of the action, such as fetch:template.")],
    given: Annotated[str, typer.Option("--input", "-i", help="Input as JSON, or @file.")] = "{}",
    folder: Annotated[Path | None, typer.Option(help="Work in this folder instead of one that is removed.")] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
) -> None:
    """Run one action by itself."""
    text = Path(given[1:]).read_text(encoding="utf-8") if given.startswith("@") else given
    try:
        values = json.loads(text)
    except ValueError as error:
        fail(f"the input is no JSON: {error}", 'Write it like --input \'{"message": "hello"}\'.')
    if not isinstance(values, dict):
        fail("the input must be a JSON object", 'Write it like --input \'{"message": "hello"}\'.')
    try:
        result = run_action(action, values, dry_run=dry_run, folder=folder)
    except ScaffolderError as error:
        fail(error.message, error.remedy)
    if wants_json():
        show(result.as_dict())
        return
    for line in result.log:
        note(line)
    for path, content in result.files.items():
        note(f"{path} ({len(content)} bytes)")
    show(result.output)


@template_app.command("test")
def test(path: Annotated[Path, typer.Argument(help="A template.yaml, its folder, or a folder of templates.")]) -> None:
    """Run the cases beside templates (`template.test.yaml`): answers in, expected files out."""
    try:
        results = run_template_tests(path)
    except ScaffolderError as error:
        fail(error.message, error.remedy)
    shown: list[dict[str, Any]] = [result.as_dict() for result in results]
    if wants_json():
        show(shown)
    else:
        for result in results:
            note(f"{'ok    ' if result.passed else 'FAILED'} {result.template}: {result.case}")
            for problem in result.problems:
                note(f"       {problem}")
        note(f"{sum(r.passed for r in results)} of {len(results)} cases passed")
    if not all(result.passed for result in results):
        raise typer.Exit(1)


__all__ = ["action_app", "template_app"]
