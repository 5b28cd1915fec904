"""Describe keyboard shortcuts and metrics."""

from __future__ import annotations

from callboard.core.registry.contract import Command, Metric
from callboard.project.reference_pages import text

_SHORTCUTS = """\
`?` shows this list in the portal. Shortcuts are silent while you type into a field.

## Everywhere

| Keys | Does |
|---|---|
| `Ctrl K` (`⌘ K` on a Mac), `/` | Search, or run a command |
| `?` | Show the shortcuts |
| `[` | Narrow or widen the navigation |
| `n`, `p` | Next and previous page of a list |
| `Esc` | Close what is open |
"""

_METRICS = """\
`/metrics` answers in the format of Prometheus. Plugins contribute to it with a
[`Metric`](contributions.md). Whoever reaches the portal can read the page, so let only your monitoring reach it from
outside (see [behind a proxy](../how-to/proxy.md)).

Two further addresses say whether the portal works:

| Address | Answers 200 when |
|---|---|
| `/.backstage/health/v1/liveness`, `/healthz` | the process answers at all |
| `/.backstage/health/v1/readiness` | the database answers too; otherwise 503 |
"""


def shortcuts_page() -> str:
    """Answer the page about keyboard shortcuts."""
    rows = [
        (" then ".join(f"`{key}`" for key in item.keys.split()), item.title)
        for _, item in sorted(text.bundled(Command), key=lambda pair: (pair[1].order, pair[1].id))
        if item.keys
    ]
    return text.page("Keyboard shortcuts", _SHORTCUTS, "## Go to", text.table(("Keys", "Opens"), rows))


def metrics_page() -> str:
    """Answer the page about metrics."""
    rows = [(f"`{item.name}`", item.unit, item.description or item.title, room) for room, item in text.bundled(Metric)]
    listed = text.table(("Metric", "Unit", "Meaning", "Room"), rows) if rows else _NO_METRICS
    return text.page("Metrics and health", _METRICS, "## Metrics", listed)


_NO_METRICS = "The rooms that come with Callboard contribute none so far; the page shows those of your own plugins."
