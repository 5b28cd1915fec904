"""Keep secrets out of everything that is shown: logs, errors, outputs, receipts."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

HIDDEN = "***"
SHORTEST = 4
"""Shorter texts are no secrets, and blanking them out would leave nothing readable."""


class Masker:
    """Blanks out secrets in texts and values, also as they look inside URLs, JSON and base64."""

    def __init__(self, secrets: Iterable[Any] = ()) -> None:
        self._texts: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.add(*secrets)

    def add(self, *secrets: Any) -> None:
        """Hide these from now on; of lists and objects, every text inside."""
        for secret in secrets:
            for text in _texts(secret):
                if len(text.strip()) >= SHORTEST:
                    self._texts |= _spellings(text)
        if self._texts:
            longest_first = sorted(self._texts, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def text(self, text: str) -> str:
        """Answer the text without secrets."""
        return self._pattern.sub(HIDDEN, text) if self._pattern else text

    def value(self, value: Any) -> Any:
        """Answer a JSON value without secrets, keys included."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        if isinstance(value, (int, float)) and not isinstance(value, bool) and str(value) in self._texts:
            return HIDDEN
        return value


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
        # Keys of several lines are often logged a line at a time.
        lines = value.splitlines()
        if len(lines) > 1:
            yield from (line for line in lines if len(line) > 12)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)


def _spellings(text: str) -> set[str]:
    raw = text.encode()
    return {
        text,
        text.strip(),
        quote(text, safe=""),
        quote(text),
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    } - {""}
