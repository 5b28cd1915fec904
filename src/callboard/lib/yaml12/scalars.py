"""Decide what an unquoted word means under the core schema of YAML 1.2.

Only ``null``, ``true``, ``false`` and numbers are special. ``yes``, ``on``, dates and ``12:30`` stay text.
"""

import math
import re

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip

INTEGER = re.compile(r"[-+]?[0-9]+")
OCTAL = re.compile(r"0o[0-7]+")
HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")

# The first characters of all words that can mean something else than text.
SPECIAL_FIRST = frozenset("0123456789+-.~nNtTfF")

# What 64-bit consumers (JSON encoders, columns) can hold; larger integers become floats, as in JavaScript.
_MIN_INT, _MAX_INT = -(2**63), 2**64 - 1
_MAX_DIGITS = 24


def resolve(text: str) -> Scalar:
    """Answer the value of an unquoted scalar.

    ``.inf`` and ``.nan`` (and numbers that overflow to them) stay text, because JSON cannot hold them.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in SPECIAL_FIRST:
        return text
    if INTEGER.fullmatch(text):
        return _integer(text, 10)
    if FLOAT.fullmatch(text):
        return _float(text)
    if OCTAL.fullmatch(text):
        return _integer(text, 8)
    if HEXADECIMAL.fullmatch(text):
        return _integer(text, 16)
    return text


def _integer(text: str, base: int) -> Scalar:
    if base == 10:
        # Python refuses to read very long digit strings; as a float they are read in linear time.
        if len(text) > _MAX_DIGITS:
            return _float(text)
        number = int(text)
    else:
        if len(text) > 2 * _MAX_DIGITS:
            return text
        number = int(text[2:], base)
    return number if _MIN_INT <= number <= _MAX_INT else float(number)


def _float(text: str) -> Scalar:
    number = float(text)
    return number if math.isfinite(number) else text


def key_text(text: str) -> str:
    """Answer the JSON key for an unquoted key: numbers and words are written the JSON way."""
    value = resolve(text)
    if isinstance(value, str):
        return value
    if value is None:
        return "null" if text else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else text
