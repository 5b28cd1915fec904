import os
import threading
import time
from pathlib import Path

import pytest

from callboard.plugins.catalog.clients.globs import GlobError, compile_glob
from callboard.plugins.catalog.clients.reading import LocationTarget, Reader, ReadError, ReadingLimits
from callboard.plugins.catalog.clients.watch import watch


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    for name in (
        "catalog-info.yaml",
        "a/catalog-info.yml",
        "a/b/catalog-info.yaml",
        "a/b/other.yaml",
        "a/[x]/one.yaml",
        "node_modules/p/catalog-info.yaml",
        ".git/catalog-info.yaml",
        ".hidden/catalog-info.yaml",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"name: {name}\n")
    return folder


def reader(root: Path, **limits: object) -> Reader:
    return Reader(ReadingLimits(roots=(root,), **limits))  # type: ignore[arg-type]


def names(root: Path, target: str, **limits: object) -> list[str]:
    result = reader(root, **limits).read(LocationTarget("file", target))
    return [os.path.relpath(file.target.target, root.resolve()) for file in result.files]


def failing(root: Path, target: str, **limits: object) -> ReadError:
    with pytest.raises(ReadError) as caught:
        reader(root, **limits).read(LocationTarget("file", target))
    assert caught.value.remedy
    return caught.value


def test_a_directory_stands_for_its_catalog_files_at_any_depth(root: Path) -> None:
    found = ["a/b/catalog-info.yaml", "a/catalog-info.yml", "catalog-info.yaml"]
    assert names(root, str(root)) == found
    assert names(root, ".") == found
    assert names(root, "a") == found[:2]
    assert names(root, f"file://{root}/a") == found[:2]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*/catalog-info.yml", ["a/catalog-info.yml"]),
        ("**/*.yaml", ["a/[x]/one.yaml", "a/b/catalog-info.yaml", "a/b/other.yaml", "catalog-info.yaml"]),
        ("a/**/catalog-info.{yaml,yml}", ["a/b/catalog-info.yaml", "a/catalog-info.yml"]),
        ("a/b/[a-o]*.yaml", ["a/b/catalog-info.yaml", "a/b/other.yaml"]),
        (".hidden/*.yaml", [".hidden/catalog-info.yaml"]),
        ("node_modules/*/*.yaml", ["node_modules/p/catalog-info.yaml"]),
        ("a/[x]/one.yaml", ["a/[x]/one.yaml"]),
    ],
)
def test_patterns_match_like_in_a_shell(root: Path, pattern: str, found: list[str]) -> None:
    assert names(root, pattern) == found


def test_each_file_can_be_read_again_by_its_own_target(root: Path) -> None:
    read = reader(root)
    for file in read.read(LocationTarget("file", "**/*.yaml")).files:
        assert read.read(file.target).files == (file,)


def test_nothing_outside_the_roots_is_read(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("secret: 1")
    (root / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    (root / "up").symlink_to(tmp_path)
    for target in (
        "../secret.yaml",
        str(tmp_path / "secret.yaml"),
        "link.yaml",
        "up/secret.yaml",
        "up/*.yaml",
        "/etc/passwd",
    ):
        assert failing(root, target).code == "refused", target
    with pytest.raises(ReadError) as caught:
        Reader().read(LocationTarget("file", str(root)))
    assert caught.value.code == "refused"


def test_one_bad_file_does_not_lose_the_others(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("secret: 1")
    (root / "x").mkdir()
    (root / "x/fine.yaml").write_text("a: 1")
    (root / "x/gone.yaml").symlink_to(root / "nowhere.yaml")
    (root / "x/out.yaml").symlink_to(tmp_path / "secret.yaml")
    (root / "x/big.yaml").write_text("b" * 500)
    os.mkfifo(root / "x/pipe.yaml")
    (root / "x/folder.yaml").mkdir()
    result = reader(root, max_bytes=100).read(LocationTarget("file", "x/*.yaml"))
    assert [Path(file.url).name for file in result.files] == ["fine.yaml"]
    assert {Path(error.url).name: error.code for error in result.errors} == {
        "gone.yaml": "not-found",
        "out.yaml": "refused",
        "big.yaml": "too-large",
        "pipe.yaml": "unreadable",
    }
    assert result.etag == ""


def test_what_is_missing_is_named_with_a_remedy(root: Path) -> None:
    assert failing(root, "no/such.yaml").code == "not-found"
    assert failing(root, "no/*.yaml").code == "not-found"
    assert "No file matches" in failing(root, "a/*.json").message
    (root / "empty").mkdir()
    assert "holds no catalog-info.yaml" in failing(root, "empty").message
    assert failing(root, "").code == "not-found"
    assert failing(root, "a\0b").code == "not-found"


def test_counts_and_sizes_are_limited(root: Path) -> None:
    assert failing(root, "**/*.yaml", max_files=2).code == "too-many"
    assert failing(root, "**/*.yaml", max_visited=3).code == "too-many"
    assert failing(root, "**/*.yaml", max_total_bytes=30).code == "too-large"
    assert failing(root, "catalog-info.yaml", max_bytes=5).code == "too-large"
    assert failing(root, "{a,b}" * 20).code == "too-many"


def test_unchanged_files_are_not_read_again(root: Path) -> None:
    for path in root.rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    time.sleep(2.1)
    read = reader(root)
    place = LocationTarget("file", str(root))
    first = read.read(place)
    assert read.read(place, first.etag).not_modified
    (root / "a/catalog-info.yml").write_text("name: changed")
    changed = read.read(place, first.etag)
    assert not changed.not_modified
    # Just written: it could change again within the same time stamp, so this etag never matches.
    assert not read.read(place, changed.etag).not_modified


def test_relative_names_are_read_from_the_file_that_names_them(root: Path) -> None:
    read = reader(root)
    base = read.read(LocationTarget("file", "a/b/catalog-info.yaml")).files[0]
    assert read.read_file_relative(base, "./other.yaml").content == b"name: a/b/other.yaml\n"
    assert read.read_file_relative(base, "../../catalog-info.yaml").content == b"name: catalog-info.yaml\n"
    with pytest.raises(ReadError) as caught:
        read.read_file_relative(base, "../../../secret")
    assert caught.value.code == "refused"
    with pytest.raises(ReadError) as caught:
        read.read_file_relative(base, "../../**/*.yaml")
    assert caught.value.code == "too-many"


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*.yaml", "a.yaml", True),
        ("*.yaml", ".a.yaml", False),
        ("*.yaml", "b/a.yaml", False),
        ("**", "a/b/c", True),
        ("**/x", "x", True),
        ("a/**/x", "a/x", True),
        ("a/**/x", "a/.b/x", False),
        ("a?c", "abc", True),
        ("[!a]b", "cb", True),
        ("[!a]b", "ab", False),
        ("{a,{b,c}}.y", "c.y", True),
        ("a[b", "a[b", True),
        ("a{b", "a{b", True),
        ("./a/*.y", "a/x.y", True),
    ],
)
def test_globs(pattern: str, path: str, expected: bool) -> None:
    assert compile_glob(pattern).matches(path) is expected


def test_no_pattern_takes_long() -> None:
    started = time.monotonic()
    assert not compile_glob("*a" * 200 + "b").matches("a" * 2000)
    assert not compile_glob("**/a/" * 50 + "b").matches("/".join("a" * 200))
    assert time.monotonic() - started < 2
    with pytest.raises(GlobError):
        compile_glob("*" * 5000)


def test_changes_in_a_watched_directory_are_told_and_a_failing_listener_hears_the_next(root: Path) -> None:
    stop, told = threading.Event(), threading.Event()
    seen: list[set[str]] = []

    def on_change(paths: frozenset[Path]) -> None:
        seen.append({path.name for path in paths})
        told.set()
        if len(seen) == 1:
            raise ValueError("a listener may fail")

    thread = threading.Thread(target=watch, args=([root, root / "missing"], on_change, stop), kwargs={"debounce": 0.1})
    thread.start()
    try:
        for name in ("first.yaml", "second.yaml"):
            told.clear()
            deadline = time.monotonic() + 8
            while not told.is_set() and time.monotonic() < deadline:
                (root / name).write_text(str(time.monotonic()))
                (root / ".git/ignored").write_text(str(time.monotonic()))
                told.wait(0.5)
            assert told.is_set()
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
    everything = set().union(*seen)
    assert "second.yaml" in everything
    assert "ignored" not in everything
