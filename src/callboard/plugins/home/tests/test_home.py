"""The first page, for everybody who may open it."""

import pytest

from callboard.sdk.auth import create_user, forget_people
from callboard.sdk.config import portal_config
from callboard.sdk.contributions import Widget
from callboard.sdk.plugins import registry

pytestmark = pytest.mark.django_db


def sign_in(client, username="ann", **more):
    forget_people()
    registry.forget_state()
    client.force_login(create_user(username, **more), backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_nobody_is_asked_to_sign_in(client):
    assert client.get("/")["Location"].startswith("/sign-in")


def test_an_empty_catalog_shows_three_ways_to_begin(client):
    page = sign_in(client, "root", administrator=True).get("/").content.decode()
    assert "The catalog is empty" in page
    assert "callboard catalog import ." in page
    assert "Load the demo" in page


def test_only_administrators_load_the_demo(client):
    assert sign_in(client).post("/home/demo").status_code == 403
    assert "Load the demo" not in client.get("/").content.decode()


def test_a_greeting_uses_the_first_name(client):
    page = sign_in(client, "ada", name="Ada Lovelace").get("/").content.decode()
    assert ", Ada</h1>" in page


def test_a_guest_reads_and_is_offered_nothing_to_change(client):
    config = portal_config()
    before, config.demo = config.demo, True
    try:
        forget_people()
        session = client.session
        session["callboard_guest"] = True
        session.save()
        page = client.get("/").content.decode()
    finally:
        config.demo = before
    assert '<h1 class="cb-title">Welcome</h1>' in page
    assert "Starred" not in page
    assert "/catalog/register" not in page.split('id="page"')[1]


def test_a_widget_that_fails_takes_down_itself_alone(client):
    def fail(_request):
        raise RuntimeError("secret detail")

    good = Widget(id="home.good", title="Good", render=lambda _request: "<p>all is well</p>")
    bad = Widget(id="home.bad", title="Bad", render=fail)
    empty = Widget(id="home.none", title="Silent", render=lambda _request: "")
    point = registry._by_type.setdefault(Widget, [])
    before = list(point)
    point[:] = [("home", good), ("home", bad), ("home", empty)]
    try:
        from callboard.plugins.home.selectors import widgets

        found = widgets(None)
    finally:
        point[:] = before
    assert [(w.title, w.failed) for w in found] == [("Good", False), ("Bad", True)]
