"""Folders and buckets behave alike: written whole, read back, cleaned of what is gone. Pipelines use the commands."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from callboard.plugins.techdocs.clients.store import Store, StoreError

COMMAND = [sys.executable, "-c", "from callboard.project.cli import main; main()"]


@pytest.fixture(scope="module")
def s3():
    """A server that speaks S3."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    end = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(urllib.request.Request(f"{url}/docs", method="PUT"), timeout=2).close()
            break
        except OSError:
            assert time.monotonic() < end, "moto does not start"
            time.sleep(0.2)
    yield url
    process.terminate()
    process.wait()


@pytest.fixture(params=["folder", "s3"])
def store(request, tmp_path):
    if request.param == "folder":
        return Store((tmp_path / "store").as_uri())
    return bucket(request.getfixturevalue("s3"), request.node.name.replace("[", "-").replace("]", ""))


def bucket(url, path):
    """A place in the bucket of the server at ``url``."""
    options = {
        "aws_endpoint": url,
        "aws_region": "us-east-1",
        "aws_access_key_id": "key",
        "aws_secret_access_key": "secret",
        "aws_virtual_hosted_style_request": "false",
    }
    return Store(f"s3://docs/{path}", options)


def site(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_site_is_published_read_and_replaced(store, tmp_path):
    first = site(
        tmp_path / "one", {"index.html": "1", "old/index.html": "old", "ä ö/ü.txt": "ü", "techdocs_metadata.json": "{}"}
    )
    assert store.publish("default/component/x", first) == 1 + 3 + 2 + 2
    assert store.read("default/component/x/ä ö/ü.txt").content == "ü".encode()
    store.publish("default/component/x", site(tmp_path / "two", {"index.html": "2", "techdocs_metadata.json": "{}"}))
    assert sorted(store.names("default/component/x")) == ["index.html", "techdocs_metadata.json"]
    assert store.read("default/component/x/index.html").content == b"2"


def test_what_is_not_there_is_nothing_and_never_an_error(store, tmp_path):
    store.publish("default/component/x", site(tmp_path / "one", {"a/index.html": "1"}))
    for path in ("default/component/x/b.html", "default/component/x/a", "", "../x", "nothing/at/all"):
        assert store.read(path) is None


def test_a_neighbour_of_a_like_name_is_left_alone(store, tmp_path):
    store.publish("default/component/shop", site(tmp_path / "one", {"index.html": "1"}))
    store.publish("default/component/shop-two", site(tmp_path / "two", {"index.html": "2"}))
    store.remove_site("default/component/shop")
    assert store.read("default/component/shop/index.html") is None
    assert store.read("default/component/shop-two/index.html").content == b"2"


def test_paths_with_capitals_become_lower_case(store, tmp_path):
    store.publish("Default/Component/Shop", site(tmp_path / "one", {"Index.html": "1"}))
    assert store.lower_case(remove=False) == 1
    assert store.read("default/component/shop/Index.html").content == b"1"


def test_a_store_that_cannot_be_reached_says_so_without_keys():
    store = Store(
        "s3://docs",
        {
            "aws_endpoint": "http://127.0.0.1:9",
            "aws_access_key_id": "k",
            "aws_secret_access_key": "hidden",
            "aws_region": "x",
        },
    )
    with pytest.raises(StoreError) as error:
        store.write("x", b"1")
    assert "hidden" not in str(error.value)


def run(tmp_path, *arguments):
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    done = subprocess.run(
        [*COMMAND, "--data-dir", str(tmp_path / "data"), *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_pipeline_generates_and_publishes_to_a_bucket(tmp_path, s3):
    site(tmp_path, {"mkdocs.yml": "site_name: Pipeline\nhooks: [x.py]\n", "docs/index.md": "# From CI\n"})
    code, out, err = run(
        tmp_path,
        "--json",
        "techdocs",
        "generate",
        "--no-docker",
        "--source-dir",
        ".",
        "--output-dir",
        "built",
        "--etag",
        "abc123",
    )
    assert code == 0, err
    answer = json.loads(out)
    assert answer["pages"] >= 1
    assert any("hooks is not allowed" in item for item in answer["dropped"])
    metadata = json.loads((tmp_path / "built/techdocs_metadata.json").read_text())
    assert (metadata["site_name"], metadata["etag"]) == ("Pipeline", "abc123")
    code, out, err = run(
        tmp_path, "techdocs", "publish", "--publisher-type", "awsS3", "--storage-name", "docs", "--entity", "default/Component/CI",
        "--directory", "built", "--awsEndpoint", s3, "--awsRegion", "us-east-1", "--awsBucketRootPath", "root",
    )  # fmt: skip
    assert code == 0, err
    page = bucket(s3, "root").read("default/component/ci/index.html")
    assert page is not None
    assert b"From CI" in page.content


def test_a_pipeline_is_told_what_is_wrong(tmp_path):
    code, _, err = run(tmp_path, "techdocs", "generate")
    assert code != 0
    assert "holds no mkdocs.yml" in err
    code, _, err = run(tmp_path, "techdocs", "publish", "--entity", "x", "--storage-name", "y")
    assert code != 0
    assert "namespace/kind/name" in err


def test_an_option_of_another_cloud_is_refused():
    with pytest.raises(StoreError, match="begin with aws_"):
        Store("s3://docs", {"azure_storage_account_name": "x"})
