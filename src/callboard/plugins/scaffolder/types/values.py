"""Values as templates see them: JSON, compared, written and looked into the way JavaScript does.

Templates were written for Nunjucks, so ``1 == "1"`` holds, ``true`` is written in lower case and
``name.toUpperCase()`` works. Nothing but JSON ever has members: that is what keeps Python out of reach.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from callboard.plugins.scaffolder.types.budget import LimitError, TemplatingError, budget


class Pattern:
    """A regular expression literal, ``r/…/flags``; matching it has a time limit."""

    def __init__(self, source: str, flags: str = "") -> None:
        # Slow to import, and hardly a template has one.
        import regex  # noqa: PLC0415

        if len(source) > 1000:
            raise LimitError("a regular expression may have 1,000 characters")
        bits = (regex.IGNORECASE if "i" in flags else 0) | (regex.MULTILINE if "m" in flags else 0)
        bits |= regex.DOTALL if "s" in flags else 0
        self.every = "g" in flags
        try:
            self._compiled = regex.compile(source, bits | regex.VERSION0)
        except regex.error as error:
            raise TemplatingError(f"the regular expression r/{source}/ is wrong: {error}") from error

    def replace(self, text: str, new: str, count: int = 0) -> str:
        """Replace the first match, or all with the flag ``g``; ``$1`` and ``$&`` stand for what was found."""
        most = max(len(text) * (new.count("$") + 1) + (len(text) + 1) * len(new), 1)
        if most > budget().limits.output:
            hits = sum(1 for _ in self._compiled.finditer(text, timeout=budget().seconds_left()))
            most = len(text) * (new.count("$") + 1) + hits * len(new)
        budget().make(most)
        try:
            return self._compiled.sub(
                lambda match: _expand(match, new),
                text,
                count=count or (0 if self.every else 1),
                timeout=budget().seconds_left(),
            )
        except TimeoutError as error:
            raise LimitError("a regular expression takes too long") from error

    def test(self, text: str) -> bool:
        """Whether it is found in the text."""
        try:
            return self._compiled.search(text, timeout=budget().seconds_left()) is not None
        except TimeoutError as error:
            raise LimitError("a regular expression takes too long") from error

    def match(self, text: str) -> list[Any] | None:
        """Answer what is found: the whole and the groups, or every whole with the flag ``g``."""
        try:
            if self.every:
                found = [m.group() for m in self._compiled.finditer(text, timeout=budget().seconds_left())]
                budget().room_for(len(found))
                return found or None
            match = self._compiled.search(text, timeout=budget().seconds_left())
        except TimeoutError as error:
            raise LimitError("a regular expression takes too long") from error
        return [match.group(), *match.groups()] if match else None

    def split(self, text: str) -> list[Any]:
        """Cut a text at every match."""
        try:
            found = self._compiled.split(text, timeout=budget().seconds_left())
        except TimeoutError as error:
            raise LimitError("a regular expression takes too long") from error
        budget().room_for(len(found))
        return list(found)


def _expand(match: Any, new: str) -> str:
    if "$" not in new:
        return new
    parts: list[str] = []
    index = 0
    while index < len(new):
        char = new[index]
        following = new[index + 1 : index + 2]
        if char == "$" and following == "$":
            parts.append("$")
            index += 2
        elif char == "$" and following == "&":
            parts.append(match.group())
            index += 2
        elif char == "$" and following.isdigit() and int(following) <= len(match.groups()):
            parts.append(match.group(int(following)) or "")
            index += 2
        else:
            parts.append(char)
            index += 1
    return "".join(parts)


def truthy(value: Any) -> bool:
    """Whether JavaScript takes a value for true: empty lists and objects are."""
    if value is None or value is False or is_undefined(value):
        return False
    if isinstance(value, (list, tuple, Mapping)):
        return True
    return bool(value) and value == value  # noqa: PLR0124 - NaN is false


def is_undefined(value: Any) -> bool:
    """Whether it is the value of a name that nobody has set."""
    return type(value).__name__ == "Missing"


def written(value: Any) -> str:
    """Write a value into a text: nothing for nothing, ``true``, ``1`` for 1.0, JSON for objects."""
    if isinstance(value, str):
        return value
    if value is None or is_undefined(value):
        return ""
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int):
        return _digits(value)
    if isinstance(value, (list, tuple)):
        parts: list[str] = []
        _collect(value, parts, 0)
        return ",".join(parts)
    if isinstance(value, Mapping):
        return dumped(value)
    if isinstance(value, Pattern) or callable(value):
        raise TemplatingError("a function or a regular expression cannot be written into a text")
    return str(value)


def _collect(items: Any, parts: list[str], depth: int) -> None:
    if depth > budget().limits.depth:
        raise LimitError("lists are nested too deeply")
    for item in items:
        budget().turn()
        if isinstance(item, (list, tuple)):
            _collect(item, parts, depth + 1)
        else:
            parts.append(written(item))
            budget().make(len(parts[-1]) + 1)


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)


def _digits(value: int) -> str:
    if value.bit_length() > 4000:
        raise LimitError("a number is too large to be written")
    return str(value)


def dumped(value: Any, indent: int = 0) -> str:
    """Write JSON the way ``JSON.stringify`` does, within the budget."""
    encoder = json.JSONEncoder(
        ensure_ascii=False,
        indent=min(indent, 10) or None,
        separators=(",", ": " if indent else ":"),
        default=_plain,
        check_circular=True,
    )
    parts: list[str] = []
    spend = budget()
    for part in encoder.iterencode(_finite(value, 0)):
        parts.append(part)
        spend.turn()
        spend.make(len(part))
    return "".join(parts)


def _plain(value: Any) -> Any:
    if is_undefined(value):
        return None
    if isinstance(value, Mapping):
        return dict(value)
    raise TemplatingError("a function cannot be written as JSON")


def _finite(value: Any, depth: int) -> Any:
    """Copy a value for JSON: undefined members vanish, NaN is null, whole floats are integers."""
    spend = budget()
    spend.turn()
    if depth > spend.limits.depth:
        raise LimitError("values are nested too deeply")
    if isinstance(value, Mapping):
        return {str(k): _finite(v, depth + 1) for k, v in value.items() if not is_undefined(v)}
    if isinstance(value, (list, tuple)):
        return [_finite(item, depth + 1) for item in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return None if is_undefined(value) else value


def plain(value: Any) -> Any:
    """Answer a value that came out of an expression as plain JSON."""
    return _finite(value, 0)


def equal(left: Any, right: Any, depth: int = 0) -> bool:
    """Compare as ``==`` does in JavaScript, but lists and objects by what is in them."""
    spend = budget()
    spend.turn()
    if depth > spend.limits.depth:
        raise LimitError("values are nested too deeply to be compared")
    nothing_left, nothing_right = left is None or is_undefined(left), right is None or is_undefined(right)
    if nothing_left or nothing_right:
        return nothing_left and nothing_right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        if left is right:
            return True
        return left.keys() == right.keys() and all(equal(left[k], right[k], depth + 1) for k in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        if left is right:
            return True
        return len(left) == len(right) and all(equal(a, b, depth + 1) for a, b in zip(left, right, strict=True))
    if isinstance(left, str) != isinstance(right, str) and isinstance(left, (str, int, float)):
        text, number = (left, right) if isinstance(left, str) else (right, left)
        if isinstance(number, (int, float)):
            return _as_number(text) == number
    plain_values = (str, int, float)
    return isinstance(left, plain_values) and isinstance(right, plain_values) and left == right


def _as_number(text: str) -> float | None:
    try:
        return float(text) if text.strip() else 0.0
    except ValueError:
        return None


def ordered(operator: str, left: Any, right: Any) -> bool:
    """Compare with ``<``, ``<=``, ``>``, ``>=``; what cannot be compared is false, as in JavaScript."""
    budget().turn()
    if isinstance(left, str) != isinstance(right, str):
        left = _as_number(left) if isinstance(left, str) else left
        right = _as_number(right) if isinstance(right, str) else right
    if not isinstance(left, (str, int, float)) or not isinstance(right, (str, int, float)):
        return False
    answers: dict[str, Callable[[Any, Any], bool]] = {
        "lt": lambda a, b: a < b,
        "lteq": lambda a, b: a <= b,
        "gt": lambda a, b: a > b,
        "gteq": lambda a, b: a >= b,
    }
    return answers[operator](left, right)


def contains(item: Any, holder: Any) -> bool:
    """Answer ``item in holder``: a member of a list, a key of an object, a part of a text."""
    if isinstance(holder, str):
        return written(item) in holder
    if isinstance(holder, Mapping):
        return isinstance(item, (str, int)) and str(item) in holder
    if isinstance(holder, (list, tuple)):
        return any(equal(item, other) for other in holder)
    return False
