import pytest

from callboard.plugins.hosts.clients.opening import open_client
from callboard.plugins.hosts.tests.conftest import FILES, access_of, only, without
from callboard.plugins.hosts.types.errors import HostError

NO_HASHES = {"bitbucket", "bitbucket-server"}


@without("git")
def test_it_says_whom_the_credentials_belong_to(host, client):
    assert client.whoami().login == "ada"


def test_wrong_credentials_are_refused_with_a_remedy(host):
    with open_client(access_of(host, token="wrong")) as client, pytest.raises(HostError) as error:
        client.repository(host.name("basket"))
    assert error.value.code == "unauthorized"
    assert error.value.remedy
    assert "wrong" not in str(error.value).split("are wrong")[0]


@without("git", "gerrit")
def test_organisations_are_listed_over_pages(host, client):
    for number in range(4):
        host.forge.owner(f"acme/team{number}" if host.product == "azure" else f"team{number}")
    paths = [one.path for one in client.organisations()]
    assert host.owner in paths
    assert len([path for path in paths if "team" in path]) == 4


@without("git")
def test_repositories_are_listed_over_pages_with_what_filters_need(host, client):
    found = {one.name: one for one in client.repositories(host.owner)}
    if host.product == "azure":
        assert set(found) == {"basket", "empty", "till"}  # repositories out of use cannot be read
    else:
        assert set(found) == {"basket", "empty", "old", "till"}
    basket = found["basket"]
    assert basket.full_name == host.name("basket")
    assert basket.owner == host.owner
    if host.product in ("github", "gitlab", "gitea"):
        assert basket.topics == ("python", "shop")
        assert basket.description == "Holds fruit"
    if host.product in ("github", "gitlab", "gitea", "bitbucket-server", "gerrit"):
        assert found["old"].archived
        assert not basket.archived
    if host.product not in ("gerrit", "azure"):
        assert (found["till"].visibility, basket.visibility) == ("public", "private")


@only("gitlab")
def test_groups_inside_groups_are_part_of_a_group(host, client):
    host.forge.owner("acme/inner")
    host.forge.repo("acme/inner/deep", {"README.md": "x"})
    assert "acme/inner/deep" in {one.full_name for one in client.repositories("acme")}


@without("git", "gerrit", "github", "gitlab", "gitea")
def test_the_repositories_of_an_unknown_owner_are_an_error(host, client):
    with pytest.raises(HostError) as error:
        list(client.repositories("acme/nobody" if host.product == "azure" else "nobody"))
    assert error.value.code == "not-found"


def test_one_repository_has_its_default_branch(host, client):
    found = client.repository(host.name("basket"))
    assert (found.full_name, found.default_branch) == (host.name("basket"), "main")
    assert not found.empty


def test_a_repository_that_is_not_there_is_an_error_with_a_remedy(host, client):
    with pytest.raises(HostError) as error:
        client.repository(host.name("nothing"))
    assert error.value.code == "not-found"
    assert error.value.remedy


def test_all_files_of_a_repository_are_listed(host, client):
    tree = client.tree(client.repository(host.name("basket")))
    assert {one.path for one in tree.entries if one.type == "file"} == set(FILES)
    assert tree.complete
    if host.product not in NO_HASHES:
        hashes = {e["path"]: e["sha"] for e in host.forge.repos[host.name("basket")].entries()}
        assert all(one.sha == hashes[one.path] for one in tree.entries if one.type == "file")


def test_files_below_a_folder_are_listed(host, client):
    tree = client.tree(client.repository(host.name("basket")), path="docs")
    assert {one.path for one in tree.entries if one.type == "file"} == {"docs/index.md", "docs/guides/long name.md"}


def test_files_of_another_branch_are_listed(host, client):
    host.forge.repos[host.name("basket")].write({"new.txt": "new"}, branch="feature/one", start="main")
    tree = client.tree(client.repository(host.name("basket")), "feature/one")
    assert "new.txt" in {one.path for one in tree.entries}


def test_an_empty_repository_has_no_files(host, client):
    assert client.tree(client.repository(host.name("empty"))).entries == ()


def test_a_file_is_read(host, client):
    assert client.read(host.name("basket"), "docs/guides/long name.md").text == "# Long\n"


def test_a_file_is_read_at_a_branch(host, client):
    host.forge.repos[host.name("basket")].write({"docs/index.md": "other\n"}, branch="feature/one", start="main")
    assert client.read(host.name("basket"), "docs/index.md", "feature/one").text == "other\n"
    assert client.read(host.name("basket"), "docs/index.md", "main").text == "# Basket\n"


def test_a_file_that_is_not_there_is_an_error(host, client):
    with pytest.raises(HostError) as error:
        client.read(host.name("basket"), "nothing.md", "main")
    assert error.value.code == "not-found"


def test_a_branch_is_found_or_not(host, client):
    commit = host.forge.repos[host.name("basket")].write({"a": "b"}, branch="feature/one", start="main")
    assert client.branch(host.name("basket"), "feature/one").commit == commit
    assert client.branch(host.name("basket"), "feature") is None


@without("git", "gerrit")
def test_who_made_the_commits_is_counted(host, client):
    repo = host.forge.repos[host.name("basket")]
    repo.write({"a": "1"}, author=("Bob Builder", "bob@example.com"))
    repo.write({"a": "2"}, author=("Bob Builder", "bob@example.com"))
    (first, count), *_ = client.committers(host.name("basket"))
    assert (first.email, count) == ("bob@example.com", 2)


@without("git")
def test_people_and_teams_are_listed(host, client):
    if client.supports("members"):
        people = {one.login: one for one in client.members(host.owner)}
        assert people["bob"].name == "Bob Builder"
    if client.supports("teams"):
        owner = "" if host.product == "gerrit" else host.owner
        teams = {one.title.lower(): one for one in client.teams(owner)}
        assert set(teams["fruit"].members) == {"bob", "cem"}


def test_the_address_of_a_file_names_branch_and_path(host, client):
    found = client.repository(host.name("basket"))
    kind, target = client.file_location(found, "docs/index.md", "main")
    assert "docs/index.md" in target
    assert kind == ("git" if host.product in ("gerrit", "git") else "url")
