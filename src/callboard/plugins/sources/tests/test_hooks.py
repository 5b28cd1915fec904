"""Webhooks: signed or refused, taken once, and what they say is read again and nothing else."""

import base64
import hashlib
import hmac
import json

import pytest
from django.test import Client

from callboard.plugins.sources.models import HookDelivery
from callboard.plugins.sources.services.keeping import renew_hook_secret
from callboard.plugins.sources.tests.conftest import made, refs, run_source, service, table
from callboard.plugins.sources.types.hooks import read_hook
from callboard.sdk.jobs import Run
from tests.servers.hosts import running_host

pytestmark = pytest.mark.django_db

SECRET = "h00k"


def signature(body, secret=SECRET):
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def push(host, *paths, name="basket", branch="main", default="main"):
    return {
        "ref": f"refs/heads/{branch}",
        "repository": {
            "full_name": f"acme/{name}",
            "html_url": f"{host.url}/acme/{name}",
            "clone_url": f"{host.url}/acme/{name}.git",
            "default_branch": default,
        },
        "commits": [{"added": [], "modified": list(paths), "removed": []}],
    }


def send(payload, event="push", delivery="1", topic="gh", secret=SECRET, path="", **headers):
    body = json.dumps(payload).encode()
    sent = {
        "HTTP_X_GITHUB_EVENT": event,
        "HTTP_X_GITHUB_DELIVERY": delivery,
        "HTTP_X_HUB_SIGNATURE_256": f"sha256={signature(body, secret)}",
        **headers,
    }
    return Client().post(path or f"/api/events/http/{topic}", body, "application/json", **sent)


def started():
    """What runs were asked for: the repositories of each."""
    return [run.arguments.get("only") for run in Run.objects.filter(job="sources.run").order_by("queued_at")]


def unread():
    """Targets that are due to be read."""
    return set(table("Source").objects.filter(due_at__isnull=False, type="url").values_list("target", flat=True))


@pytest.fixture
def known(github):
    """A source that has run; nothing of it is due."""
    made("it", "github", connection="gh")
    run_source("it")
    table("Source").objects.update(due_at=None)
    return github


def test_a_push_reads_what_changed_and_nothing_else(known):
    answer = send(push(known, "catalog-info.yaml"))
    assert answer.status_code == 202
    assert answer.json() == {"outcome": "started", "sources": ["it"], "locations": 1}
    assert started() == [["acme/basket"]]
    assert unread() == {f"{known.url}/acme/basket/blob/main/catalog-info.yaml"}


def test_a_push_of_other_files_reads_nothing(known):
    assert send(push(known, "src/main.py")).json()["outcome"] == "nothing-to-do"
    assert started() == []
    assert unread() == set()


def test_a_push_to_another_branch_reads_nothing(known):
    assert send(push(known, "catalog-info.yaml", branch="feature")).json()["outcome"] == "nothing-to-do"
    assert started() == []


def test_a_run_after_a_push_looks_at_that_repository_alone(known):
    known.forge.repos["acme/basket"].write({"catalog-info.yaml": service("purse")})
    asked = len(known.forge.requests)
    run_source("it", trigger="webhook", only=["acme/basket"])
    assert refs() == {"component:default/purse", "component:default/till"}
    assert not any("/till" in line for line in known.forge.requests[asked:])


def test_a_deleted_repository_takes_its_entities_along(known):
    del known.forge.repos["acme/basket"]
    send({"action": "deleted", "repository": {"full_name": "acme/basket"}}, "repository")
    assert started() == [["acme/basket"]]
    run_source("it", trigger="webhook", only=["acme/basket"])
    assert refs() == {"component:default/till"}


def test_a_renamed_repository_names_both(known):
    payload = {
        "action": "renamed",
        "repository": {"full_name": "acme/purse"},
        "changes": {"repository": {"name": {"from": "basket"}}},
    }
    send(payload, "repository")
    assert started() == [["acme/purse", "acme/basket"]]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"secret": "wrong"}, 401),
        ({"HTTP_X_HUB_SIGNATURE_256": ""}, 401),
        ({"HTTP_X_HUB_SIGNATURE_256": "sha256="}, 401),
        ({"topic": "unknown"}, 401),
        ({"topic": "github"}, 202),
        ({}, 202),
    ],
)
def test_only_who_knows_the_secret_is_heard(known, changed, status):
    answer = send(push(known, "catalog-info.yaml"), **changed)
    assert answer.status_code == status
    assert (started() != []) == (status == 202)


def test_a_connection_without_a_secret_takes_no_webhooks(tmp_path, connect):
    with running_host("github", tmp_path) as host:
        connect("open", **host.connection)
        body = push(host, "catalog-info.yaml")
        assert send(body, topic="open", secret="").status_code == 401


def test_the_same_webhook_counts_once(known):
    assert send(push(known, "catalog-info.yaml")).json()["outcome"] == "started"
    assert send(push(known, "catalog-info.yaml")).json()["outcome"] == "repeated"
    assert len(started()) == 1
    assert HookDelivery.objects.count() == 1
    assert send(push(known, "catalog-info.yaml"), delivery="2").json()["outcome"] == "started"


def test_a_webhook_of_one_source_has_a_secret_of_its_own(known):
    made("other", "github", connection="gh")
    secret = renew_hook_secret("it")
    path = "/api/sources/it/webhook"
    assert send(push(known, "catalog-info.yaml"), path=path, secret="wrong").status_code == 401
    answer = send(push(known, "catalog-info.yaml"), path=path, secret=secret)
    assert answer.json()["sources"] == ["it"]


def test_a_source_without_a_host_is_run_by_whoever_knows_its_secret():
    made("web", "http", url="https://api.example.com/x")
    path = "/api/sources/web/webhook"
    assert Client().post(path, b"{}", "application/json").status_code == 401
    secret = renew_hook_secret("web")
    answer = Client().post(path, b"{}", "application/json", HTTP_X_CALLBOARD_SECRET=secret)
    assert (answer.status_code, answer.json()["sources"]) == (202, ["web"])


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{broken", b'{"repository": 5}', b'{"ref": {}, "repository": {"full_name": {}}}']
)
def test_strange_bodies_do_no_harm(known, body):
    headers = {"HTTP_X_GITHUB_EVENT": "push", "HTTP_X_HUB_SIGNATURE_256": f"sha256={signature(body)}"}
    answer = Client().post("/api/events/http/gh", body, "application/json", **headers)
    assert answer.status_code == 202
    assert started() == []


def sign_for(product, body):
    digest = signature(body)
    return {
        "gitlab": {"HTTP_X_GITLAB_TOKEN": SECRET},
        "gitea": {"HTTP_X_GITEA_SIGNATURE": digest, "HTTP_X_GITEA_EVENT": "push"},
        "bitbucket": {"HTTP_X_HUB_SIGNATURE": f"sha256={digest}", "HTTP_X_EVENT_KEY": "repo:push"},
        "bitbucket-server": {"HTTP_X_HUB_SIGNATURE": f"sha256={digest}", "HTTP_X_EVENT_KEY": "repo:refs_changed"},
        "azure": {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"callboard:{SECRET}".encode()).decode()},
    }[product]


def payload_of(product, host):
    return {
        "gitlab": {
            "object_kind": "push",
            "ref": "refs/heads/main",
            "project": {
                "path_with_namespace": "acme/basket",
                "web_url": f"{host.url}/acme/basket",
                "default_branch": "main",
            },
            "commits": [{"modified": ["catalog-info.yaml"]}],
            "total_commits_count": 1,
        },
        "gitea": push(host, "catalog-info.yaml"),
        "bitbucket": {
            "repository": {"full_name": "acme/basket", "links": {"html": {"href": f"{host.url}/acme/basket"}}},
            "push": {"changes": [{"new": {"type": "branch", "name": "main"}}]},
        },
        "bitbucket-server": {
            "repository": {"slug": "basket", "project": {"key": "ACME"}},
            "changes": [{"ref": {"displayId": "main", "type": "BRANCH"}}],
        },
        "azure": {
            "id": "1",
            "eventType": "git.push",
            "resource": {
                "repository": {"remoteUrl": f"{host.url}/acme/shop/_git/basket", "defaultBranch": "refs/heads/main"},
                "refUpdates": [{"name": "refs/heads/main"}],
            },
        },
    }[product]


@pytest.mark.parametrize("product", ["gitlab", "gitea", "bitbucket", "bitbucket-server", "azure"])
def test_every_product_is_understood_and_checked(product, connect, tmp_path):
    with running_host(product, tmp_path) as host:
        connect("host", **host.connection, webhook_secret=SECRET)
        made("it", product, connection="host", organisations=[host.owner])
        body = json.dumps(payload_of(product, host)).encode()
        headers = sign_for(product, body)
        refused = Client().post(
            "/api/events/http/host", body + b" ", "application/json", **{**headers, **dict.fromkeys(headers, "x")}
        )
        assert refused.status_code == 401
        answer = Client().post("/api/events/http/host", body, "application/json", **headers)
        assert answer.json()["sources"] == ["it"]
        assert started() == [[host.name("basket")]]


@pytest.mark.parametrize(
    ("product", "headers", "payload", "kind", "repository", "before"),
    [
        ("gitlab", {}, {"event_name": "project_destroy", "path_with_namespace": "a/b"}, "repository", "a/b", ""),
        (
            "gitlab",
            {},
            {"event_name": "project_rename", "path_with_namespace": "a/c", "old_path_with_namespace": "a/b"},
            "repository",
            "a/c",
            "a/b",
        ),
        (
            "bitbucket",
            {"x-event-key": "repo:updated"},
            {"repository": {"full_name": "a/c"}, "changes": {"full_name": {"old": "a/b"}}},
            "repository",
            "a/c",
            "a/b",
        ),
        (
            "bitbucket-server",
            {"x-event-key": "repo:modified"},
            {"old": {"slug": "b", "project": {"key": "A"}}, "new": {"slug": "c", "project": {"key": "A"}}},
            "repository",
            "A/c",
            "A/b",
        ),
        (
            "azure",
            {},
            {
                "eventType": "git.repo.renamed",
                "resource": {"oldName": "b", "repository": {"remoteUrl": "https://dev.azure.com/o/p/_git/c"}},
            },
            "repository",
            "o/p/c",
            "o/p/b",
        ),
        ("github", {"x-github-event": "star"}, {}, "other", "", ""),
        (
            "github",
            {"x-github-event": "push"},
            {"ref": "refs/tags/v1", "repository": {"full_name": "a/b"}},
            "other",
            "a/b",
            "",
        ),
        ("gerrit", {}, {}, "other", "", ""),
    ],
)
def test_renames_and_deletions_are_understood(product, headers, payload, kind, repository, before):
    found = read_hook(product, headers, payload)
    assert (found.kind, found.repository, found.before) == (kind, repository, before)


def test_long_pushes_say_nothing_certain_about_paths(github):
    payload = push(github, "a")
    payload["commits"] *= 25
    assert read_hook("github", {"x-github-event": "push"}, payload).paths is None
    payload["commits"] = payload["commits"][:3]
    assert read_hook("github", {"x-github-event": "push"}, payload).paths == frozenset({"a"})
