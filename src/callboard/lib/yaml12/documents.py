"""Hold one document that was read, and find the lines of its parts when somebody asks."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

from callboard.lib.problems import Place, Problem


@dataclass(slots=True)
class Document:
    """One YAML document: its ``value``, the 1-based ``line`` of its first content, its own text."""

    value: Any
    line: int
    source_text: str = field(repr=False)
    source_line: int = field(default=1, repr=False)
    """1-based line of the file at which ``source_text`` begins."""
    _root: Node | None = field(default=None, init=False, repr=False, compare=False)

    def locate(self, path: str) -> tuple[int, int] | None:
        """Answer the 1-based line and column of a JSON path such as ``spec.dependsOn[1]``.

        Where the path leads to something that is missing, its nearest parent is found instead. Keys may
        contain dots. Aliases and merged keys lead to where the value is really written.
        """
        if self._root is None:
            self._root = yaml.compose(self.source_text, Loader=yaml.CSafeLoader)
            if self._root is None:
                return None
        mark = _find(self._root, path)
        return self.source_line + mark.line, mark.column + 1

    def pin(self, problems: Iterable[Problem]) -> list[Problem]:
        """Answer the problems of this document with their lines filled in from their paths."""
        pinned = []
        for problem in problems:
            if problem.place.line is None:
                line, column = self.locate(problem.place.path) or (self.line, None)
                pinned.append(problem.at(line, column))
            else:
                pinned.append(problem)
        return pinned

    def place(self, url: str, path: str = "") -> Place:
        """Answer the place of a path of this document in the file ``url``."""
        line, column = self.locate(path) or (self.line, None)
        return Place(url, line, column, path)


def _find(node: Node, path: str) -> Any:
    mark = node.start_mark
    while path:
        step = _item(node, path) if path.startswith("[") else _member(node, path)
        if step is None:
            break
        node, mark, path = step
    return mark


def _item(node: Node, path: str) -> tuple[Node, Any, str] | None:
    number, _, rest = path[1:].partition("]")
    if not isinstance(node, SequenceNode) or not number.isdecimal() or len(number) > 9:
        return None
    if int(number) >= len(node.value):
        return None
    child = node.value[int(number)]
    return child, child.start_mark, rest.removeprefix(".")


def _member(node: Node, path: str) -> tuple[Node, Any, str] | None:
    """Follow the longest key that the path starts with, so that keys may contain dots."""
    best: tuple[Node, Any, str] | None = None
    best_length = -1
    todo = [node]
    seen: set[int] = set()
    while todo:
        mapping = todo.pop(0)
        if not isinstance(mapping, MappingNode) or id(mapping) in seen:
            continue
        seen.add(id(mapping))
        for key_node, value_node in mapping.value:
            key = key_node.value
            if not isinstance(key, str):
                continue
            if key == "<<" and not key_node.style:
                todo.extend(value_node.value if isinstance(value_node, SequenceNode) else [value_node])
            elif len(key) > best_length and path.startswith(key):
                rest = path[len(key) :]
                if not rest or rest[0] in ".[":
                    best = value_node, key_node.start_mark, rest.removeprefix(".")
                    best_length = len(key)
    return best
