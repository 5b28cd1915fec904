"""Make stable bytes and content hashes of JSON values, so that unchanged input can be told for free."""

import hashlib
import json
from typing import Any

import orjson


def stable_json(value: Any) -> bytes:
    """Answer compact JSON with sorted keys: equal values give equal bytes.

    Raises ``ValueError`` for what JSON cannot hold (cycles, dates, keys that are not strings).
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME)
    except orjson.JSONEncodeError:
        # Integers of more than 64 bits, lone surrogates and deep nesting are beyond the fast encoder.
        _only_string_keys(value)
        try:
            text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
        except (TypeError, RecursionError) as error:
            raise ValueError(f"The value cannot be written as JSON: {error}") from error
        return text.encode()


def _only_string_keys(value: Any) -> None:
    todo = [value]
    seen: set[int] = set()
    while todo:
        item = todo.pop()
        if not isinstance(item, dict | list | tuple) or id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, dict):
            for key in item:
                if not isinstance(key, str):
                    raise ValueError(f"JSON keys must be strings, got {type(key).__name__}")  # noqa: TRY004  one error for all
            todo.extend(item.values())
        else:
            todo.extend(item)


def content_hash(value: Any) -> str:
    """Answer 40 hex digits that change when the JSON value changes, whatever the order of its keys."""
    return hashlib.blake2b(stable_json(value), digest_size=20).hexdigest()


def text_hash(text: str | bytes) -> str:
    """Answer 40 hex digits that change when the text changes."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return hashlib.blake2b(data, digest_size=20).hexdigest()
