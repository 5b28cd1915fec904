"""A new plugin is written, installed as a real package, checked and tested with its own tests."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def command(*arguments, path="", cwd=None, data_dir):
    return subprocess.run(
        [sys.executable, "-P", "-c", "from callboard.project.cli import main; main()", *arguments],
        env=environment(path, data_dir),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def environment(path, data_dir):
    clean = {k: v for k, v in os.environ.items() if k not in {"CALLBOARD_DATA_DIR", "CALLBOARD_CONFIG"}}
    return {
        **clean,
        "CALLBOARD_DATA_DIR": str(data_dir),
        "XDG_CACHE_HOME": str(data_dir),
        "PYTHONPATH": os.pathsep.join([path, *sys.path] if path else sys.path),
    }


def install(project, target):
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    pip = [uv, "pip"] if uv or importlib.util.find_spec("pip") is None else [sys.executable, "-m", "pip"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--target", str(target), str(project)], check=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("plugin")
    done = command("--json", "plugin", "new", "tea_time", cwd=place, data_dir=place / "data")
    assert done.returncode == 0, done.stderr
    project = Path(json.loads(done.stdout)["path"])
    assert project == place / "callboard-tea-time"
    install(project, place / "site")
    return place, project


def test_the_new_plugin_passes_the_check(made):
    place, project = made
    done = command("plugin", "check", "tea_time", path=str(place / "site"), data_dir=place / "data")
    assert done.stdout.strip() == "tea_time is fine.", done.stdout + done.stderr
    done = command("plugin", "check", str(project), path=str(place / "site"), data_dir=place / "data")
    assert done.returncode == 0, done.stdout


def test_the_tests_of_the_new_plugin_pass(made):
    place, project = made
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-c",
            str(project / "pyproject.toml"),
            str(place / "site" / "callboard_tea_time"),
        ],
        env={
            **environment(str(place / "site"), place / "data"),
            "CALLBOARD_TEST_SUFFIX": f"plugin_{os.getpid()}",
        },
        cwd=place / "site",
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert "5 passed" in done.stdout, done.stdout[-4000:] + done.stderr[-2000:]


def test_settings_of_the_new_plugin_are_part_of_the_configuration(made):
    place, _ = made
    (place / "callboard.yaml").write_text("tea_time:\n  greting: Hi\n")
    done = command("config", "check", path=str(place / "site"), cwd=place, data_dir=place / "data")
    assert done.returncode == 1
    assert "callboard.yaml:2:3 at tea_time.greting" in done.stderr
    assert "Did you mean `greeting`?" in done.stderr


def test_imports_past_the_sdk_and_impure_manifests_are_found(made, tmp_path):
    place, project = made
    bad = tmp_path / "bad"
    shutil.copytree(project, bad)
    package = bad / "src" / "callboard_tea_time"
    (package / "views.py").write_text(
        "from callboard.core.auth import models\nimport callboard.plugins.catalog.models\n"
    )
    (package / "settings.py").write_text("import django\n")
    (package / "broken.py").write_text("def (\n")
    done = command("--json", "plugin", "check", str(bad), path=str(place / "site"), data_dir=place / "data")
    problems = json.loads(done.stdout)["problems"]
    assert done.returncode == 1
    assert sorted(p["code"] for p in problems) == ["impure", "inner-import", "inner-import", "syntax"]
    assert {Path(p["place"]["url"]).name for p in problems} == {"views.py", "settings.py", "broken.py"}
    assert all(p["place"]["line"] for p in problems)


@pytest.mark.parametrize("name", ["Tea", "x", "catalog", "9lives"])
def test_a_name_that_cannot_be_used_is_refused_in_words(tmp_path, name):
    done = command("--json", "plugin", "new", name, cwd=tmp_path, data_dir=tmp_path / "data")
    error = json.loads(done.stdout)["error"]
    assert done.returncode == 1
    assert error["remedy"]
    assert not list(tmp_path.glob("callboard-*"))


def test_an_existing_directory_is_not_overwritten(made):
    place, project = made
    before = (project / "README.md").read_text()
    done = command("plugin", "new", "tea_time", cwd=place, data_dir=place / "data")
    assert done.returncode == 1
    assert "not empty" in done.stderr
    assert (project / "README.md").read_text() == before


def test_help_is_quick_and_needs_no_database(tmp_path):
    command("--help", data_dir=tmp_path)  # the first call notes the commands of plugins
    done = subprocess.run(
        [
            sys.executable,
            "-X",
            "importtime",
            "-P",
            "-c",
            "from callboard.project.cli import main; main()",
            "--help",
        ],
        env=environment("", tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "catalog" in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not imported & {"django", "pydantic", "psycopg"}


@pytest.mark.parametrize("arguments", [("nosuch",), ("token",), ("up", "--port", "x")])
def test_wrong_usage_ends_with_status_two(tmp_path, arguments):
    done = command(*arguments, data_dir=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
