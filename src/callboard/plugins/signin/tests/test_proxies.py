"""Whom a proxy in front of the portal vouches for: believed from its own address alone, and only while it says so."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.test import Client
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from callboard.plugins.signin.clients import keys
from callboard.plugins.signin.models import Outcome
from callboard.plugins.signin.settings import ProviderSettings
from callboard.sdk.auth import User
from callboard.sdk.config import portal_config

pytestmark = pytest.mark.django_db
EC_KEY, RSA_KEY = (
    ec.generate_private_key(ec.SECP256R1()),
    rsa.generate_private_key(public_exponent=65537, key_size=2048),
)
ARN = "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/portal/1"


@pytest.fixture(scope="module")
def published():
    """A server that publishes the keys of all three kinds of proxy."""
    ec_jwk = json.loads(ECAlgorithm.to_jwk(EC_KEY.public_key())) | {"kid": "e", "alg": "ES256", "use": "sig"}
    rsa_jwk = json.loads(RSAAlgorithm.to_jwk(RSA_KEY.public_key())) | {"kid": "r", "alg": "RS256", "use": "sig"}
    pem = EC_KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self):
            body = pem if self.path == "/pem/e" else json.dumps({"keys": [ec_jwk, rsa_jwk]}).encode()
            self.send_response(404 if self.path.startswith("/pem/") and self.path != "/pem/e" else 200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Keys)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def proxied(monkeypatch, published):
    keys.forget_keys()

    def use(**settings):
        given = ProviderSettings(**{"unknown": "create", **settings})
        monkeypatch.setattr(portal_config().rooms["signin"], "providers", {"front": given})
        monkeypatch.setattr(portal_config().server, "trusted_proxies", ["127.0.0.0/8"])

    return use


def iap(proxied, published):
    proxied(type="iap", audience="/projects/1/apps/2", keys_url=f"{published}/keys")
    return (
        "X-Goog-IAP-JWT-Assertion",
        {"iss": "https://cloud.google.com/iap", "aud": "/projects/1/apps/2"},
        EC_KEY,
        "ES256",
        {"kid": "e"},
    )


def cloudflare(proxied, published):
    issuer = "https://acme.cloudflareaccess.com"
    proxied(type="cloudflare", issuer=issuer, audience="tag", keys_url=f"{published}/keys")
    return "Cf-Access-Jwt-Assertion", {"iss": issuer, "aud": ["tag"]}, RSA_KEY, "RS256", {"kid": "r"}


def alb(proxied, published):
    proxied(
        type="alb", region="eu-west-1", signer=ARN, issuer="https://idp.example", keys_url=f"{published}/pem/{{kid}}"
    )
    return "X-Amzn-Oidc-Data", {"iss": "https://idp.example"}, EC_KEY, "ES256", {"kid": "e", "signer": ARN}


KINDS = pytest.mark.parametrize("kind", [iap, cloudflare, alb], ids=lambda kind: kind.__name__)


def token(parts, changes=None, *, key=None, algorithm=None, headers=None):
    _header, claims, own_key, own_algorithm, own_headers = parts
    now = int(time.time())
    claims = {"sub": "1234", "email": "ada@example.com", "iat": now, "exp": now + 60, **claims, **(changes or {})}
    return jwt.encode(claims, key or own_key, algorithm or own_algorithm, {**own_headers, **(headers or {})})


@KINDS
def test_a_person_is_in_without_any_page_in_between(client, proxied, published, kind):
    parts = kind(proxied, published)
    headers = {parts[0]: token(parts)}
    away = client.get("/catalog", headers=headers)
    assert away["Location"].startswith("/sign-in")
    assert client.get(away["Location"], headers=headers)["Location"] == "/catalog"
    assert client.get("/settings", headers=headers).status_code == 200
    assert User.objects.get().email == "ada@example.com"


@KINDS
@pytest.mark.parametrize(
    "wrong",
    [
        {"changes": {"exp": int(time.time()) - 3600}},
        {"changes": {"iss": "https://evil.example"}},
        {"key": "other"},
        {"headers": {"kid": "made-up"}},
        {"algorithm": "HS256"},
        {"algorithm": "none"},
    ],
    ids=["expired", "issuer", "forged", "unknown-key", "shared-secret", "none"],
)
def test_a_token_that_is_wrong_in_one_point_lets_nobody_in(client, proxied, published, kind, wrong):
    parts = kind(proxied, published)
    made = dict(wrong)
    if made.get("key") == "other":
        made["key"] = (
            ec.generate_private_key(ec.SECP256R1())
            if parts[3] == "ES256"
            else rsa.generate_private_key(public_exponent=65537, key_size=2048)
        )
    if made.get("algorithm") == "HS256":
        made["key"] = "a shared secret that is long enough for it"
    if made.get("algorithm") == "none":
        made["key"] = None
        text = jwt.encode({"sub": "1", "exp": 9_999_999_999, "iat": 1, **parts[1]}, None, "none", parts[4])
    else:
        text = token(parts, **made)
    answer = client.get("/sign-in", headers={parts[0]: text})
    assert answer["Location"] == "/sign-in/refused"
    assert Outcome.objects.get().reason == "proxy"
    assert not User.objects.exists()


@pytest.mark.parametrize("kind", [iap, cloudflare], ids=lambda kind: kind.__name__)
def test_a_token_for_another_audience_lets_nobody_in(client, proxied, published, kind):
    parts = kind(proxied, published)
    assert client.get("/sign-in", headers={parts[0]: token(parts, {"aud": "other"})})["Location"] == "/sign-in/refused"


def test_a_token_of_another_load_balancer_lets_nobody_in(client, proxied, published):
    parts = alb(proxied, published)
    assert (
        client.get("/sign-in", headers={parts[0]: token(parts, headers={"signer": "arn:other"})})["Location"]
        == "/sign-in/refused"
    )


def oauth2_proxy(name):
    return {"X-Auth-Request-User": name, "X-Auth-Request-Email": f"{name}@example.com", "X-Auth-Request-Groups": "a,b"}


def test_headers_from_elsewhere_are_nothing(client, proxied):
    proxied(type="oauth2-proxy")
    assert client.get("/sign-in", headers=oauth2_proxy("ada"), REMOTE_ADDR="10.0.0.7").status_code == 200
    assert not User.objects.exists()
    assert client.get("/sign-in", headers=oauth2_proxy("ada"))["Location"] == "/"
    assert User.objects.get().idp_groups == ["front:a", "front:b"]


def test_the_session_ends_when_the_proxy_names_somebody_else_or_nobody(proxied):
    proxied(type="oauth2-proxy")
    browser = Client()
    browser.get("/sign-in", headers=oauth2_proxy("ada"))
    assert browser.get("/settings", headers=oauth2_proxy("ada")).status_code == 200
    assert browser.get("/settings", headers=oauth2_proxy("eve")).status_code == 302
    assert browser.get("/settings", headers=oauth2_proxy("ada")).status_code == 302, "it is over, not asleep"
    browser.get("/sign-in", headers=oauth2_proxy("ada"))
    assert browser.get("/settings").status_code == 302
    browser.get("/sign-in", headers=oauth2_proxy("ada"))
    assert browser.get("/settings", headers=oauth2_proxy("ada"), REMOTE_ADDR="10.0.0.7").status_code == 302


def test_refresh_works_behind_a_proxy_without_a_session(client, proxied):
    proxied(type="oauth2-proxy")
    headers = {**oauth2_proxy("ada"), "X-Requested-With": "XMLHttpRequest"}
    answer = client.get("/api/auth/front/refresh", headers=headers)
    assert answer.json()["backstageIdentity"]["identity"]["userEntityRef"] == "user:front/ada"
    assert client.get("/api/auth/front/refresh", headers=headers, REMOTE_ADDR="10.0.0.7").status_code == 401


def test_an_administrator_sees_why_a_proxy_does_not_work(admin_client, proxied):
    proxied(type="oauth2-proxy")
    answer = admin_client.get("/admin/sign-in/providers/front/test", REMOTE_ADDR="10.0.0.7")
    page = admin_client.get(answer["Location"]).content.decode()
    assert "10.0.0.7" in page
    assert "server.trusted_proxies" in page
