"""The keys that sign identity tokens: made on demand, retired by age, published while anything they signed is valid."""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from callboard.core.auth.models import SigningKey
from callboard.core.config.sealing import open_secret, seal_secret

SIGNS_DAYS = 30
LONGEST_TOKEN = timedelta(hours=24)
KEEP_SECONDS = 30.0
_ONE_AT_A_TIME = 0x5167E4

_kept: dict[str, tuple[float, Any]] = {}
_lock = threading.Lock()


def signing_key() -> tuple[str, Any]:
    """Answer the id and the private key that sign now; a new one is made where there is none."""
    return _remembered("signing", _load_or_make)


def verifying_key(kid: str) -> Any:
    """Answer the public key of an id, or nothing if it is unknown or has expired."""
    keys = _remembered("verifying", _verifying)
    if kid not in keys:
        # Another process may have made it a moment ago; an invented id costs a query each thirty seconds at most.
        keys = _remembered(f"missing {kid[:64]}", _verifying)
    return keys.get(kid)


def published_keys() -> list[dict[str, Any]]:
    """Answer the public keys as JWKs, the newest first."""
    signing_key()
    return [row.public for row in SigningKey.objects.filter(expires_at__gt=timezone.now())]


def rotate_signing_key() -> str:
    """Let a new key sign from now on; the old ones go on verifying what they signed."""
    now = timezone.now()
    with transaction.atomic():
        SigningKey.objects.filter(retires_at__gt=now).update(retires_at=now, expires_at=now + LONGEST_TOKEN)
        kid, _key = _make()
    forget_keys()
    return kid


def forget_keys() -> None:
    """Ask the database again at the next use."""
    with _lock:
        _kept.clear()


def _remembered(name: str, load: Any) -> Any:
    found = _kept.get(name)
    if found and found[0] > time.monotonic():
        return found[1]
    value = load()
    with _lock:
        if len(_kept) > 200:
            _kept.clear()
        _kept[name] = (time.monotonic() + KEEP_SECONDS, value)
    return value


def _load_or_make() -> tuple[str, Any]:
    found = _load()
    if found is not None:
        return found
    with transaction.atomic():
        # Many processes may ask at once, and one of them makes the key.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
        SigningKey.objects.filter(expires_at__lte=timezone.now()).delete()
        return _load() or _make()


def _load() -> tuple[str, Any] | None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - not at start-up

    row = SigningKey.objects.filter(retires_at__gt=timezone.now()).first()
    if row is None:
        return None
    pem = open_secret(row.private, f"signing-key:{row.pk}")
    return row.kid, load_pem_private_key(pem.encode(), None)


def _make() -> tuple[str, Any]:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - not at start-up
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - not at start-up

    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    kid = str(uuid.uuid4())
    point = key.public_key().public_numbers()
    public = {
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid,
        "x": _number(point.x), "y": _number(point.y),
    }  # fmt: skip
    now = timezone.now()
    SigningKey.objects.create(
        kid=kid,
        public=public,
        private=seal_secret(pem, f"signing-key:{kid}"),
        retires_at=now + timedelta(days=SIGNS_DAYS),
        expires_at=now + timedelta(days=SIGNS_DAYS) + LONGEST_TOKEN,
    )
    return kid, key


def _verifying() -> dict[str, Any]:
    from jwt.algorithms import ECAlgorithm  # noqa: PLC0415 - not at start-up

    rows = SigningKey.objects.filter(expires_at__gt=timezone.now())
    return {row.kid: ECAlgorithm.from_jwk(json.dumps(row.public)) for row in rows}


def _number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes(32, "big")).rstrip(b"=").decode()
