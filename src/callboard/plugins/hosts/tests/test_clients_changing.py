import pytest

from callboard.plugins.hosts.tests.conftest import only, without
from callboard.plugins.hosts.types.errors import HostError
from callboard.plugins.hosts.types.model import FileChange, Protection, Settings

CHANGES = [
    FileChange("catalog-info.yaml", b"kind: API\n"),
    FileChange("new/binary.bin", bytes(range(256))),
    FileChange("src/main.py", None),
]


def test_changes_become_one_commit_on_a_new_branch(host, client):
    repo = host.forge.repos[host.name("basket")]
    client.commit(
        host.name("basket"), "add-things", "Add things", CHANGES, start="main", author=("Eve", "eve@example.com")
    )
    branch = "changes/1" if host.product == "gerrit" else "add-things"
    files, log = repo.files(branch), repo.log(branch)
    assert files["catalog-info.yaml"] == b"kind: API\n"
    assert files["new/binary.bin"] == bytes(range(256))
    assert "src/main.py" not in files
    assert files["docs/index.md"] == b"# Basket\n"
    assert len(log) == 2
    assert log[0]["subject"] == "Add things"
    if host.product != "gerrit":
        assert (log[0]["name"], log[0]["email"]) == ("Eve", "eve@example.com")
    assert "new/binary.bin" not in repo.files("main")


@without("gerrit")
def test_a_second_commit_goes_on_top_of_the_first(host, client):
    for text in (b"one", b"two"):
        client.commit(host.name("basket"), "work", f"Say {text.decode()}", [FileChange("said.txt", text)], start="main")
    repo = host.forge.repos[host.name("basket")]
    assert repo.files("work")["said.txt"] == b"two"
    assert [one["subject"] for one in repo.log("work")] == ["Say two", "Say one", "first"]


@without("gerrit")
def test_an_empty_repository_begins_with_a_commit(host, client):
    client.commit(host.name("empty"), "main", "Begin", [FileChange("a.txt", b"a"), FileChange("b/c.txt", b"c")])
    assert host.forge.repos[host.name("empty")].files("main") == {"a.txt": b"a", "b/c.txt": b"c"}


def test_a_branch_is_made_once(host, client):
    made = client.create_branch(host.name("basket"), "feature/two", "main")
    assert host.forge.repos[host.name("basket")].branches()["feature/two"] == made.commit
    with pytest.raises(HostError) as error:
        client.create_branch(host.name("basket"), "feature/two", "main")
    assert error.value.code == "conflict"


@without("git")
def test_a_pull_request_is_opened_found_and_followed(host, client):
    name, repo = host.name("basket"), host.forge.repos[host.name("basket")]
    assert client.find_pull_request(name, "add-things") is None
    client.commit(name, "add-things", "Add things", CHANGES, start="main")
    made = client.open_pull_request(name, "add-things", "main", "Add things", "Please look.")
    assert (made.state, made.source, made.target) == ("open", "add-things", "main")
    assert made.url.startswith(host.url)
    assert client.find_pull_request(name, "add-things", "main") == made
    assert client.find_pull_request(name, "add-thing") is None
    repo.pulls[0].state = "merged"
    assert client.pull_request(name, made.number).state == "merged"
    assert client.find_pull_request(name, "add-things") is None
    repo.pulls[0].state = "closed"
    assert client.pull_request(name, made.number).state == "closed"


@without("git", "gerrit")
def test_a_second_pull_request_for_a_branch_is_a_conflict(host, client):
    name = host.name("basket")
    client.commit(name, "add-things", "Add things", CHANGES, start="main")
    client.open_pull_request(name, "add-things", "main", "Add things")
    with pytest.raises(HostError) as error:
        client.open_pull_request(name, "add-things", "main", "Add things")
    assert error.value.code == "conflict"


@only("github", "gitlab", "gitea", "bitbucket-server", "gerrit")
def test_people_are_asked_for_a_review(host, client):
    name = host.name("basket")
    client.commit(name, "add-things", "Add things", CHANGES, start="main")
    client.open_pull_request(name, "add-things", "main", "Add things", reviewers=["bob"])
    assert host.forge.repos[name].pulls[0].reviewers == ["bob"]


@without("git")
def test_a_repository_is_made_once(host, client):
    made = client.create_repository(host.name("fresh"), description="A fresh one", visibility="private")
    assert made.full_name == host.name("fresh")
    assert host.forge.find(host.name("fresh"))
    with pytest.raises(HostError) as error:
        client.create_repository(host.name("fresh"))
    assert error.value.code == "conflict"


@only("github", "gitlab", "gitea", "bitbucket-server", "bitbucket")
def test_settings_of_a_repository_are_changed(host, client):
    topics = ("web", "core") if host.product != "bitbucket" else None
    client.update_repository(host.name("till"), Settings(description="Takes money", topics=topics))
    repo = host.forge.repos[host.name("till")]
    assert repo.description == "Takes money"
    assert topics is None or sorted(repo.topics) == sorted(topics)


@only("bitbucket", "azure")
def test_what_a_product_does_not_know_is_refused_and_not_left_out(host, client):
    with pytest.raises(HostError) as error:
        client.update_repository(host.name("till"), Settings(topics=("web",)))
    assert error.value.code == "unsupported"
    assert not client.supports("set_variable") or host.product == "bitbucket"


@without("gerrit", "git")
def test_webhooks_are_made(host, client):
    made = client.create_hook(host.name("till"), "https://portal.example/api/events/http/x", secret="s3cret")
    assert made.id
    assert "s3cret" in str(host.forge.repos[host.name("till")].hooks)
    if client.supports("hooks"):
        assert (
            client.hooks(host.name("till"))[0].url == "https://portal.example/api/events/http/x"
            or host.product == "gitea"
        )


@only("github", "gitlab", "gitea")
def test_branches_are_protected(host, client):
    client.protect_branch(host.name("till"), "main", Protection(approvals=2, status_checks=("build",)))
    assert "main" in host.forge.repos[host.name("till")].protection


@only("github", "gitlab", "gitea", "bitbucket")
def test_workflows_are_started(host, client):
    client.dispatch(host.name("till"), "build.yaml", "main", {"level": "3"})
    assert "level" in str(host.forge.repos[host.name("till")].dispatched)


@only("github", "gitlab", "gitea")
def test_issues_are_opened(host, client):
    made = client.create_issue(host.name("till"), "It squeaks", "Oil it.")
    assert (made.number, made.state, made.title) == ("1", "open", "It squeaks")


@only("github", "gitlab", "gitea")
def test_variables_and_secrets_are_set_and_changed(host, client):
    for value in ("one", "two"):
        client.set_variable(host.name("till"), "LEVEL", value)
    client.set_variable(host.name("till"), "TOKEN", "s3cret", secret=True)
    known = host.forge.repos[host.name("till")].variables
    assert known["LEVEL", ""] == {"value": "two", "secret": False}
    assert known["TOKEN", ""] == {"value": "s3cret", "secret": True}


@only("github", "gitlab", "gitea")
def test_people_are_given_a_role(host, client):
    client.grant(host.name("till"), "bob", "write")
    assert host.forge.repos[host.name("till")].access["bob"] in ("write", "push")


@without("git", "gerrit")
def test_a_repository_is_removed(host, client):
    client.delete_repository(host.name("till"))
    assert host.forge.find(host.name("till")) is None
