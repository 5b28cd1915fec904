"""`callboard rbac …`: policies as code, assertions for CI, and the way out when nobody gets in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from callboard.lib.problems import Problem, ProblemError
from callboard.plugins.rbac.models import Policy
from callboard.plugins.rbac.selectors.active import document_of
from callboard.plugins.rbac.selectors.answers import explanation_data, policy_data, preview_data
from callboard.plugins.rbac.selectors.checking import problems_of
from callboard.plugins.rbac.selectors.policies import (
    document_in_question,
    explained,
    report_what_can,
    report_who_can,
    version,
    versions,
)
from callboard.plugins.rbac.services import files, policies
from callboard.plugins.rbac.services.errors import AccessError
from callboard.plugins.rbac.types.document import PolicyDocument
from callboard.sdk.cli import fail, note, problems_text, show, table

app = typer.Typer(help="Decide who may do what: policies, tests, reports.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """List all versions of the policy and its drafts."""
    rows = [policy_data(row) for row in versions()]
    lines = table(rows, {"version": "version", "status": "status", "name": "name", "id": "id"})
    show(rows, lines if rows else "There is no policy: the portal decides as it does without one.")


@app.command()
def export(policy: Annotated[str, typer.Argument(help="Id of a version; else the one in force.")] = "") -> None:
    """Print a policy as YAML, with the comments of the file it came from."""
    row = _row(policy)
    text = files.export_policy(row) if row else files.write_policy(document_in_question())
    show({"yaml": text}, text.rstrip("\n"))


@app.command()
def check(file: Annotated[Path, typer.Argument(help="A policy file.", exists=True, dir_okay=False)]) -> None:
    """Check a policy file against the permissions, rules, people and groups there are. Exits with 1 on errors."""
    document, problems = _read(file)
    found = problems + ([_located(file, p) for p in problems_of(document)] if document else [])
    errors = [p for p in found if p.severity == "error"]
    show(
        {"problems": [p.as_dict() for p in found]},
        problems_text(found) if found else f"{file} is right: {len(document.roles) if document else 0} roles.",
    )
    if errors:
        raise typer.Exit(1)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A policy file, or a CSV of the community's plugin.", exists=True)],
    conditions: Annotated[Path | None, typer.Option(help="Conditional policies of the community's plugin.")] = None,
    publish: Annotated[bool, typer.Option(help="Publish it at once.")] = False,
    note_: Annotated[str, typer.Option("--note", help="Why it is published.")] = "",
) -> None:
    """Make a draft of a file, and publish it if asked to."""
    try:
        problems: list[Problem] = []
        if file.suffix == ".csv" or conditions is not None:
            row, imported = files.import_community(file.read_text(), conditions.read_text() if conditions else "")
            problems = imported.problems
        else:
            row = files.import_policy(file.read_text(), url=str(file))
        if publish:
            row = policies.publish_policy(row.pk, note=note_, accept_elevation=True)
    except AccessError as error:
        fail(str(error), problems=error.problems)
    if problems:
        note(problems_text(problems))
    show(policy_data(row), f"{'Published' if publish else 'Draft'} {row.name}: {row.pk}")


@app.command()
def preview(policy: Annotated[str, typer.Argument(help="Id of a draft or version.")]) -> None:
    """Say what changes if a draft is published."""
    row = _row(policy)
    if row is None:
        fail("There is no such policy; `callboard rbac list` shows all.")
    seen = policies.look_ahead(document_of(row))
    data = preview_data(seen)
    lines = [f"{seen.affected} of {seen.people} people notice: {seen.gaining} gain, {seen.losing} lose."]
    lines += [
        f"  {c['permission']}: {c['gained']} gain, {c['lost']} lose, {c['altered']} otherwise"
        for c in data["permissions"]
    ]
    if seen.locked_out:
        lines.append("Nobody with an account could publish a policy any more; it will be refused.")
    show(data, "\n".join(lines))


@app.command()
def publish(
    policy: Annotated[str, typer.Argument(help="Id of a draft.")],
    note_: Annotated[str, typer.Option("--note", help="Why.")] = "",
) -> None:
    """Put a draft in force."""
    row = _row(policy)
    if row is None:
        fail("There is no such policy; `callboard rbac list` shows all.")
    try:
        row = policies.publish_policy(row.pk, note=note_, accept_elevation=True)
    except AccessError as error:
        fail(str(error), problems=error.problems)
    show(policy_data(row), f"Version {row.number} is in force.")


@app.command()
def explain(
    who: Annotated[str, typer.Argument(help="user:default/ada, guest, service:ci.")],
    permission: Annotated[str, typer.Argument(help="Such as catalog.entity.read.")],
    resource: Annotated[str, typer.Option("--on", help="Such as component:default/shop.")] = "",
) -> None:
    """Say whether somebody may, why, and what would change it."""
    try:
        told = explained(who, permission, resource)
    except LookupError as error:
        fail(str(error.args[0]))
    lines = [f"{told.result.upper()}: {told.reason}"]
    lines += [f"  role {held.role.name}: {', '.join(held.because)}" for held in told.roles]
    lines += [f"  {'→' if item.counts else ' '} {item.role}: {item.sentence}" for item in told.looked_at]
    lines += [f"  {text}" for text in told.changes]
    show(explanation_data(told), "\n".join(lines))


@app.command("who-can")
def who_can(
    permission: Annotated[str, typer.Argument(help="Such as catalog.entity.delete.")],
    resource: Annotated[str, typer.Option("--on", help="Such as component:default/shop.")] = "",
) -> None:
    """List everybody who may do something."""
    try:
        found = [can for can in report_who_can(permission, resource) if can.allowed is not False]
    except LookupError as error:
        fail(str(error.args[0]))
    rows = [
        {"ref": can.who.ref, "may": "yes" if can.allowed else "on some", "reason": can.verdict.reason} for can in found
    ]
    show(rows, table(rows, {"ref": "who", "may": "may", "reason": "why"}))


@app.command("what-can")
def what_can(who: Annotated[str, typer.Argument(help="user:default/ada, guest, service:ci.")]) -> None:
    """List everything somebody may do."""
    try:
        found = [can for can in report_what_can(who) if can.verdict.result != "deny"]
    except LookupError as error:
        fail(str(error.args[0]))
    words = {"allow": "yes", "conditional": "on some"}
    rows = [{"permission": c.permission.id, "may": words[c.verdict.result], "reason": c.verdict.reason} for c in found]
    show(rows, table(rows, {"permission": "permission", "may": "may", "reason": "why"}))


@app.command("test")
def check_assertions(
    file: Annotated[Path, typer.Argument(help="A file with `tests`; often the policy file itself.", exists=True)],
    policy: Annotated[
        Path | None, typer.Option(help="A policy file; else the file itself, else the policy in force.")
    ] = None,
) -> None:
    """Check assertions about a policy, for continuous integration. Exits with 1 if any fails."""
    text = file.read_bytes()
    try:
        if policy is not None:
            document = files.read_policy_file(policy.read_bytes(), str(policy))
        elif b"\nroles:" in b"\n" + text:
            document = files.read_policy_file(text, str(file))
        else:
            document = document_in_question()
        outcomes = files.run_assertions(document, text, str(file))
    except ProblemError as error:
        fail("The file cannot be read.", problems=error.problems)
    lines = [
        f"{'ok  ' if o.passed else 'FAIL'} {o.title}" + ("" if o.passed else f"\n     line {o.line}: {o.message}")
        for o in outcomes
    ]
    failed = [o for o in outcomes if not o.passed]
    lines.append(f"{len(outcomes) - len(failed)} of {len(outcomes)} assertions hold.")
    show(
        [{"title": o.title, "passed": o.passed, "message": o.message, "line": o.line} for o in outcomes],
        "\n".join(lines),
    )
    if failed or not outcomes:
        raise typer.Exit(1)


@app.command()
def drift() -> None:
    """Compare the policy in force with the file named in `rbac.policy_file`. Exits with 1 if they differ."""
    found = files.drift()
    if found is None:
        fail("No file is named: set rbac.policy_file in callboard.yaml.")
    if found.problem:
        fail(f"{found.path}: {found.problem}")
    lines = [f"{line.mark} {line.text}" for line in found.diff.facts] if found.diff else []
    for role in found.diff.roles if found.diff else ():
        lines.append(f"role {role.name}: {role.how}")
        lines += [f"  {line.mark} {line.text}" for line in (*role.facts, *role.members, *role.decisions) if line.mark]
    same = found.diff is None or found.diff.nothing
    show({"path": found.path, "equal": same, "differences": lines}, "\n".join(lines) or "They are equal.")
    if not same:
        raise typer.Exit(1)


@app.command()
def reset(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Let no policy be in force: the way in again when a policy keeps everybody out. Versions are kept."""
    if not yes and not typer.confirm("The portal will decide as it does without a policy. Go on?"):
        raise typer.Exit(1)
    try:
        policies.end_policy(note="reset on the command line")
    except AccessError as error:
        fail(str(error))
    show({"reset": True}, "No policy is in force. Sign in as an administrator and look at /admin/access.")


def _row(text: str) -> Policy | None:
    from uuid import UUID  # noqa: PLC0415 - small and used here alone

    if not text:
        return version()
    try:
        return version(UUID(text))
    except ValueError:
        return None


def _read(file: Path) -> tuple[PolicyDocument | None, list[Problem]]:
    try:
        return files.read_policy_file(file.read_bytes(), str(file)), []
    except ProblemError as error:
        return None, list(error.problems)


def _located(file: Path, problem: Problem) -> Problem:
    return files.located(file.read_bytes(), str(file), problem)
