"""Commands that show and check the configuration."""

from __future__ import annotations

from typing import Any

import typer

from callboard.core.config.console import show

app = typer.Typer(help="The configuration.", no_args_is_help=True)


@app.command("show")
def show_config() -> None:
    """Show every setting with the place its value comes from; secrets are hidden."""
    from callboard.core.config.load import load_config
    from callboard.core.config.redaction import redacted

    shown = redacted(load_config(make_secrets=False))
    show(shown, "\n".join(_lines(shown, 0)))


@app.command("check")
def check_config() -> None:
    """Check the configuration; every problem is listed with file, line and remedy."""
    from callboard.core.config.load import load_config

    config = load_config(make_secrets=False)
    file = str(config.file) if config.file else None
    show({"ok": True, "file": file}, f"{file or 'Without a configuration file'}: everything is valid.")


def _lines(section: dict[str, Any], depth: int) -> list[str]:
    import json

    lines = []
    for key, entry in section.items():
        pad = "  " * depth
        if set(entry) == {"value", "source"}:
            line = f"{pad}{key}: {json.dumps(entry['value'], ensure_ascii=False)}"
            lines.append(f"{line:<50} # {entry['source']}")
        else:
            lines += [f"{pad}{key}:", *_lines(entry, depth + 1)]
    return lines
