"""Files of other tools in directories and repositories, on the command line, and pushed."""

import json
import subprocess
import sys

import pytest
import yaml

from callboard.plugins.catalog.tests.engine import codes, process, refs, register
from callboard.plugins.catalog.tests.pages import Browser
from callboard.plugins.importers.tests import samples

pytestmark = pytest.mark.django_db

MAIN = [sys.executable, "-P", "-c", "from callboard.project.cli import main; main()"]


@pytest.mark.parametrize("kind", ["file", "git"])
def test_directories_and_repositories_are_read_with_files_of_other_tools(tmp_path, kind):
    place = tmp_path / "repo"
    (place / "a").mkdir(parents=True)
    (place / "b").mkdir()
    (place / "compass.yml").write_text(samples.COMPASS)
    (place / "a" / "opslevel.yml").write_text(samples.OPSLEVEL)
    # Who has a catalog file already is not asked twice.
    (place / "b" / "score.yaml").write_text(samples.SCORE)
    (place / "b" / "catalog-info.yaml").write_text(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: own}\n"
        "spec: {type: service, lifecycle: production, owner: apples}\n"
    )
    if kind == "git":
        for words in (
            ["init", "-q"],
            ["add", "."],
            ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "x"],
        ):
            subprocess.run(["git", *words], cwd=place, check=True)
    register(place if kind == "file" else f"file://{place}", kind)
    assert refs() == {"component:default/checkout-service", "component:default/shopping-cart", "component:default/own"}
    assert codes() == []


def test_a_broken_file_of_another_tool_keeps_what_was_known(tmp_path):
    file = tmp_path / "compass.yml"
    file.write_text(samples.COMPASS)
    source = register(tmp_path)
    file.write_text("nothing: here\n")
    process(source)
    assert codes() == ["unreadable-format"]
    assert refs() == {"component:default/checkout-service"}


def test_looking_at_a_location_shows_what_became_of_each_line(tmp_path):
    browser = Browser("root", administrator=True)
    (tmp_path / "compass.yml").write_text(samples.COMPASS)
    page = browser.post("/catalog/register", {"step": "look", "location": str(tmp_path)}).content.decode()
    assert "Line by line" in page
    assert "fields.lifecycle" in page


def command(*words, cwd):
    return subprocess.run(
        [*MAIN, *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_configuration_of_backstage_becomes_one_that_the_portal_accepts(tmp_path):
    (tmp_path / "app-config.yaml").write_text(samples.APP_CONFIG.replace("extra: {$include: more.yaml#inner}", ""))
    done = command("migrate", "backstage", ".", "--output", "callboard.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "dropped auth.providers.okta" in done.stderr
    assert "app-config.yaml:3:" in done.stderr
    text = (tmp_path / "callboard.yaml").read_text()
    assert "plain-text-secret" not in text
    assert text.startswith("# Proposed from app-config.yaml.")
    checked = subprocess.run(
        [*MAIN, "config", "check", "--config", "callboard.yaml"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": "/usr/bin:/bin", "GITHUB_TOKEN": "a", "GL": "b", "GHE_ACME_EXAMPLE_TOKEN": "c"},
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr + checked.stdout


def test_files_become_a_catalog_file_on_the_command_line(tmp_path):
    (tmp_path / "compass.yml").write_text(samples.COMPASS)
    (tmp_path / "list.csv").write_text("Thing,Owner\nx,apples\n")
    done = command(
        "--json", "migrate", "file", "compass.yml", "list.csv", "--column", "Thing=metadata.name", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert [f["format"] for f in answer["files"]] == ["compass", "csv"]
    assert [e["metadata"]["name"] for e in yaml.safe_load_all(answer["text"])] == ["Checkout-Service", "x"]
    failed = command("migrate", "file", "app.txt", cwd=tmp_path)
    assert failed.returncode == 1
    assert "--format" in failed.stderr
