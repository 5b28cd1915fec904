"""Connections: made, changed, tested and removed; secrets go in and never come out."""

import logging

import pytest
from django.db import connection as database

from callboard.plugins.hosts import selectors
from callboard.plugins.hosts.models import Connection
from callboard.plugins.hosts.public import client_for, host_of, hosts, reading_access, repository_of
from callboard.plugins.hosts.services.connections import (
    ConnectionInvalidError,
    ConnectionMissingError,
    change_connection,
    check_connection,
    create_connection,
    delete_connection,
    try_connection,
)
from callboard.plugins.hosts.settings import HostsSettings
from callboard.plugins.hosts.types.errors import HostError
from callboard.sdk.audit import AuditEntry
from callboard.sdk.auth import OPERATOR, Principal, act_as
from callboard.sdk.config import portal_config
from callboard.sdk.permissions import NotAllowedError
from tests.servers.hosts import running_host

pytestmark = pytest.mark.django_db

SECRET = "s3cr3t-t0ken"
BOB = Principal("user", "user:default/bob", "Bob", ("user:default/bob",))


@pytest.fixture(autouse=True)
def _operator():
    with act_as(OPERATOR, "cli"):
        yield


@pytest.fixture
def configured():
    rooms = portal_config().rooms
    before = rooms["hosts"]

    def configure(**connections):
        rooms["hosts"] = HostsSettings.model_validate({"connections": connections})

    yield configure
    rooms["hosts"] = before


def make(name="github", **values):
    return create_connection(name, {"product": "github", "token": SECRET, **values})


def test_a_connection_gets_the_public_address_of_its_product():
    make()
    assert [(one.name, one.url, one.has_credentials) for one in hosts()] == [("github", "https://github.com", True)]


def test_secrets_are_sealed_in_the_database_and_shown_nowhere(caplog):
    caplog.set_level(logging.DEBUG)
    row = make(webhook_secret="h00k")
    with database.cursor() as cursor:
        cursor.execute("SELECT row_to_json(c)::text FROM cb_hosts_connection c")
        stored = cursor.fetchone()[0]
    shown = "".join([stored, str(row), repr(row), repr(hosts()), repr(selectors.access_to("github")), caplog.text])
    shown += "".join(str(entry.details) for entry in AuditEntry.objects.all())
    assert SECRET not in shown
    assert "h00k" not in shown
    assert selectors.access_to("github").token == SECRET
    assert selectors.webhook_secret("github") == "h00k"


def test_secrets_of_another_connection_cannot_be_opened_here():
    make()
    other = make("other", url="https://git.evil.example", token="x")
    Connection.objects.filter(pk=other.pk).update(secrets=Connection.objects.get(name="github").secrets)
    selectors.forget()
    assert selectors.access_to("other").token == ""


def test_a_change_keeps_the_secrets_that_are_not_entered_again():
    make(webhook_secret="h00k")
    change_connection("github", {"token": "", "username": "ada"})
    assert (selectors.access_to("github").token, selectors.access_to("github").username) == (SECRET, "ada")
    change_connection("github", {"token": "new", "webhook_secret": None})
    assert (selectors.access_to("github").token, selectors.webhook_secret("github")) == ("new", "")


def test_who_changes_the_address_has_to_know_the_secret():
    make()
    with pytest.raises(ConnectionInvalidError) as error:
        change_connection("github", {"url": "https://evil.example"})
    assert "token" in error.value.errors
    change_connection("github", {"url": "https://github.corp.example", "token": "other"})
    assert selectors.access_to("github").token == "other"


@pytest.mark.parametrize(
    ("name", "values", "field"),
    [
        ("Git Hub", {}, "name"),
        ("github2", {"url": "ftp://x"}, "url"),
        ("github2", {"url": "https://u:p@github.com"}, "url"),
        ("github2", {"product": "gerrit"}, "url"),
        ("github2", {"product": "sourceforge"}, "product"),
        ("github2", {"app_id": "1", "app_key": ""}, "app_key"),
        ("github", {}, "name"),
    ],
)
def test_values_that_make_no_connection_are_refused_by_field(name, values, field):
    make()
    with pytest.raises(ConnectionInvalidError) as error:
        create_connection(name, {"product": "github", **values})
    assert list(error.value.errors) == [field]


def test_only_administrators_manage_connections():
    make()
    with act_as(BOB, "web"):
        for act in (
            lambda: make("two"),
            lambda: change_connection("github", {}),
            lambda: delete_connection("github"),
            lambda: check_connection("github"),
            lambda: try_connection({"product": "github"}),
        ):
            with pytest.raises(NotAllowedError):
                act()


def test_a_connection_is_removed_with_its_secrets():
    make()
    delete_connection("github")
    assert hosts() == []
    with pytest.raises(ConnectionMissingError):
        delete_connection("github")
    with pytest.raises(HostError) as error, client_for("github"):
        pass
    assert error.value.code == "not-connected"


def test_a_test_says_who_signed_in_or_what_is_wrong(tmp_path):
    with running_host("github", tmp_path) as host:
        make(url=host.url, token=host.forge.token, private=True)
        assert check_connection("github").account.login == "ada"
        assert selectors.state_of("github").check.ok
        change_connection("github", {"url": host.url, "private": True, "token": "wrong"})
        found = check_connection("github")
        assert not found.ok
        assert "enter new ones" in found.remedy
        assert not selectors.state_of("github").check.ok


def test_values_are_tried_before_they_are_stored(tmp_path):
    with running_host("github", tmp_path) as host:
        values = {"product": "github", "url": host.url, "private": True}
        assert try_connection({**values, "token": host.forge.token}).ok
        assert not try_connection({**values, "token": "wrong"}).ok
        make(url=host.url, token=host.forge.token, private=True)
        assert try_connection({**values, "token": ""}, "github").ok
    assert Connection.objects.count() == 1


def test_a_stored_secret_is_not_tried_on_another_address(tmp_path):
    with running_host("github", tmp_path) as host:
        make()
        values = {"product": "github", "url": host.url, "private": True}
        assert not try_connection(values, "github").ok
        assert host.forge.requests == ["GET /api/v3/user"]


def test_connections_of_the_configuration_come_first_and_cannot_be_changed(configured):
    configured(main={"product": "github", "token": SECRET})
    assert [(one.name, one.configured) for one in hosts()] == [("main", True)]
    with pytest.raises(ConnectionInvalidError):
        create_connection("main", {"product": "github"})
    with pytest.raises(ConnectionMissingError):
        change_connection("main", {"token": "x"})


@pytest.mark.parametrize(
    ("connection", "url", "name"),
    [
        ({"product": "github"}, "https://github.com/acme/shop/blob/main/catalog-info.yaml", "acme/shop"),
        ({"product": "github"}, "https://github.com/acme/shop.git", "acme/shop"),
        ({"product": "gitlab"}, "https://gitlab.com/acme/team/shop/-/blob/main/a.yaml", "acme/team/shop"),
        ({"product": "gitlab", "url": "https://x.example/git"}, "https://x.example/git/acme/shop", "acme/shop"),
        ({"product": "bitbucket"}, "https://bitbucket.org/acme/shop/src/main/a.yaml", "acme/shop"),
        (
            {"product": "bitbucket-server", "url": "https://b.example"},
            "https://b.example/projects/AC/repos/shop/browse/a",
            "AC/shop",
        ),
        ({"product": "bitbucket-server", "url": "https://b.example"}, "https://b.example/scm/ac/shop.git", "AC/shop"),
        (
            {"product": "azure", "url": "https://dev.azure.com/acme"},
            "https://dev.azure.com/acme/p/_git/shop?path=/a",
            "acme/p/shop",
        ),
        (
            {"product": "gitea", "url": "https://g.example"},
            "https://g.example/acme/shop/src/branch/main/a",
            "acme/shop",
        ),
        ({"product": "gerrit", "url": "https://r.example"}, "https://r.example/a/acme/shop", "acme/shop"),
        ({"product": "github"}, "https://github.com/acme", None),
        ({"product": "github"}, "https://gitlab.com/acme/shop", None),
        ({"product": "github"}, "not an address", None),
    ],
)
def test_an_address_leads_to_its_repository(configured, connection, url, name):
    configured(test=connection)
    found = repository_of(url)
    assert (found[1] if found else None) == name


def test_the_longest_address_counts_where_hosts_share_a_name(configured):
    configured(
        one={"product": "azure", "url": "https://dev.azure.com/acme"},
        two={"product": "azure", "url": "https://dev.azure.com/acme-labs"},
    )
    assert host_of("https://dev.azure.com/acme/p/_git/r").name == "one"
    assert host_of("https://dev.azure.com/acme-labs/p/_git/r").name == "two"
    assert host_of("https://dev.azure.com/initech/p/_git/r") is None


def test_readers_get_what_they_need(configured):
    configured(main={"product": "gitlab", "url": "https://git.corp.example", "token": SECRET, "private": True})
    found = reading_access("https://git.corp.example/acme/shop/-/blob/main/catalog-info.yaml")
    assert (found.host, found.type, found.token, found.private) == ("git.corp.example", "gitlab", SECRET, True)
    assert SECRET not in repr(found)
    assert reading_access("https://elsewhere.example/x") is None
