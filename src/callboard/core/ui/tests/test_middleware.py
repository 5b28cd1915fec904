from __future__ import annotations

import json
import re

import pytest
from django.db import OperationalError
from django.http import HttpResponse, JsonResponse
from django.test import RequestFactory

from callboard.core.auth.http_errors import ConflictError
from callboard.core.ui import errors
from callboard.core.ui.middleware import ErrorBoundary, SecurityHeaders


def asked(path="/x", **headers):
    return RequestFactory().get(path, headers=headers)


def failing(error):
    def view(_request):
        raise error

    return ErrorBoundary(view)


def test_pages_may_run_and_load_only_what_the_portal_serves():
    answer = SecurityHeaders(lambda _request: HttpResponse("<p>"))(asked())
    policy = dict(part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["object-src"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]


def test_a_view_that_set_its_own_policy_keeps_it():
    def view(_request):
        return HttpResponse(headers={"Content-Security-Policy": "sandbox"})

    assert SecurityHeaders(view)(asked())["Content-Security-Policy"] == "sandbox"


def test_html_is_kept_by_the_browser_alone_and_told_apart_by_who_asks():
    answer = SecurityHeaders(lambda _request: HttpResponse("<p>"))(asked())
    assert answer["Cache-Control"] == "private, no-cache"
    assert {"HX-Request", "Cookie"} <= set(answer["Vary"].split(", "))
    assert "Cache-Control" not in SecurityHeaders(lambda _request: JsonResponse({}))(asked())


def test_every_answer_carries_the_id_of_its_request():
    seen = []
    answer = ErrorBoundary(lambda request: seen.append(request.headers["X-Request-Id"]) or HttpResponse())(asked())
    assert re.fullmatch(r"[0-9a-f]{32}", answer["X-Request-Id"])
    assert seen == [answer["X-Request-Id"]]


def test_an_id_of_the_proxy_is_kept_if_it_is_harmless():
    ok = ErrorBoundary(lambda _request: HttpResponse())
    assert ok(asked(**{"X-Request-Id": "edge-1:2"}))["X-Request-Id"] == "edge-1:2"
    assert "<" not in ok(asked(**{"X-Request-Id": "<b>"}))["X-Request-Id"]


def test_a_database_that_is_down_answers_503_with_a_page_that_needs_none():
    answer = failing(OperationalError("connection refused"))(asked())
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert b"Its database does not answer" in answer.content
    assert b"connection refused" not in answer.content


def test_a_program_hears_of_the_database_in_its_own_words():
    answer = failing(OperationalError("connection refused"))(asked("/api/catalog/entities"))
    assert answer.status_code == 503
    assert json.loads(answer.content)["error"]["name"] == "ServiceUnavailableError"


def test_a_fault_says_its_number_and_nothing_else():
    answer = failing(RuntimeError("password=hunter2"))(asked(**{"X-Request-Id": "n-1"}))
    assert answer.status_code == 500
    assert b"n-1" in answer.content
    assert b"hunter2" not in answer.content
    body = json.loads(failing(RuntimeError("hunter2"))(asked("/api/x", **{"X-Request-Id": "n-2"})).content)
    assert body["error"] == {
        "name": "Error",
        "message": "Something went wrong in the portal; its log says more under request n-2",
    }


def test_a_named_error_keeps_its_status():
    answer = failing(ConflictError("There is one already", code="taken"))(asked("/api/x"))
    assert answer.status_code == 409
    assert json.loads(answer.content)["error"] == {
        "name": "ConflictError",
        "message": "There is one already",
        "code": "taken",
    }


def test_what_was_raised_in_debug_is_shown(settings):
    settings.DEBUG = True
    assert b"RuntimeError: look here" in failing(RuntimeError("look here"))(asked()).content


@pytest.mark.parametrize(("path", "kind"), [("/x", "text/html"), ("/api/x", "application/json")])
def test_the_handlers_of_addresses_answer_in_kind(path, kind):
    for handler, status in ((errors.bad_request, 400), (errors.permission_denied, 403), (errors.page_not_found, 404)):
        answer = handler(asked(path), Exception("why"))
        assert answer.status_code == status
        assert answer["Content-Type"].startswith(kind)


def test_an_error_page_is_drawn_even_without_assets(monkeypatch, tmp_path):
    monkeypatch.setattr("callboard.core.ui.assets.MANIFEST", tmp_path / "manifest.json")
    answer = failing(RuntimeError("x"))(asked(**{"X-Request-Id": "n-3"}))
    assert answer.status_code == 500
    assert b"<h1>Something went wrong</h1>" in answer.content
    assert b"n-3" in answer.content
