import base64
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from callboard.plugins.catalog.clients.git import parse_target
from callboard.plugins.catalog.clients.reading import (
    LocationTarget,
    Reader,
    ReadError,
    ReadingLimits,
    ReadResult,
)
from callboard.plugins.catalog.tests.servers import (
    GitSite,
    commit,
    git,
    repository,
    running_git_site,
    running_site,
)

FILES: dict[str, str | bytes] = {
    "catalog-info.yaml": "name: top\n",
    "services/a/catalog-info.yaml": "name: a\n",
    "services/b/catalog-info.yml": "name: b\n",
    "services/b/openapi.yaml": "openapi: 3.1.0\n",
    "node_modules/x/catalog-info.yaml": "name: x\n",
    ".github/catalog-info.yaml": "name: hidden\n",
    "odd/[x] y.yaml": "name: odd\n",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path.resolve() / "srv"


@pytest.fixture
def repo(home: Path) -> Path:
    return repository(home / "org/repo.git", FILES)


@pytest.fixture
def site(home: Path, repo: Path) -> Iterator[GitSite]:
    with running_git_site(home) as one:
        yield one


@pytest.fixture
def reader(home: Path, tmp_path: Path) -> Reader:
    return reading(home, tmp_path)


def reading(home: Path, tmp_path: Path, **limits: object) -> Reader:
    usual = {"roots": (home,), "allow": ("127.0.0.1",), "cache_dir": tmp_path / "cache", "git_timeout": 20.0}
    return Reader(ReadingLimits(**{**usual, **limits}))  # type: ignore[arg-type]


def at(target: object) -> LocationTarget:
    return LocationTarget("git", str(target))


def contents(result: ReadResult) -> list[str]:
    return [file.content.decode().strip().removeprefix("name: ") for file in result.files]


def failing(reader: Reader, target: object) -> ReadError:
    with pytest.raises(ReadError) as caught:
        reader.read(at(target))
    assert caught.value.remedy
    return caught.value


def test_without_a_path_every_catalog_file_is_read(reader: Reader, repo: Path) -> None:
    result = reader.read(at(f"file://{repo}"))
    assert contents(result) == ["top", "a", "b"]
    assert result.etag == git(repo, "rev-parse", "HEAD")
    assert result.files[1].url == f"file://{repo}//services/a/catalog-info.yaml"
    assert contents(reader.read(at(f"{repo}//services"))) == ["a", "b"]


def test_each_file_can_be_read_again_by_its_own_target(reader: Reader, repo: Path) -> None:
    for file in reader.read(at(f"file://{repo}//**/*.yaml?ref=main")).files:
        assert file.target.target.endswith("?ref=main")
        assert reader.read(file.target).files == (file,)


def test_patterns_match_inside_the_repository(reader: Reader, repo: Path) -> None:
    assert contents(reader.read(at(f"file://{repo}//services/*/catalog-info.{{yaml,yml}}"))) == ["a", "b"]
    assert contents(reader.read(at(f"file://{repo}//.github/*.yaml"))) == ["hidden"]
    assert contents(reader.read(at(f"file://{repo}//odd/[x] y.yaml"))) == ["odd"]
    assert "No file matches" in failing(reader, f"file://{repo}//services/*.json").message


def test_git_over_http_reads_branches_tags_and_commits(reader: Reader, repo: Path, site: GitSite) -> None:
    first = git(repo, "rev-parse", "HEAD")
    git(repo, "tag", "-a", "v1", "-m", "one")
    git(repo, "checkout", "-q", "-b", "feature/new/door")
    commit(repo, {"catalog-info.yaml": "name: branch\n"})
    git(repo, "checkout", "-q", "main")
    last = commit(repo, {"catalog-info.yaml": "name: later\n"})
    address = f"{site.url}/org/repo.git//catalog-info.yaml"
    assert contents(reader.read(at(address))) == ["later"]
    assert reader.read(at(address)).etag == last
    assert contents(reader.read(at(f"{address}?ref=main"))) == ["later"]
    assert contents(reader.read(at(f"{address}?ref=feature/new/door"))) == ["branch"]
    tagged = reader.read(at(f"{address}?ref=v1"))
    assert (contents(tagged), tagged.etag) == (["top"], first)
    assert contents(reader.read(at(f"{address}?ref={first}"))) == ["top"]
    assert contents(reader.read(at(f"{address}?ref=refs/heads/feature/new/door"))) == ["branch"]


def test_an_unchanged_repository_is_only_asked_for_its_commit(reader: Reader, repo: Path, site: GitSite) -> None:
    place = at(f"{site.url}/org/repo.git")
    first = reader.read(place)
    site.requests.clear()
    again = reader.read(place, first.etag)
    assert again.not_modified
    assert again.etag == first.etag
    asked = len(site.requests)
    assert 1 <= asked <= 2
    commit(repo, {"services/a/catalog-info.yaml": "name: a2\n"})
    changed = reader.read(place, first.etag)
    assert contents(changed) == ["top", "a2", "b"]
    assert changed.etag != first.etag


def test_a_branch_that_was_rewritten_is_read_anew(reader: Reader, repo: Path) -> None:
    place = at(f"file://{repo}//catalog-info.yaml?ref=main")
    first = reader.read(place)
    (repo / "catalog-info.yaml").write_text("name: rewritten\n")
    git(repo, "commit", "-q", "-a", "--amend", "-m", "again")
    assert contents(reader.read(place, first.etag)) == ["rewritten"]


def test_a_missing_ref_path_or_repository_is_named(reader: Reader, repo: Path, site: GitSite, home: Path) -> None:
    error = failing(reader, f"{site.url}/org/repo.git?ref=no-such-branch")
    assert error.code == "not-found"
    assert "no-such-branch" in error.message
    error = failing(reader, f"file://{repo}?ref={'0' * 40}")
    assert error.code == "not-found"
    assert failing(reader, f"file://{repo}//no/such.yaml").code == "not-found"
    assert failing(reader, f"{site.url}/org/other.git").code == "not-found"
    assert failing(reader, f"file://{home}/nowhere.git").code == "not-found"
    (home / "plain").mkdir()
    assert failing(reader, f"file://{home}/plain").code == "not-a-repository"
    git(home, "init", "-q", "empty")
    assert "no commit yet" in failing(reader, f"file://{home}/empty").message


def test_a_web_site_is_not_a_repository(reader: Reader) -> None:
    with running_site() as other:
        other.text("/page/info/refs?service=git-upload-pack", "<html>hello</html>")
        assert failing(reader, f"{other.url}/page").code == "not-a-repository"
        other.text("/down/info/refs?service=git-upload-pack", "no", 503)
        error = failing(reader, f"{other.url}/down")
        assert (error.code, error.transient) == ("http-error", True)
        other.text("/moved/info/refs?service=git-upload-pack", "", 302, Location=f"{other.url}/page/info/refs")
        assert failing(reader, f"{other.url}/moved").code in ("refused", "unreadable", "http-error")
        assert other.seen("/page/info/refs") == []


def test_a_server_that_does_not_answer_is_given_up(home: Path, tmp_path: Path) -> None:
    with running_site() as other:
        other.does("/r/info/refs?service=git-upload-pack", lambda _: time.sleep(2))
        started = time.monotonic()
        error = failing(reading(home, tmp_path, git_timeout=0.5), f"{other.url}/r")
        assert (error.code, error.transient) == ("timed-out", True)
        assert time.monotonic() - started < 1.9


def test_a_private_repository_needs_its_token(
    reader: Reader, repo: Path, site: GitSite, home: Path, tmp_path: Path
) -> None:
    site.token = "Basic " + base64.b64encode(b"git:s3cret").decode()
    address = f"{site.url}/org/repo.git//catalog-info.yaml"
    error = failing(reader, address)
    assert error.code == "unauthorized"
    hosts = {f"127.0.0.1:{site.port}": {"token": "s3cret"}}
    assert contents(reading(home, tmp_path, hosts=hosts).read(at(address))) == ["top"]
    wrong = failing(reading(home, tmp_path, hosts={f"127.0.0.1:{site.port}": {"token": "wr0ng"}}), address)
    assert wrong.code == "unauthorized"
    assert "wr0ng" not in str(wrong)


def test_private_addresses_and_paths_outside_the_roots_are_refused(
    repo: Path, site: GitSite, home: Path, tmp_path: Path
) -> None:
    closed = reading(home, tmp_path, allow=())
    assert failing(closed, f"{site.url}/org/repo.git").code == "refused"
    assert failing(closed, "git@127.0.0.1:org/repo.git").code == "refused"
    assert failing(closed, "ssh://git@127.0.0.1/org/repo.git").code == "refused"
    assert site.requests == []
    assert failing(reading(home / "elsewhere", tmp_path), f"file://{repo}").code == "refused"


@pytest.mark.parametrize(
    "target",
    [
        "ext::sh -c touch% /tmp/pwned",
        "git://example.com/x.git",
        "--upload-pack=touch /tmp/pwned",
        "-oProxyCommand=x@h:y",
        "git@-oProxyCommand=x:y",
        "git@host:-x",
        "ssh://-oProxyCommand=x/y",
        "https://ada:pw@example.com/x.git",
        "https://example.com/x.git?foo=bar",
        "https://example.com/x.git//a?ref=--upload-pack=x",
        "https://example.com/x.git//a?ref=a..b",
        "https://example.com/x.git//a?ref=",
        "https://example.com/x.git//../../etc/passwd",
        "https://example.com/x.git//a\nb",
        "file://other-host/x.git",
        "",
    ],
)
def test_addresses_that_are_no_plain_repository_are_refused(reader: Reader, target: str) -> None:
    error = failing(reader, target)
    assert error.code == "refused"
    assert "pw@" not in str(error)


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        ("https://h/o/r.git", ("https://h/o/r.git", "", "")),
        ("https://h/o/r.git/", ("https://h/o/r.git", "", "")),
        ("https://h/o/r.git//a/*.yaml?ref=x/y", ("https://h/o/r.git", "a/*.yaml", "x/y")),
        ("git@h:o/r.git//a.yaml?ref=v1", ("git@h:o/r.git", "a.yaml", "v1")),
        ("ssh://git@h:2222/o/r", ("ssh://git@h:2222/o/r", "", "")),
        ("file:///srv/r.git//a//b", ("file:///srv/r.git", "a/b", "")),
        ("/srv/r.git//a?.yaml", ("file:///srv/r.git", "a?.yaml", "")),
    ],
)
def test_a_target_is_split_into_repository_path_and_ref(target: str, parts: tuple[str, str, str]) -> None:
    parsed = parse_target(target)
    assert (parsed.repository, parsed.path, parsed.ref) == parts


def test_links_inside_the_repository_are_followed_and_others_are_not(reader: Reader, repo: Path) -> None:
    (repo / "l").mkdir()
    (repo / "l/in.yaml").symlink_to("../catalog-info.yaml")
    (repo / "l/out.yaml").symlink_to("/etc/passwd")
    (repo / "l/up.yaml").symlink_to("../../../secret.yaml")
    (repo / "l/self.yaml").symlink_to("self.yaml")
    commit(repo, {"l/fine.yaml": "name: fine\n"})
    result = reader.read(at(f"file://{repo}//l/*.yaml"))
    assert contents(result) == ["fine", "top"]
    assert sorted(error.message.split(": ")[1].split(" ")[0] for error in result.errors) == [
        "l/out.yaml",
        "l/self.yaml",
        "l/up.yaml",
    ]
    assert result.etag == ""
    assert failing(reader, f"file://{repo}//l/out.yaml").code == "not-found"


def test_counts_and_sizes_are_limited(repo: Path, home: Path, tmp_path: Path) -> None:
    commit(repo, {"big/a.yaml": "x" * 3000, "big/b.yaml": "b: 1"})
    result = reading(home, tmp_path, max_bytes=1000).read(at(f"file://{repo}//big/*.yaml"))
    assert [file.content for file in result.files] == [b"b: 1"]
    assert [error.code for error in result.errors] == ["too-large"]
    small = reading(home, tmp_path, max_bytes=1000)
    assert failing(small, f"file://{repo}//big/a.yaml").code == "too-large"
    assert failing(reading(home, tmp_path, max_files=2), f"file://{repo}").code == "too-many"
    assert failing(reading(home, tmp_path, max_visited=2), f"file://{repo}").code == "too-many"
    assert failing(reading(home, tmp_path, max_total_bytes=10), f"file://{repo}").code == "too-large"


def test_a_repository_that_sends_too_much_is_stopped(repo: Path, home: Path, tmp_path: Path) -> None:
    commit(repo, {"blob.bin": os.urandom(400_000)})
    error = failing(reading(home, tmp_path, max_repository_bytes=100_000), f"file://{repo}")
    assert error.code == "too-large"


def test_a_damaged_copy_is_fetched_again(reader: Reader, repo: Path, tmp_path: Path) -> None:
    place = at(f"file://{repo}")
    reader.read(place)
    copy = next((tmp_path / "cache").glob("*.git"))
    shutil.rmtree(copy / "objects")
    (copy / "objects").mkdir()
    assert contents(reader.read(place)) == ["top", "a", "b"]
    shutil.rmtree(copy)
    copy.mkdir()
    assert contents(reader.read(place)) == ["top", "a", "b"]


def test_hooks_and_settings_of_a_repository_do_not_run(reader: Reader, repo: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    script = repo / ".git/evil"
    script.write_text(f"#!/bin/sh\ntouch {mark}\n")
    script.chmod(0o755)
    git(repo, "config", "core.fsmonitor", str(script))
    git(repo, "config", "uploadpack.packObjectsHook", str(script))
    assert len(reader.read(at(f"file://{repo}")).files) == 3
    assert not mark.exists()


def test_many_readers_share_one_copy(reader: Reader, repo: Path, site: GitSite) -> None:
    place = at(f"{site.url}/org/repo.git")
    results: list[ReadResult] = []
    threads = [threading.Thread(target=lambda: results.append(reader.read(place))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [contents(result) for result in results] == [["top", "a", "b"]] * 4


def test_relative_names_stay_in_the_repository_at_its_ref(reader: Reader, repo: Path) -> None:
    base = reader.read(at(f"file://{repo}//services/a/catalog-info.yaml?ref=main")).files[0]
    file = reader.read_file_relative(base, "../b/openapi.yaml")
    assert file.content == b"openapi: 3.1.0\n"
    assert file.url == f"file://{repo}//services/b/openapi.yaml?ref=main"
    assert reader.read_file_relative(base, "/catalog-info.yaml").content == b"name: top\n"
    for bad in ("../../../x.yaml", "file:///etc/passwd"):
        with pytest.raises(ReadError) as caught:
            reader.read_file_relative(base, bad)
        assert caught.value.code == "refused"


def test_addresses_of_a_source_host_are_read_through_git_where_they_name_many_files(
    repo: Path, site: GitSite, home: Path, tmp_path: Path
) -> None:
    git(repo, "checkout", "-q", "-b", "team/blue")
    host = f"127.0.0.1:{site.port}"
    read = reading(home, tmp_path, hosts={host: {"type": "gitea"}})
    pattern = f"{site.url}/org/repo/src/branch/team/blue/services/*/catalog-info.yaml"
    result = read.read(LocationTarget("url", pattern))
    assert [file.url for file in result.files] == [
        f"{site.url}/org/repo/src/branch/team/blue/services/a/catalog-info.yaml"
    ]
    assert read.read(LocationTarget("url", pattern), result.etag).not_modified
    whole = read.read(LocationTarget("url", f"{site.url}/org/repo"))
    assert len(whole.files) == 3
    # The server has no address for raw files, so the way through Git answers for the single file too.
    assert read.read(result.files[0].target).files[0].content == b"name: a\n"


def test_a_cache_that_others_may_write_is_not_used(reader: Reader, repo: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o777)
    error = failing(reader, f"file://{repo}")
    assert error.code == "refused"
    assert "chmod 700" in error.remedy
    (tmp_path / "cache").chmod(0o700)
    assert len(reader.read(at(f"file://{repo}")).files) == 3
