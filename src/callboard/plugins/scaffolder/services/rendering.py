"""Bring the files of a template into a workspace, as they are or filled in."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from callboard.plugins.catalog.public import GlobError, TreeAnswer, compile_glob
from callboard.plugins.scaffolder.selectors.actions import plugin_filters
from callboard.plugins.scaffolder.services.context import ActionContext
from callboard.plugins.scaffolder.types.budget import Limits, spending
from callboard.plugins.scaffolder.types.tasks import ActionError
from callboard.plugins.scaffolder.types.templating import PLAIN, Style, TemplatingError, has_tags, render_text

TREE = Limits(turns=50_000_000, seconds=120.0, produced=2_000_000_000, output=20_000_000)
"""What all files of a template may use together."""


class Patterns:
    """Several glob patterns; a folder stands for everything below it, ``!`` takes back."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._rules = []
        for pattern in patterns:
            text = str(pattern)
            wanted = not text.startswith("!")
            plain = posixpath.normpath(text.lstrip("!").lstrip("/"))
            try:
                self._rules.append((wanted, plain, compile_glob(plain)))
            except GlobError as error:
                raise ActionError(f"The pattern {text!r} cannot be used: {error}.", "Simplify it.") from error

    def match(self, path: str) -> bool:
        """Whether a path is meant."""
        found = False
        for wanted, plain, glob in self._rules:
            if path == plain or path.startswith(f"{plain}/") or glob.matches(path):
                found = wanted
        return found


@dataclass(frozen=True)
class Filling:
    """How files are filled in."""

    values: Mapping[str, Any]
    style: Style = PLAIN
    copied: Patterns | None = None
    untouched: Patterns | None = None
    extension: str = ""
    replace: bool = False
    name: str = "values"


def is_binary(content: bytes) -> bool:
    """Whether a file is no text: it has a null byte early on, or is no UTF-8."""
    if b"\0" in content[:8000]:
        return True
    try:
        content.decode()
    except UnicodeDecodeError:
        return True
    return False


def copy_tree(tree: TreeAnswer, target: str, context: ActionContext) -> int:
    """Write a folder into the workspace as it is; answer how many files."""
    workspace = context.workspace
    count = 0
    for file in tree.files:
        path = f"{target}/{file.path}" if target else file.path
        if file.link:
            _link(path, file.link, context)
        else:
            workspace.write(path, file.content, executable=file.executable)
        count += 1
        if count % 100 == 0:
            context.check()
    return count


def _link(path: str, target: str, context: ActionContext) -> None:
    try:
        context.workspace.link(path, target)
    except ActionError as error:
        context.log(f"{path} is a symbolic link that was left out: {error}", "warning")


def fill_tree(tree: TreeAnswer, target: str, filling: Filling, context: ActionContext) -> list[str]:
    """Write a folder into the workspace, names and contents filled in; answer the paths."""
    written: list[str] = []
    data = {filling.name: filling.values}
    filters = plugin_filters()
    workspace = context.workspace
    with spending(TREE):
        for number, file in enumerate(tree.files):
            if number % 50 == 0:
                context.check()
            untouched = filling.untouched is not None and filling.untouched.match(file.path)
            copied = untouched or (filling.copied is not None and filling.copied.match(file.path))
            path, fill = file.path, not copied
            if filling.extension:
                fill = fill and path.endswith(filling.extension)
                path = path.removesuffix(filling.extension) if fill else path
            try:
                if not untouched and has_tags(path, filling.style):
                    path = render_text(path, data, style=filling.style, filters=filters)
                if _skipped(path):
                    continue
                place = f"{target}/{path}" if target else path
                if not filling.replace and workspace.exists(place):
                    context.log(f"{place} exists already and was left as it is.", "debug")
                    continue
                if file.link:
                    _link(place, file.link, context)
                    written.append(place)
                    continue
                content = file.content
                if fill and not is_binary(content):
                    text = content.decode()
                    if has_tags(text, filling.style):
                        content = render_text(text, data, style=filling.style, filters=filters).encode()
            except TemplatingError as error:
                raise ActionError(f"{file.path}: {error}", "Correct the file in the template.") from error
            workspace.write(place, content, executable=file.executable)
            written.append(place)
    return written


def _skipped(path: str) -> bool:
    """Whether a part of a name came out empty: that is how templates leave files out."""
    return path == "" or path.startswith("/") or "//" in path or path.endswith("/")
