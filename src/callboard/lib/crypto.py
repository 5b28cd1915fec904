"""Keep secrets encrypted at rest: seal a text with a key, open it again, notice any change.

A :class:`KeyRing` lets keys change: the newest seals, older ones still open what they sealed.
"""

import base64
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = "v1"
_NONCE_BYTES = 12


class SealError(ValueError):
    """A sealed text that cannot be opened: changed, of another purpose, or sealed with another key."""


def seal(text: str, key: bytes, purpose: str) -> str:
    """Encrypt ``text`` with a key of 32 bytes (AES-256-GCM).

    ``purpose`` (such as ``webhook:4711``) is bound to the result, so that a sealed text that is
    moved to another place in the database cannot be opened there.
    """
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, text.encode(), purpose.encode())
    return f"{_VERSION}:{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def unseal(sealed: str, key: bytes, purpose: str) -> str:
    """Answer the text again. Raises :class:`SealError` where key, purpose or bytes do not match."""
    version, _, body = sealed.partition(":")
    if version != _VERSION:
        raise SealError("the secret was not sealed by this software")
    try:
        raw = base64.urlsafe_b64decode(body)
        return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise SealError("the secret cannot be opened; was the portal's secret key changed?") from error


@dataclass(frozen=True)
class KeyRing:
    """Keys of 32 bytes each, the newest first."""

    keys: tuple[bytes, ...]

    def seal(self, text: str, purpose: str) -> str:
        """Encrypt ``text`` with the newest key, as :func:`seal` does."""
        return seal(text, self.keys[0], purpose)

    def open(self, sealed: str, purpose: str) -> str:
        """Answer the text again, whichever key sealed it. Raises :class:`SealError` where none fits."""
        problem = SealError("there is no key")
        for key in self.keys:
            try:
                return unseal(sealed, key, purpose)
            except SealError as error:
                problem = error
        raise problem

    def renewed(self, sealed: str, purpose: str) -> str | None:
        """Answer the text sealed with the newest key; nothing where it is already. Raises :class:`SealError`."""
        try:
            unseal(sealed, self.keys[0], purpose)
        except SealError:
            return self.seal(self.open(sealed, purpose), purpose)
        return None
