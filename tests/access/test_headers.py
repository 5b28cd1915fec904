"""What browsers are told with every answer: on every page and every operation, whoever asks."""

import re

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from callboard.sdk import auth
from tests.access.operations import operations

pytestmark = pytest.mark.django_db
SAMPLES = {"int": "1", "uuid": "00000000-0000-0000-0000-000000000000", "path": "a/b"}
WANTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
}
SLOW = {"/api/scaffolder/v2/tasks/x/eventstream"}


def routes():
    """Every address there is, with something in the place of its parameters."""

    def walk(patterns, prefix):
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, prefix + str(pattern.pattern))
            elif isinstance(pattern, URLPattern):
                yield prefix + str(pattern.pattern)

    found = {
        re.sub(r"<(?:(\w+):)?\w+>", lambda m: SAMPLES.get(m[1] or "str", "x"), p)
        for p in walk(get_resolver().url_patterns, "/")
    }
    return sorted(found - SLOW)


def wrong_headers(answer):
    problems = [
        f"{name}: {answer.headers.get(name)}" for name, value in WANTED.items() if answer.headers.get(name) != value
    ]
    policy = answer.headers.get("Content-Security-Policy", "")
    parts = dict(part.strip().partition(" ")[::2] for part in policy.split(";") if part.strip())
    sandboxed = "sandbox" in parts
    if not policy or "unsafe-eval" in policy:
        problems.append(f"Content-Security-Policy: {policy}")
    for name in ("script-src", "default-src"):
        value = parts.get(name, parts.get("default-src", ""))
        if "'unsafe-inline'" in value or ("*" in value.split() and not sandboxed):
            problems.append(f"{name}: {value}")
    if "camera=()" not in answer.headers.get("Permissions-Policy", ""):
        problems.append("Permissions-Policy")
    return problems


def test_every_address_sends_every_security_header():
    root = auth.create_user("root", password="correct horse battery", administrator=True)
    browsers = {"nobody": Client(raise_request_exception=False), "administrator": Client(raise_request_exception=False)}
    browsers["administrator"].force_login(root, backend="django.contrib.auth.backends.ModelBackend")
    wrong = []
    for path in [*routes(), "/there-is-no-such-page", "/api/there-is-no-such-api", "/static/there-is-no-such-file.js"]:
        for who, browser in browsers.items():
            answer = browser.get(path)
            if problems := wrong_headers(answer):
                wrong.append(f"{path} ({who}, {answer.status_code}): {', '.join(problems)}")
    assert wrong == [], "\n".join(wrong)


def test_changing_operations_send_them_too():
    browser = Client(raise_request_exception=False)
    wrong = {
        o.name: p
        for o in operations()
        if o.method != "get"
        if (p := wrong_headers(browser.generic(o.method.upper(), o.path)))
    }
    assert wrong == {}


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites():
    auth.create_user("ada", password="correct horse battery")
    browser = Client()
    browser.get("/sign-in")
    browser.post("/sign-in", {"login": "ada", "password": "correct horse battery"})
    session = browser.cookies["callboard_session"]
    assert session["httponly"]
    assert session["samesite"] == browser.cookies["callboard_csrf"]["samesite"] == "Lax"


def test_over_https_cookies_and_addresses_stay_there(tmp_path):
    import subprocess
    import sys

    code = (
        "import os\n"
        "os.environ.update(CALLBOARD_SERVER__BASE_URL='https://portal.example.com', DJANGO_SETTINGS_MODULE='callboard.project.settings')\n"
        "from callboard.project import testing; testing.database_url()\n"
        "from django.conf import settings as s\n"
        "print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_HSTS_SECONDS, s.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["True", "True", "31536000", "False"]


def test_a_body_that_is_too_big_is_refused():
    browser = Client(raise_request_exception=False)
    answer = browser.post("/sign-in", b"x" * 20_000_001, "application/x-www-form-urlencoded")
    assert answer.status_code in {400, 413}
    registration = browser.post("/api/auth/v1/register", b'{"a": "' + b"x" * 200_000 + b'"}', "application/json")
    assert registration.status_code == 413


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "https:evil.example"])
@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/guest"])
def test_signing_in_leads_to_no_other_site(path, target, settings):
    auth.create_user("ada", password="correct horse battery")
    answer = Client().post(path, {"login": "ada", "password": "correct horse battery", "next": target})
    assert "evil.example" not in answer.headers.get("Location", "")


def test_a_session_that_somebody_planted_is_not_the_one_after_the_sign_in():
    auth.create_user("ada", password="correct horse battery")
    browser = Client()
    browser.get("/sign-in")
    session = browser.session
    session["planted"] = True
    session.save()
    browser.cookies["callboard_session"] = session.session_key
    browser.post("/sign-in", {"login": "ada", "password": "correct horse battery"})
    assert browser.cookies["callboard_session"].value != session.session_key
    assert Client(headers={"Cookie": f"callboard_session={session.session_key}"}).get("/settings").status_code == 302


def test_passwords_are_hashed_with_argon2():
    assert auth.create_user("ada", password="correct horse battery").password.startswith("argon2$argon2id$")


def test_a_person_cannot_make_themselves_more_than_they_are(settings):
    """Mass assignment: fields that a form does not have are left aside, whatever is posted."""
    person = auth.create_user("ada", password="correct horse battery")
    browser = Client()
    browser.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    more = {
        "is_superuser": "on",
        "is_staff": "on",
        "entity_ref": "user:default/root",
        "username": "root",
        "is_active": "on",
    }
    for path in ("/settings", "/settings/appearance", "/settings/account", "/settings/tokens"):
        browser.post(path, {"name": "Ada", "theme": "dark", "scopes": ["admin"], "expires_days": "7", **more})
    person.refresh_from_db()
    assert (person.is_superuser, person.is_staff, person.entity_ref, person.username) == (False, False, "", "ada")
    assert not person.api_tokens.filter(scopes__contains=["admin"]).exists()
