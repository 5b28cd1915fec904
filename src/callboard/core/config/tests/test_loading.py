"""Settings from file, environment and command line, and what is said of wrong ones."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from callboard.core.config.load import ConfigError, load_config
from callboard.core.config.redaction import HIDDEN, redacted
from callboard.core.config.sources import environment_for


@pytest.fixture
def write(tmp_path):
    def _write(text, name="callboard.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return _write


def load(path=None, environ=None, **overrides):
    dotted = {name.replace("__", "."): value for name, value in overrides.items()}
    return load_config(path, environ or {}, dotted, make_secrets=False)


def problems_of(path, environ=None):
    with pytest.raises(ConfigError) as caught:
        load(path, environ)
    return caught.value.problems


def test_without_a_file_everything_has_a_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load()
    assert (config.server.port, config.data_dir) == (7007, tmp_path / ".callboard")
    assert config.rooms["catalog"].refresh_minutes == 3


def test_the_command_line_beats_the_environment_which_beats_the_file(write):
    path = write("server:\n  port: 1\n  host: a\n  threads: 2\n")
    environ = {"CALLBOARD_SERVER__HOST": "b", "CALLBOARD_SERVER__THREADS": "3"}
    server = load(path, environ, server__threads=4).server
    assert (server.port, server.host, server.threads) == (1, "b", 4)


def test_database_url_and_data_dir_have_variables_of_their_own(write, tmp_path):
    config = load(write("{}"), {"DATABASE_URL": "postgresql://x/y", "CALLBOARD_DATA_DIR": str(tmp_path / "d")})
    assert (config.database.url, config.data_dir) == ("postgresql://x/y", tmp_path / "d")


def test_the_variable_callboard_config_names_the_file(write):
    path = write("server: {port: 99}", "other.yaml")
    assert load(None, {"CALLBOARD_CONFIG": str(path)}).server.port == 99


def test_lists_come_from_the_environment_with_commas_or_as_json(write):
    environ = {
        "CALLBOARD_AUTH__ADMINISTRATORS": "user:a, group:b",
        "CALLBOARD_CATALOG__RULES": '[{"allow": ["API"]}]',
    }
    config = load(write("{}"), environ)
    assert config.auth.administrators == ["user:a", "group:b"]
    assert config.rooms["catalog"].rules[0].allow == ["API"]


def test_variables_are_put_into_values_and_may_have_defaults(write):
    path = write(
        'database: {url: "postgresql://${WHO}@h/d"}\nserver: {port: "${PORT:-81}", base_url: "http://${H:-}x"}\n'
        "organisation: {name: '$${literal} ${{ kept }}'}\n"
    )
    config = load(path, {"WHO": "me"})
    assert config.database.url == "postgresql://me@h/d"
    assert (config.server.port, config.server.base_url) == (81, "http://x")
    assert config.organisation.name == "${literal} ${{ kept }}"


def test_a_variable_that_is_not_set_is_named_with_its_place(write):
    (problem,) = problems_of(write("organisation:\n  name: ${NOT_SET}x\n"))
    assert "`NOT_SET` is not set" in problem.message
    assert (problem.place.line, problem.place.path) == (2, "organisation.name")


def test_every_problem_is_listed_at_once_with_line_column_and_remedy(write):
    path = write(
        "server:\n  prot: 8080\n  threads: many\ncatalogue:\n  x: 1\n"
        "catalog:\n  refresh_minutes: -1\n  rules:\n    - alow: [API]\nlog:\n  level: loud\n"
    )
    found = {p.place.path: p for p in problems_of(path)}
    assert set(found) == {
        "server.prot", "server.threads", "catalogue", "catalog.refresh_minutes",
        "catalog.rules[0].allow", "catalog.rules[0].alow", "log.level",
    }  # fmt: skip
    prot = found["server.prot"]
    assert (prot.place.url, prot.place.line, prot.place.column) == (str(path), 2, 3)
    assert prot.remedy == "Did you mean `port`?"
    assert found["catalogue"].remedy == "Did you mean `catalog`?"
    assert 'expected a whole number, got "many" (text)' in found["server.threads"].message
    assert found["server.threads"].place.line == 3
    assert "'debug', 'info', 'warning' or 'error'" in found["log.level"].message
    assert found["catalog.rules[0].alow"].remedy == "Did you mean `allow`?"


def test_a_key_like_no_other_lists_the_valid_ones(write):
    (problem,) = problems_of(write("jobs:\n  zzz: 1\n"))
    assert problem.remedy == "Valid keys here: `concurrency`, `keep_days`."


def test_the_place_of_results_is_no_key_of_the_file(write):
    (problem,) = problems_of(write("rooms: {}\n"))
    assert "Unknown key" in problem.message


def test_malformed_yaml_is_a_problem_with_a_line(write):
    (problem,) = problems_of(write("server:\n  port: [1\nother: {\n"))
    assert problem.place.line
    assert problem.remedy


@pytest.mark.parametrize("text", ["- a\n", "just text\n", "a: 1\n---\nb: 2\n"])
def test_a_file_that_is_not_one_mapping_is_explained(write, text):
    assert any(p.code in {"config-shape", "config-documents"} for p in problems_of(write(text)))


def test_a_file_that_is_not_there_is_a_problem_when_it_was_asked_for(tmp_path):
    (problem,) = problems_of(tmp_path / "none.yaml")
    assert "cannot be read" in problem.message


def test_an_empty_section_is_fine(write):
    assert load(write("server:\ncatalog:\n")).server.port == 7007


def test_a_wrong_value_in_the_environment_names_the_variable(write):
    (problem,) = problems_of(write("{}"), {"CALLBOARD_SERVER__PORT": "x"})
    assert problem.place.url == "environment variable CALLBOARD_SERVER__PORT"


def test_an_unknown_variable_with_a_section_is_reported_and_others_are_left_alone(write):
    environ = {"CALLBOARD_SERVER__PROT": "1", "CALLBOARD_SOMETHING": "else"}
    (problem,) = problems_of(write("{}"), environ)
    assert problem.remedy == "Did you mean `port`?"


def test_a_wrong_secret_is_not_shown_in_the_message(write):
    (problem,) = problems_of(write("database:\n  url: [hunter2]\n"))
    assert "hunter2" not in str(problem)


def test_relative_paths_start_at_the_file(write, tmp_path):
    assert load(write("data_dir: d\n")).data_dir == tmp_path / "d"


def test_relative_paths_of_the_environment_start_here(write, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    assert load(write("data_dir: d\n"), {"CALLBOARD_DATA_DIR": "e"}).data_dir == Path("/e")


def test_showing_hides_secrets_and_names_sources(write):
    path = write(
        "database: {url: 'postgresql://a:hunter2@h/d'}\n"
        "catalog:\n  reading:\n    hosts:\n      git.example.com: {token: hunter2}\n"
    )
    shown = redacted(load(path, {"CALLBOARD_SERVER__HOST": "::1"}))
    assert "hunter2" not in json.dumps(shown)
    assert shown["database"]["url"] == {"value": HIDDEN, "source": f"{path}:1"}
    assert shown["server"]["host"] == {
        "value": "::1",
        "source": "environment variable CALLBOARD_SERVER__HOST",
    }
    assert shown["server"]["port"] == {"value": 7007, "source": "default"}
    assert shown["catalog"]["reading"]["hosts"]["value"]["git.example.com"]["token"] == HIDDEN


def test_overrides_reach_children_through_the_environment(write):
    overrides = {"server.port": 81, "demo": True, "data_dir": Path("/d"), "server.host": None}
    environ = environment_for(overrides)
    assert environ == {"CALLBOARD_SERVER__PORT": "81", "CALLBOARD_DEMO": "true", "CALLBOARD_DATA_DIR": "/d"}
    config = load(write("{}"), environ)
    assert (config.server.port, config.demo, config.data_dir) == (81, True, Path("/d"))


def test_a_secret_key_is_made_once_whoever_asks_first(tmp_path):
    code = (
        "import sys; from callboard.core.config.load import load_config\n"
        "print(load_config(None, {'CALLBOARD_DATA_DIR': sys.argv[1]}).secret_key)"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "d")], stdout=subprocess.PIPE, text=True,
                         cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
        for _ in range(4)
    ]  # fmt: skip
    keys = {child.communicate(timeout=60)[0].strip() for child in children}
    assert len(keys) == 1
    assert len(keys.pop()) > 50
    place = tmp_path / "d" / "secrets"
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert stat.S_IMODE((place / "secret_key").stat().st_mode) == 0o600


def test_a_data_directory_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="CALLBOARD_SECRET_KEY"):
        load_config(None, {"CALLBOARD_DATA_DIR": str(tmp_path / "file" / "d")})
