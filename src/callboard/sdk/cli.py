"""What a plugin's commands answer with, so that `--json` and errors look the same everywhere."""

from callboard.core.config.console import (
    Progress,
    fail,
    note,
    problems_text,
    progress,
    show,
    table,
    wants_json,
)

__all__ = ["Progress", "fail", "note", "problems_text", "progress", "show", "table", "wants_json"]
