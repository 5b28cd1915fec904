"""Write the reference pages that follow from the code, so that they cannot say anything else.

`python -m callboard.project.reference_docs` in a source tree writes them; `--check` only compares.
Examples are cut out of the plugin that the tests install, so every one of them has run.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from callboard.core.registry import contract

ROOT = Path(__file__).resolve().parents[3]
CONTRIBUTIONS = ROOT / "docs" / "reference" / "contributions.md"
EXAMPLES = ROOT / "tests" / "plugins" / "dummy" / "src" / "callboard_dummy"

_SECTION = re.compile(r"^# --- (.+?) -+$")

_INTRODUCTION = """\
# Contribution points

<!-- Written by `make docs` from the contract and the plugin of the tests. Edit those, not this page. -->

Everything a plugin can add to the portal. Import what you use from `callboard.sdk.contributions`, and list it in
`contributions` of your package's `contributions.py`:

```python
from callboard.sdk.contributions import NavItem, Page

from callboard_notes import views

contributions = (
    Page(id="notes.page", title="Notes", path="notes", view=views.page, name="notes.page"),
    NavItem(id="notes.nav", title="Notes", page="notes.page", icon="note"),
)
```

A contribution that fails takes down itself alone: the page shows an error, the card a message, the source keeps
its last good state. What failed, and how often, stands on the plugin's page under *Administration › Plugins*. While
a plugin is switched off, nothing of what it contributes is used.

Functions that answer HTML must answer *safe* HTML: use `callboard.sdk.ui.render_to_string`, which escapes.

## Fields that all share

| Field | Type | Default | Meaning |
|---|---|---|---|
| `id` | `str` | required | Unique among contributions of one type; begins with the plugin's name: `notes.page`. |
| `title` | `str` | `''` | What people read, in English; the UI translates it when it is shown. |
| `permission` | `str \\| None` | `None` | Id of the permission a caller needs to see or use it. |
| `order` | `int` | `100` | Smaller comes first among contributions of the same type. |
"""


@dataclass(frozen=True)
class Point:
    """One class of the contract, as its source says it."""

    name: str
    section: str
    is_contribution: bool
    text: str
    fields: tuple[tuple[str, str, str], ...]


def points() -> list[Point]:
    """Answer the classes of the contract in the order in which they are written."""
    source = inspect.getsource(contract)
    sections = [
        (number, match[1]) for number, line in enumerate(source.splitlines(), 1) if (match := _SECTION.match(line))
    ]
    found = []
    for node in ast.parse(source).body:
        if not isinstance(node, ast.ClassDef) or node.name == "Contribution":
            continue
        section = next((title for line, title in reversed(sections) if line < node.lineno), "")
        inherits = any(isinstance(base, ast.Name) and base.id == "Contribution" for base in node.bases)
        found.append(Point(node.name, section, inherits, ast.get_docstring(node) or "", tuple(_fields(node))))
    return found


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str, str]]:
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            default = "required" if item.value is None else f"`{ast.unparse(item.value)}`"
            yield item.target.id, ast.unparse(item.annotation), default.replace("field(default_factory=dict)", "{}")


def examples() -> dict[str, str]:
    """Answer the shortest use of each class in the plugin of the tests."""
    found: dict[str, str] = {}
    for file in sorted(EXAMPLES.glob("*.py")):
        source = file.read_text()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                lines = source.splitlines()[node.lineno - 1 : node.end_lineno]
                lines[-1] = lines[-1].encode()[: node.end_col_offset].decode()
                lines[0] = " " * node.col_offset + lines[0].encode()[node.col_offset :].decode()
                indent = len(lines[-1]) - len(lines[-1].lstrip())
                lines[0] = " " * (indent if len(lines) > 1 else 0) + lines[0].lstrip()
                text = textwrap.dedent("\n".join(lines))
                if len(text) < len(found.get(node.func.id, text + " ")):
                    found[node.func.id] = text
    return found


def contributions_page() -> str:
    """Answer the page about the contribution points."""
    shown = examples()
    parts = [_INTRODUCTION]
    section = ""
    for point in points():
        if point.section != section:
            section = point.section
            parts.append(f"\n## {section}\n")
        parts.append(_entry(point, shown.get(point.name, "")))
    return "".join(parts)


def _entry(point: Point, example: str) -> str:
    note = "" if point.is_contribution else " (used by the points around it)"
    text = f"\n### {point.name}{note}\n\n{_markdown(point.text)}\n"
    if point.fields:
        text += "\n| Field | Type | Default |\n|---|---|---|\n"
        for name, type_, default in point.fields:
            text += f"| `{name}` | `{type_.replace('|', chr(92) + '|')}` | {default} |\n"
    if example:
        text += f"\n```python\n{example}\n```\n"
    return text


def _markdown(text: str) -> str:
    text = re.sub(r":class:`(\w+)`", r"`\1`", text.replace("``", "`"))
    return "\n\n".join(
        _list(part) if re.search(r"^`\w+` {2,}", part, re.MULTILINE) else part for part in text.split("\n\n")
    )


def _list(definitions: str) -> str:
    """Make a list of the aligned definitions of fields."""
    return re.sub(r"^(`\w+`) +(.+)$", r"- \1: \2", definitions, flags=re.MULTILINE)


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` answer 1 if one is not what it would be."""
    from callboard.project.reference_pages.pages import generated_pages

    check, stale = "--check" in arguments, False
    for path, text in [(CONTRIBUTIONS, contributions_page()), *generated_pages(ROOT / "docs" / "reference")]:
        if path.is_file() and path.read_text() == text:
            continue
        stale = True
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        sys.stdout.write(f"{path.relative_to(ROOT)} {'is not up to date' if check else 'is written'}\n")
    if check and stale:
        sys.stderr.write("  → make docs\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
