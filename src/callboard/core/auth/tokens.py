"""Make and recognise the secrets of API tokens, without a database.

A token reads ``cbt_`` + 43 random letters and digits (256 bits) + 6 that check the rest. The prefix lets
secret scanners find leaked tokens (``cbt_[0-9A-Za-z]{49}``), the check lets them and the portal tell a
token from a look-alike without asking anybody.
"""

from __future__ import annotations

import hashlib
import secrets
import string
import zlib

PREFIX = "cbt_"
RANDOM_LENGTH = 43
CHECK_LENGTH = 6
HINT_LENGTH = 10
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_KNOWN = frozenset(_ALPHABET)


def new_secret() -> str:
    """Answer a fresh secret."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(RANDOM_LENGTH))
    return PREFIX + body + _check(body)


def well_formed(secret: str) -> bool:
    """Whether this can be a token at all: prefix, length, letters and check are right."""
    if not secret.startswith(PREFIX) or len(secret) != len(PREFIX) + RANDOM_LENGTH + CHECK_LENGTH:
        return False
    body, check = secret[len(PREFIX) : -CHECK_LENGTH], secret[-CHECK_LENGTH:]
    return _KNOWN.issuperset(body) and _check(body) == check


def digest_of(secret: str) -> str:
    """Answer what is stored of a secret. It has 256 random bits, so a plain hash cannot be reversed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def hint_of(secret: str) -> str:
    """Answer the beginning, by which a person recognises the token."""
    return secret[:HINT_LENGTH]


def _check(body: str) -> str:
    number = zlib.crc32(body.encode())
    text = ""
    for _ in range(CHECK_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        text = _ALPHABET[digit] + text
    return text
