"""Identity tokens that this portal signs: good ones open the API, anything else does not."""

import base64
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from callboard.core.auth import services, signing
from callboard.core.auth.identity_tokens import (
    IdentityTokenError,
    caller_by_identity_token,
    issue_identity_token,
    issuer,
)
from callboard.core.auth.models import SigningKey

pytestmark = pytest.mark.django_db


@pytest.fixture
def person():
    signing.forget_keys()
    yield services.create_user("ada", password="correct horse battery", email="ada@example.com")
    signing.forget_keys()


def signed(changes, *, key=None, kid=None, algorithm="ES256", typ="vnd.backstage.user"):
    own_kid, own_key = signing.signing_key()
    claims = {
        "iss": issuer(),
        "sub": "user:default/ada",
        "aud": "backstage",
        "iat": int(time.time()),
        "exp": int(time.time()) + 600,
    }
    claims |= changes
    return jwt.encode(
        {k: v for k, v in claims.items() if v is not None},
        key or own_key,
        algorithm,
        {"kid": kid or own_kid, "typ": typ},
    )


def test_a_token_has_the_shape_that_clients_know(person):
    token, seconds = issue_identity_token(person)
    header, claims = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
    assert header["alg"] == "ES256"
    assert header["typ"] == "vnd.backstage.user"
    assert claims["sub"] == "user:default/ada"
    assert claims["aud"] == "backstage"
    assert claims["exp"] - claims["iat"] == seconds == 3600
    assert "ent" not in claims


def test_a_token_opens_the_api_as_its_person(person, client):
    token, _ = issue_identity_token(person)
    body = {"items": [{"id": "1", "permission": {"name": "admin.users.manage"}}]}
    answer = client.post(
        "/api/permission/authorize", body, "application/json", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 200
    assert answer.json()["items"][0]["result"] == "DENY"
    assert caller_by_identity_token(token).ref == "user:default/ada"


@pytest.mark.parametrize(
    "forge",
    [
        lambda u: signed({"exp": int(time.time()) - 60, "cb_uid": u.pk, "cb_epoch": 0}),
        lambda u: signed({"aud": "someone-else", "cb_uid": u.pk, "cb_epoch": 0}),
        lambda u: signed({"iss": "https://evil.example", "cb_uid": u.pk, "cb_epoch": 0}),
        lambda u: signed({"exp": None, "cb_uid": u.pk, "cb_epoch": 0}),
        lambda u: signed({"cb_uid": u.pk, "cb_epoch": 0}, typ="JWT"),
        lambda u: signed({"cb_uid": u.pk, "cb_epoch": 0}, key=ec.generate_private_key(ec.SECP256R1())),
        lambda u: signed({"cb_uid": u.pk, "cb_epoch": 0}, kid="made-up"),
        lambda u: signed({"cb_uid": u.pk, "cb_epoch": 7}),
        lambda u: signed({"cb_uid": u.pk, "cb_epoch": 0, "sub": "user:default/somebody-else"}),
        lambda u: signed({}),
    ],
    ids=[
        "expired",
        "audience",
        "issuer",
        "endless",
        "type",
        "forged",
        "unknown-key",
        "ended",
        "other-person",
        "nobody",
    ],
)
def test_a_token_that_is_wrong_in_one_point_opens_nothing(person, client, forge):
    answer = client.post(
        "/api/permission/authorize",
        {"items": []},
        "application/json",
        headers={"Authorization": f"Bearer {forge(person)}"},
    )
    assert answer.status_code == 401


def _b64(data):
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


def test_alg_none_and_a_public_key_used_as_a_shared_secret_open_nothing(person):
    kid, key = signing.signing_key()
    claims = {
        "iss": issuer(),
        "sub": "user:default/ada",
        "aud": "backstage",
        "iat": 1,
        "exp": 9_999_999_999,
        "cb_uid": person.pk,
        "cb_epoch": 0,
    }
    head = {"alg": "none", "kid": kid, "typ": "vnd.backstage.user"}
    with pytest.raises(IdentityTokenError):
        caller_by_identity_token(f"{_b64(head)}.{_b64(claims)}.")
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    start = f"{_b64({'alg': 'HS256', 'kid': kid, 'typ': 'vnd.backstage.user'})}.{_b64(claims)}"
    seal = base64.urlsafe_b64encode(hmac.digest(public, start.encode(), "sha256")).rstrip(b"=").decode()
    confused = f"{start}.{seal}"
    with pytest.raises(IdentityTokenError):
        caller_by_identity_token(confused)


def test_switching_the_account_off_or_ending_its_sessions_ends_its_tokens(person):
    token, _ = issue_identity_token(person)
    services.end_sessions(person)
    with pytest.raises(IdentityTokenError, match="ended"):
        caller_by_identity_token(token)
    token, _ = issue_identity_token(person)
    assert caller_by_identity_token(token)
    services.set_active(person, False)
    with pytest.raises(IdentityTokenError, match="switched off"):
        caller_by_identity_token(token)


def test_after_a_rotation_the_new_key_signs_and_the_old_one_still_verifies(person):
    old, _ = issue_identity_token(person)
    kid = signing.rotate_signing_key()
    new, _ = issue_identity_token(person)
    assert jwt.get_unverified_header(new)["kid"] == kid
    assert caller_by_identity_token(old).ref == caller_by_identity_token(new).ref
    assert {jwk["kid"] for jwk in signing.published_keys()} >= {kid, jwt.get_unverified_header(old)["kid"]}
    assert all("d" not in jwk for jwk in signing.published_keys())


def test_the_private_key_is_sealed_in_the_database(person):
    issue_identity_token(person)
    assert all(row.private.startswith("v1:") and "PRIVATE" not in row.private for row in SigningKey.objects.all())
