"""Actions on source hosts, against servers that speak each product's protocol."""

from contextlib import contextmanager

import pytest

from callboard.plugins.hosts.public import client_for, forget_hosts
from callboard.plugins.scaffolder.models import Receipt
from callboard.plugins.scaffolder.services import tasks as changing
from callboard.plugins.scaffolder.tests.stage import ANN, log, publish, run, states, template, work
from callboard.plugins.scaffolder.types.repo_url import RepoUrl
from callboard.sdk.auth import act_as
from callboard.sdk.config import portal_config
from tests.servers.hosts import running_host

pytestmark = pytest.mark.django_db
PUBLISH = {
    "github": "publish:github", "gitlab": "publish:gitlab", "bitbucket": "publish:bitbucketCloud",
    "bitbucket-server": "publish:bitbucketServer", "azure": "publish:azure", "gitea": "publish:gitea",
}  # fmt: skip
REQUEST = {
    "github": "publish:github:pull-request", "gitlab": "publish:gitlab:merge-request", "azure": "publish:azure:pull-request",
    "bitbucket": "publish:bitbucketCloud:pull-request", "bitbucket-server": "publish:bitbucketServer:pull-request",
    "gitea": "publish:gitea:pull-request",
}  # fmt: skip
FILES = {"skeleton/README.md": "# ${{ values.n }}\n", "skeleton/src/main.py": "print('${{ values.n }}')\n"}
FETCH = {"action": "fetch:template", "input": {"url": "./skeleton", "values": {"n": "shop"}}}


@contextmanager
def connected(host):
    rooms = portal_config().rooms
    before = rooms["hosts"]
    rooms["hosts"] = type(before).model_validate({"connections": {"test": host.connection}})
    forget_hosts()
    try:
        yield
    finally:
        rooms["hosts"] = before
        forget_hosts()


@pytest.fixture(params=list(PUBLISH))
def host(request, tmp_path):
    with running_host(request.param, tmp_path / "forge") as running, connected(running):
        yield running


@pytest.fixture
def github(tmp_path):
    with running_host("github", tmp_path / "forge") as running, connected(running):
        yield running


def repo_url(host, name):
    netloc = host.url.split("://")[1].split("/")[0]
    where = {
        "azure": {"organization": "acme", "project": "shop"}, "bitbucket": {"workspace": "acme"},
        "bitbucket-server": {"project": "ACME"},
    }.get(host.product, {"owner": "acme"})  # fmt: skip
    return str(RepoUrl(netloc, repo=name, **where))


def test_a_repository_is_made_and_filled(host, tmp_path):
    given = {"repoUrl": repo_url(host, "novel"), "description": "Sells things"}
    ref = publish(
        tmp_path, template(steps=[FETCH, {"id": "p", "action": PUBLISH[host.product], "input": given}]), FILES
    )
    task = run(ref)
    assert task.status == "completed", log(task)
    with client_for("test") as client:
        assert client.read(host.name("novel"), "README.md").text == "# shop\n"
        assert client.read(host.name("novel"), "src/main.py").text == "print('shop')\n"
    receipt = Receipt.objects.get(task=task)
    assert (receipt.kind, receipt.complete) == ("repository", True)
    again = run(ref)
    assert again.status == "failed"
    assert "exists already" in again.error
    assert not Receipt.objects.filter(task=again).exists()


def test_a_change_is_asked_for(host, tmp_path):
    host.forge.repo(host.name("basket"), {"docs/index.md": "# Old\n"})
    given = {
        "repoUrl": repo_url(host, "basket"),
        "title": "Add a readme",
        "description": "Please",
        "branchName": "add-readme",
    }
    if "bitbucket" in host.product:
        given["sourceBranch"] = given.pop("branchName")
    step = {"id": "pr", "action": REQUEST[host.product], "input": given}
    ref = publish(tmp_path, template(steps=[FETCH, step], output={"url": "${{ steps.pr.output.remoteUrl }}"}), FILES)
    task = run(ref)
    assert task.status == "completed", log(task)
    assert task.output["url"].startswith("http")
    with client_for("test") as client:
        found = client.find_pull_request(host.name("basket"), "add-readme")
        assert found is not None
        assert found.title == "Add a readme"
        assert client.read(host.name("basket"), "README.md", "add-readme").text == "# shop\n"
    again = run(ref)
    assert again.status == "completed", log(again)
    assert "asked for already" in log(again)


@pytest.mark.parametrize("path", ["/git/", "/topics"])
def test_a_publish_that_fails_half_way_says_so_and_a_retry_goes_on(github, tmp_path, path):
    given = {"repoUrl": repo_url(github, "novel"), "topics": ["fine"]}
    ref = publish(tmp_path, template(steps=[FETCH, {"id": "p", "action": "publish:github", "input": given}]), FILES)
    github.forge.fail(path, 500, times=3)
    task = run(ref)
    assert task.status == "failed", log(task)
    assert "exists on the host, but is only half made" in task.error
    receipt = Receipt.objects.get(task=task)
    assert not receipt.complete
    github.forge.failures.clear()
    with act_as(ANN, "api"):
        changing.retry_task(task.pk)
    work()
    task.refresh_from_db()
    assert task.status == "completed", log(task)
    receipt.refresh_from_db()
    assert receipt.complete
    assert Receipt.objects.filter(task=task).count() == 1
    with client_for("test") as client:
        assert client.read("acme/novel", "README.md").text == "# shop\n"


def test_a_dry_run_asks_the_host_for_nothing(github, tmp_path):
    steps = [FETCH, {"id": "p", "action": "publish:github", "input": {"repoUrl": repo_url(github, "novel")}}]
    task = run(publish(tmp_path, template(steps=steps), FILES), dry_run=True)
    assert task.status == "completed", log(task)
    assert "Would create acme/novel" in log(task)
    assert not Receipt.objects.exists()


def test_a_host_that_is_not_connected_or_of_another_kind_says_so(github, tmp_path):
    for name, url, words in (
        ("one", "elsewhere.example?owner=a&repo=b", "is not connected to this portal"),
        ("two", repo_url(github, "x"), "which this action is not for"),
        ("three", "nonsense", "names no repository"),
    ):
        ref = publish(tmp_path, template(name, steps=[{"action": "publish:gitlab", "input": {"repoUrl": url}}]))
        assert words in run(ref).error


def test_single_things_on_github(github, tmp_path):
    github.forge.repo("acme/basket", {"a.txt": "a", ".github/workflows/ci.yml": "on: workflow_dispatch\n"})
    url = {"repoUrl": repo_url(github, "basket")}
    steps = [
        {
            "id": "protect",
            "action": "github:branch-protection:create",
            "input": {**url, "requiredApprovingReviewCount": 2},
        },
        {
            "id": "hook",
            "action": "github:webhook",
            "input": {**url, "webhookUrl": "https://hooks.example.com/x", "webhookSecret": "s3cr3t-value"},
        },
        {"id": "issue", "action": "github:issues:create", "input": {**url, "title": "Look at this", "labels": ["bug"]}},
        {
            "id": "env",
            "action": "github:environment:create",
            "input": {**url, "name": "staging"},
        },
        {
            "id": "run",
            "action": "github:actions:dispatch",
            "input": {**url, "workflowId": "ci.yml", "branchOrTagName": "main"},
        },
        {
            "id": "odd",
            "action": "github:webhook",
            "input": {**url, "webhookUrl": "https://hooks.example.com/x", "insecureSsl": True},
        },
    ]
    task = run(publish(tmp_path, template(steps=steps)))
    assert task.status == "completed", f"{states(task)} {log(task)}"
    with client_for("test") as client:
        assert [hook.url for hook in client.hooks("acme/basket")] == ["https://hooks.example.com/x"]
    assert "The input insecureSsl has no effect here" in log(task)
