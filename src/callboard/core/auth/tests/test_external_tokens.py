"""Tokens that others issue: fixed texts, shared secrets and JWTs of an issuer on loopback."""

import base64
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import RSAAlgorithm
from pydantic import ValidationError

from callboard.core.auth import external_tokens
from callboard.core.config.current import portal_config
from callboard.core.config.schema import AuthSettings, ExternalAccess

pytestmark = pytest.mark.django_db
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SECRET = base64.b64encode(b"a shared secret of very many letters").decode()


@pytest.fixture
def accept(monkeypatch):
    """Accept tokens as a configuration says."""
    external_tokens.forget_external_keys()

    def use(*entries):
        monkeypatch.setattr(portal_config().auth, "external_access", [ExternalAccess(**entry) for entry in entries])

    yield use
    external_tokens.forget_external_keys()


@contextmanager
def issuer_on_loopback():
    asked = []

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            jwk = json.loads(RSAAlgorithm.to_jwk(KEY.public_key())) | {"kid": "one", "alg": "RS256"}
            body = json.dumps({"keys": [{"kty": "odd", "kid": "x"}, jwk]}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Keys)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/jwks", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(client, token, path="/api/permission/authorize", name="catalog.entity.read"):
    body = {"items": [{"id": "1", "permission": {"name": name}}]}
    return client.post(path, body, "application/json", headers={"Authorization": f"Bearer {token}"})


def test_a_static_token_is_its_subject_and_nothing_else_is(accept, client):
    accept({"type": "static", "options": {"token": "a-static-token-1", "subject": "my-ci"}})
    assert ask(client, "a-static-token-1").json()["items"][0]["result"] == "ALLOW"
    assert ask(client, "a-static-token-1", name="admin.users.manage").json()["items"][0]["result"] == "DENY"
    assert external_tokens.caller_by_external_token("a-static-token-1").ref == "external:my-ci"
    assert ask(client, "a-static-token-2").status_code == 401


def test_access_restrictions_hold_for_permissions_and_for_apis(accept, client):
    limits = [{"plugin": "catalog", "permission_attribute": {"action": ["read"]}}]
    accept({"type": "static", "options": {"token": "restricted-1", "subject": "reader"}, "access_restrictions": limits})
    assert ask(client, "restricted-1").json()["items"][0]["result"] == "ALLOW"
    denied = ask(client, "restricted-1", name="catalog.location.create").json()["items"][0]
    assert denied["result"] == "DENY"
    assert "access restrictions" in denied["reason"]
    headers = {"Authorization": "Bearer restricted-1"}
    assert client.get("/api/catalog/entities", headers=headers).status_code == 200
    assert client.get("/api/no-such-plugin/x", headers=headers).status_code == 403


def test_a_legacy_token_is_signed_with_the_shared_secret(accept, client):
    accept({"type": "legacy", "options": {"secret": SECRET, "subject": "legacy-script"}})
    good = {"sub": "backstage-server", "exp": int(time.time()) + 60}
    key = base64.b64decode(SECRET)
    assert ask(client, jwt.encode(good, key, "HS256")).status_code == 200
    assert ask(client, jwt.encode(good, b"another secret, also very long..", "HS256")).status_code == 401
    assert ask(client, jwt.encode(good | {"exp": 1}, key, "HS256")).status_code == 401
    assert ask(client, jwt.encode({"sub": "backstage-server"}, key, "HS256")).status_code == 401


def test_a_token_of_a_known_issuer_is_checked_in_every_point(accept, client):
    now = int(time.time())
    good = {"iss": "https://ci.example", "aud": "portal", "sub": "job-7", "exp": now + 60}
    with issuer_on_loopback() as (url, asked):
        accept(
            {
                "type": "jwks",
                "options": {
                    "url": url,
                    "issuer": ["https://ci.example"],
                    "audience": ["portal"],
                    "algorithm": ["RS256"],
                    "subject_prefix": "ci",
                },
            }
        )

        def token(changes=None, *, key=KEY, kid="one", algorithm="RS256"):
            return jwt.encode(good | (changes or {}), key, algorithm, {"kid": kid})

        assert ask(client, token()).status_code == 200
        assert external_tokens.caller_by_external_token(token()).ref == "external:ci:job-7"
        assert ask(client, token({"exp": now - 60})).status_code == 401
        assert ask(client, token({"aud": "other"})).status_code == 401
        assert ask(client, token({"iss": "https://evil.example"})).status_code == 401
        assert ask(client, token(key=rsa.generate_private_key(public_exponent=65537, key_size=2048))).status_code == 401
        assert ask(client, token(key=ec.generate_private_key(ec.SECP256R1()), algorithm="ES256")).status_code == 401
        for number in range(5):
            assert ask(client, token(kid=f"made-up-{number}")).status_code == 401
        assert len(asked) == 1, "unknown key ids must not make the portal fetch keys again and again"


def test_an_issuer_that_is_down_refuses_and_says_so(accept, client):
    accept({"type": "jwks", "options": {"url": "http://127.0.0.1:9/jwks", "issuer": ["https://ci.example"]}})
    answer = ask(
        client,
        jwt.encode({"iss": "https://ci.example", "sub": "x", "exp": 9_999_999_999}, KEY, "RS256", {"kid": "one"}),
    )
    assert answer.status_code == 401
    assert "cannot be fetched" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "static", "options": {"token": "short", "subject": "x"}},
        {"type": "static", "options": {"token": "with a space in it", "subject": "x"}},
        {"type": "static", "options": {"token": "long-enough"}},
        {"type": "legacy", "options": {"secret": "tiny", "subject": "x"}},
        {"type": "jwks", "options": {"issuer": ["x"]}},
        {"type": "jwks", "options": {"url": "https://x", "algorithm": ["none"]}},
        {"type": "jwks", "options": {"url": "https://x", "algorithm": ["HS256"]}},
    ],
)
def test_an_entry_that_could_not_be_safe_is_refused_when_the_portal_starts(entry):
    with pytest.raises(ValidationError):
        ExternalAccess(**entry)


def test_two_equal_static_tokens_are_refused_when_the_portal_starts():
    entry = {"type": "static", "options": {"token": "the-same-token", "subject": "x"}}
    with pytest.raises(ValidationError, match="same static token"):
        AuthSettings(external_access=[entry, entry])
