"""Commands that look after a portal: is it well, back it up, bring it back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from callboard.core.config.console import fail, note, show


def add_to(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command()(doctor)
    app.command()(backup)
    app.command()(restore)


def doctor() -> None:
    """Check everything the portal needs and say how to mend what is wrong."""
    from dataclasses import asdict

    from callboard.project.doctor import examine

    findings = examine()
    marks = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}
    lines = []
    for item in findings:
        lines.append(f"{marks[item.status]}  {item.name}: {item.message}")
        if item.remedy and item.status != "ok":
            lines.append(f"         → {item.remedy}")
    worst = "error" if any(item.status == "error" for item in findings) else "ok"
    show({"status": worst, "checks": [asdict(item) for item in findings]}, "\n".join(lines))
    if worst == "error":
        raise typer.Exit(1)


def backup(
    file: Annotated[Path, typer.Argument(help="Archive to write, such as portal.tar.gz.")],
    with_secrets: Annotated[bool, typer.Option("--with-secrets", help="Include keys and passwords.")] = False,
) -> None:
    """Write database, configuration and files to one archive while the portal runs on."""
    from callboard.project.backups import write_backup

    written = write_backup(file, with_secrets=with_secrets)
    show(written, f"Wrote {file} ({written['bytes'] / 1_000_000:.1f} MB).")
    if not with_secrets:
        note("Secrets are not in it: restored elsewhere, people sign in anew. --with-secrets includes them.")


def restore(
    file: Annotated[Path, typer.Argument(help="Archive made by `callboard backup`.")],
    force: Annotated[bool, typer.Option("--force", help="Replace what is in the database.")] = False,
) -> None:
    """Bring a backup back; stop the portal first."""
    from callboard.project.backups import read_backup

    if not file.is_file():
        fail(f"there is no file {file}", code="not-found")
    done = read_backup(file, force=force)
    show(done, f"Restored the backup of {done['created']}. Start the portal with `callboard up`.")
