import pytest

from callboard.plugins.catalog.clients import hosts
from callboard.plugins.catalog.clients.hosts import Hosted
from callboard.plugins.catalog.clients.reading import LocationTarget, Reader, ReadError, ReadingLimits

SHA = "0123456789abcdef0123456789abcdef01234567"


def hosted(url: str, **types: str) -> Hosted:
    found = hosts.parse(url, {name.replace("__", "."): value for name, value in types.items()})
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("url", "raw"),
    [
        ("https://github.com/o/r/blob/main/a/b.yaml", "https://raw.githubusercontent.com/o/r/main/a/b.yaml"),
        ("https://github.com/o/r/tree/main/a/b.yaml", "https://raw.githubusercontent.com/o/r/main/a/b.yaml"),
        ("https://github.com/o/r/blob/f/x/b.yaml", "https://raw.githubusercontent.com/o/r/f/x/b.yaml"),
        (
            "https://github.com/o/r/raw/refs/heads/main/b.yaml",
            "https://raw.githubusercontent.com/o/r/main/b.yaml",
        ),
        ("https://github.acme.com/o/r/blob/main/b.yaml", "https://github.acme.com/o/r/raw/main/b.yaml"),
        ("https://gitlab.com/g/s/p/-/blob/main/b.yaml", "https://gitlab.com/g/s/p/-/raw/main/b.yaml"),
        ("https://gitlab.com/g/p/blob/main/b.yaml", "https://gitlab.com/g/p/-/raw/main/b.yaml"),
        ("https://code.acme.com/g/p/-/blob/main/b.yaml", "https://code.acme.com/g/p/-/raw/main/b.yaml"),
        (
            "https://bitbucket.org/w/r/src/main/a/b.yaml",
            "https://api.bitbucket.org/2.0/repositories/w/r/src/main/a/b.yaml",
        ),
        (
            "https://bb.acme.com/projects/P/repos/r/browse/a/b.yaml?at=f/x",
            "https://bb.acme.com/rest/api/1.0/projects/P/repos/r/raw/a/b.yaml?at=f%2Fx",
        ),
        (
            "https://codeberg.org/o/r/src/branch/main/b.yaml",
            "https://codeberg.org/o/r/raw/branch/main/b.yaml",
        ),
        ("https://git.acme.com/o/r/src/tag/v1/b.yaml", "https://git.acme.com/o/r/raw/tag/v1/b.yaml"),
        (
            "https://dev.azure.com/o/p/_git/r?path=/a/b.yaml&version=GBf/x",
            "https://dev.azure.com/o/p/_apis/git/repositories/r/items?path=/a/b.yaml&api-version=6.0&versionDescriptor.versionType=branch&versionDescriptor.version=f%2Fx",
        ),
        (
            "https://dev.azure.com/o/_git/r?path=/b.yaml",
            "https://dev.azure.com/o/r/_apis/git/repositories/r/items?path=/b.yaml&api-version=6.0",
        ),
    ],
)
def test_a_browser_address_leads_to_the_bytes(url: str, raw: str) -> None:
    assert hosts.raw_request(hosted(url)) == (raw, {})


@pytest.mark.parametrize(
    ("url", "raw", "headers"),
    [
        (
            "https://github.com/o/r/blob/main/a b.yaml",
            "https://api.github.com/repos/o/r/contents/a%20b.yaml?ref=main",
            {"Authorization": "Bearer t", "Accept": "application/vnd.github.raw"},
        ),
        (
            "https://github.acme.com/o/r/blob/main/b.yaml",
            "https://github.acme.com/api/v3/repos/o/r/contents/b.yaml?ref=main",
            {"Authorization": "Bearer t", "Accept": "application/vnd.github.raw"},
        ),
        (
            "https://gitlab.com/g/s/p/-/blob/main/a/b.yaml",
            "https://gitlab.com/api/v4/projects/g%2Fs%2Fp/repository/files/a%2Fb.yaml/raw?ref=main",
            {"PRIVATE-TOKEN": "t"},
        ),
        (
            "https://codeberg.org/o/r/src/branch/main/b.yaml",
            "https://codeberg.org/o/r/raw/branch/main/b.yaml",
            {"Authorization": "token t"},
        ),
        (
            "https://dev.azure.com/o/p/_git/r?path=/b.yaml",
            "https://dev.azure.com/o/p/_apis/git/repositories/r/items?path=/b.yaml&api-version=6.0",
            {"Authorization": "Basic OnQ="},
        ),
    ],
)
def test_a_token_is_used_the_way_the_host_takes_it(url: str, raw: str, headers: dict[str, str]) -> None:
    assert hosts.raw_request(hosted(url), "t") == (raw, headers)


@pytest.mark.parametrize(
    ("url", "edit", "source"),
    [
        (
            "https://github.com/o/r/blob/main/a/b.yaml",
            "https://github.com/o/r/edit/main/a/b.yaml",
            "url:https://github.com/o/r/tree/main/a/",
        ),
        (
            "https://github.com/o/r/blob/main/b.yaml",
            "https://github.com/o/r/edit/main/b.yaml",
            "url:https://github.com/o/r/tree/main/",
        ),
        (
            "https://gitlab.com/g/p/-/blob/main/a/b.yaml",
            "https://gitlab.com/g/p/-/edit/main/a/b.yaml",
            "url:https://gitlab.com/g/p/-/tree/main/a/",
        ),
        (
            "https://bitbucket.org/w/r/src/main/a/b.yaml",
            "https://bitbucket.org/w/r/src/main/a/b.yaml?mode=edit&at=main",
            "url:https://bitbucket.org/w/r/src/main/a/",
        ),
        (
            "https://codeberg.org/o/r/src/branch/main/a/b.yaml",
            "https://codeberg.org/o/r/_edit/main/a/b.yaml",
            "url:https://codeberg.org/o/r/src/branch/main/a/",
        ),
        (
            "https://dev.azure.com/o/p/_git/r?path=/a/b.yaml&version=GBmain",
            "https://dev.azure.com/o/p/_git/r?path=/a/b.yaml&version=GBmain",
            "url:https://dev.azure.com/o/p/_git/r?path=/a&version=GBmain",
        ),
        (
            "https://bb.acme.com/projects/P/repos/r/browse/a/b.yaml?at=main",
            "https://bb.acme.com/projects/P/repos/r/browse/a/b.yaml?at=main",
            "url:https://bb.acme.com/projects/P/repos/r/browse/a?at=main",
        ),
    ],
)
def test_links_lead_to_view_editor_and_folder(url: str, edit: str, source: str) -> None:
    links = Reader().links(LocationTarget("url", url))
    assert (links.view_url, links.edit_url, links.source_location, links.pinned) == (url, edit, source, False)


def test_a_commit_can_not_be_edited() -> None:
    links = Reader().links(LocationTarget("url", f"https://github.com/o/r/blob/{SHA}/a.yaml"))
    assert links.pinned
    assert links.edit_url == ""


def test_a_git_location_on_a_known_host_has_links_too() -> None:
    reader = Reader()
    links = reader.links(LocationTarget("git", "https://github.com/o/r.git//a/b.yaml?ref=main"))
    assert links.edit_url == "https://github.com/o/r/edit/main/a/b.yaml"
    assert reader.links(LocationTarget("git", "https://git.acme.com/o/r.git//a.yaml")) == hosts.Links()
    assert reader.links(LocationTarget("file", "/srv/a.yaml")) == hosts.Links()
    assert reader.links(LocationTarget("url", "https://acme.com/a.yaml")).view_url == "https://acme.com/a.yaml"


@pytest.mark.parametrize(
    ("url", "clone", "path", "view"),
    [
        ("https://github.com/o/r", "https://github.com/o/r.git", "", "repository"),
        ("https://github.com/o/r.git", "https://github.com/o/r.git", "", "repository"),
        ("https://github.com/o/r/tree/main/a", "https://github.com/o/r.git", "a", "folder"),
        ("https://github.com/o/r/blob/main/*/c.yaml", "https://github.com/o/r.git", "*/c.yaml", "file"),
        ("https://gitlab.com/g/s/p", "https://gitlab.com/g/s/p.git", "", "repository"),
        ("https://dev.azure.com/o/p/_git/r", "https://dev.azure.com/o/p/_git/r", "", "repository"),
        ("https://bb.acme.com/projects/P/repos/r", "https://bb.acme.com/scm/p/r.git", "", "repository"),
        (
            "https://acme.visualstudio.com/p/_git/r",
            "https://acme.visualstudio.com/p/_git/r",
            "",
            "repository",
        ),
    ],
)
def test_repositories_and_folders_are_told_from_files(url: str, clone: str, path: str, view: str) -> None:
    found = hosted(url)
    assert (hosts.clone_url(found), found.path, found.view) == (clone, path, view)


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.com/a.yaml",
        "https://github.com/",
        "https://github.com/o/r/issues/1",
        "ftp://github.com/o/r",
        "https://[",
        "",
    ],
)
def test_other_addresses_are_left_alone(url: str) -> None:
    assert hosts.parse(url) is None


def test_a_self_hosted_server_is_known_by_its_settings() -> None:
    url = "https://code.acme.com/o/r/blob/main/a.yaml"
    assert hosts.parse(url) is None
    assert hosted(url, code__acme__com="github").product == "github"
    reader = Reader(ReadingLimits(hosts={"code.acme.com": {"type": "github"}}))
    found = reader.hosted(url)
    assert found is not None
    assert found.product == "github"


@pytest.mark.parametrize(
    ("base", "relative", "target"),
    [
        (
            "url:https://github.com/o/r/blob/main/a/b.yaml",
            "./c.yaml",
            "url:https://github.com/o/r/blob/main/a/c.yaml",
        ),
        (
            "url:https://github.com/o/r/blob/main/a/b.yaml",
            "../c.yaml",
            "url:https://github.com/o/r/blob/main/c.yaml",
        ),
        (
            "url:https://github.com/o/r/blob/main/a/b.yaml",
            "/c.yaml",
            "url:https://github.com/o/r/blob/main/c.yaml",
        ),
        (
            "url:https://github.com/o/r/blob/main/b.yaml",
            "./s/*/c.{yaml,yml}",
            "url:https://github.com/o/r/blob/main/s/*/c.{yaml,yml}",
        ),
        (
            "url:https://dev.azure.com/o/p/_git/r?path=/a/b.yaml&version=GBf/x",
            "../c.yaml",
            "url:https://dev.azure.com/o/p/_git/r?path=/c.yaml&version=GBf/x",
        ),
        ("url:https://acme.com/x/a.yaml?v=1", "b.yaml", "url:https://acme.com/x/b.yaml"),
        ("url:https://acme.com/x/a.yaml", "https://b.com/c.yaml", "url:https://b.com/c.yaml"),
        ("file:/srv/a/b.yaml", "../c/*.yaml", "file:/srv/c/*.yaml"),
        ("file:/srv/a/b.yaml", "/etc/x.yaml", "file:/etc/x.yaml"),
        ("file:a/b.yaml", "c.yaml", "file:a/c.yaml"),
        ("file:/srv/a/b.yaml", "https://b.com/c.yaml", "url:https://b.com/c.yaml"),
        ("git:git@h:o/r.git//a/b.yaml?ref=f/x", "../c.yaml", "git:git@h:o/r.git//c.yaml?ref=f/x"),
        ("git:https://h/r.git//a/b.yaml", "/c.yaml", "git:https://h/r.git//c.yaml"),
        ("git:https://h/r.git//a/b.yaml", "https://b.com/c.yaml", "url:https://b.com/c.yaml"),
    ],
)
def test_relative_targets_are_resolved_where_they_stand(base: str, relative: str, target: str) -> None:
    assert str(Reader().resolve(LocationTarget(*base.split(":", 1)), relative)) == target


@pytest.mark.parametrize(
    ("base", "relative"),
    [
        ("url:https://github.com/o/r/blob/main/a.yaml", "../../../x/y/blob/main/c.yaml"),
        ("url:https://dev.azure.com/o/p/_git/r?path=/b.yaml", "../c.yaml"),
        ("url:https://acme.com/a.yaml", "file:///etc/passwd"),
        ("git:https://h/r.git//a/b.yaml", "../../c.yaml"),
        ("git:https://h/r.git//a/b.yaml", "ssh://h/c.yaml"),
    ],
)
def test_relative_targets_do_not_lead_out_of_their_repository(base: str, relative: str) -> None:
    with pytest.raises(ReadError) as caught:
        Reader().resolve(LocationTarget(*base.split(":", 1)), relative)
    assert caught.value.code == "refused"
