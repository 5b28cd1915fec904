import json
from typing import Any

import pytest
import yaml

from callboard.lib.problems import Problem
from callboard.plugins.catalog.clients.placeholders import resolve_placeholders
from callboard.plugins.catalog.clients.types import ReadError


class Files:
    """The files beside an entity, and the names that were asked for."""

    def __init__(self, **files: str | bytes) -> None:
        self.files: dict[str, str | bytes] = files
        self.asked: list[str] = []

    def __call__(self, name: str) -> tuple[bytes, str]:
        self.asked.append(name)
        name = name.removeprefix("./")
        if name not in self.files:
            raise ReadError("not-found", f"{name} does not exist.", "Check the name.", url=name)
        content = self.files[name]
        return (content if isinstance(content, bytes) else content.encode()), f"repo/{name}"


def resolve(value: Any, files: dict[str, str | bytes]) -> tuple[Any, list[Problem], list[str]]:
    result, problems, dependencies = resolve_placeholders({"spec": {"definition": value}}, Files(**files))
    return result["spec"]["definition"], problems, dependencies


def test_text_json_and_yaml_are_put_in_place_anywhere() -> None:
    entity = {
        "metadata": {"description": {"$text": "./a.txt"}},
        "spec": {"list": [1, {"$json": "b.json"}], "deep": {"x": {"$yaml": "c.yaml"}}},
    }
    files = Files(**{"a.txt": "\ufeffhello\n", "b.json": '{"a": [1]}', "c.yaml": "k: yes\n"})
    result, problems, dependencies = resolve_placeholders(entity, files)
    assert problems == []
    assert result == {
        "metadata": {"description": "hello\n"},
        "spec": {"list": [1, {"a": [1]}], "deep": {"x": {"k": "yes"}}},
    }
    assert dependencies == ["repo/a.txt", "repo/b.json", "repo/c.yaml"]
    assert entity["metadata"] == {"description": {"$text": "./a.txt"}}


@pytest.mark.parametrize(
    "value", [{"$unknown": "x"}, {"$text": "x", "other": 1}, {"$ref": "#/a"}, {"text": "x"}, {}, []]
)
def test_what_is_no_placeholder_is_left_as_it_is(value: Any) -> None:
    files = Files()
    assert resolve_placeholders({"a": value}, files) == ({"a": value}, [], [])
    assert files.asked == []


def test_what_a_file_holds_is_not_resolved_again() -> None:
    value, problems, _ = resolve({"$yaml": "a.yaml"}, {"a.yaml": "x: {$text: b.txt}"})
    assert (value, problems) == ({"x": {"$text": "b.txt"}}, [])


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"$text": 1}, "placeholder-value"),
        ({"$text": " "}, "placeholder-value"),
        ({"$json": ["a"]}, "placeholder-value"),
        ({"$text": "missing"}, "not-found"),
        ({"$text": "binary"}, "not-text"),
        ({"$text": "null"}, "not-text"),
        ({"$json": "bad.json"}, "json-syntax"),
        ({"$json": "nan.json"}, "json-syntax"),
        ({"$json": "deep.json"}, "too-deep"),
        ({"$yaml": "two.yaml"}, "document-count"),
        ({"$yaml": "empty.yaml"}, "document-count"),
        ({"$yaml": "bad.yaml"}, "yaml-syntax"),
        ({"$openapi": "bad.yaml"}, "yaml-syntax"),
        ({"$openapi": "missing"}, "not-found"),
    ],
)
def test_a_failing_placeholder_is_reported_with_its_path_and_the_rest_goes_on(value: Any, code: str) -> None:
    files: dict[str, str | bytes] = {
        "binary": b"\xff\xfe\x00\x80",
        "null": "a\0b",
        "bad.json": "{",
        "nan.json": '{"a": NaN}',
        "deep.json": "[" * 100_000,
        "two.yaml": "a: 1\n---\nb: 2\n",
        "empty.yaml": "",
        "bad.yaml": "a: [1\nb: }",
        "ok": "fine",
    }
    entity = {"spec": {"items": [value, {"$text": "ok"}]}}
    result, problems, _ = resolve_placeholders(entity, Files(**files), url="repo/catalog-info.yaml")
    assert result == {"spec": {"items": [value, "fine"]}}
    assert [(one.code, one.place.path, one.place.url) for one in problems] == [
        (code, "spec.items[0]", "repo/catalog-info.yaml")
    ]
    assert problems[0].remedy


def test_a_file_named_often_is_read_once_and_too_many_are_refused() -> None:
    files = Files(a="x", **{f"f{index}": "y" for index in range(600)})
    resolve_placeholders({"l": [{"$text": "a"}] * 50}, files)
    assert files.asked == ["a"]
    entity = {"l": [{"$text": f"f{index}"} for index in range(600)]}
    _, problems, _ = resolve_placeholders(entity, files)
    assert {one.code for one in problems} == {"too-many"}
    assert len(problems) == 100


def test_a_description_without_outside_references_keeps_its_words() -> None:
    text = "# a comment\nopenapi: 3.1.0\nx: {$ref: '#/y'}\ny: 1\n"
    assert resolve({"$openapi": "api.yaml"}, {"api.yaml": text}) == (text, [], ["repo/api.yaml"])


OPENAPI = """
openapi: 3.1.0
paths:
  /pets/{id}:
    $ref: ./paths/pet.yaml
  /pets:
    get: {schema: {$ref: 'schemas/pet.yaml#/Pet'}}
components:
  schemas:
    Pet: {$ref: 'schemas/pet.yaml#/Pet'}
    Local: {$ref: '#/components/schemas/Pet'}
"""
PATH = """
get:
  ok: {$ref: '../schemas/pet.yaml#/Pet'}
  error: {$ref: '../schemas/error.json', description: mine}
  home: {$ref: '../api.yaml#/components/schemas/Pet'}
"""
PETS = """
Pet:
  type: object
  properties:
    name: {type: string}
    parent: {$ref: '#/Pet'}
    friend: {$ref: '#/Friend'}
Friend: {allOf: [{$ref: pet.yaml#/Pet}]}
"""


def files_of_an_api() -> dict[str, str | bytes]:
    return {
        "api.yaml": OPENAPI,
        "paths/pet.yaml": PATH,
        "schemas/pet.yaml": PETS,
        "schemas/error.json": '{"type": "object", "description": "theirs"}',
    }


@pytest.mark.parametrize("key", ["$openapi", "$asyncapi"])
def test_outside_references_are_bundled_into_one_document(key: str) -> None:
    text, problems, dependencies = resolve({key: "./api.yaml"}, files_of_an_api())
    assert problems == []
    assert dependencies == [
        "repo/api.yaml",
        "repo/paths/pet.yaml",
        "repo/schemas/pet.yaml",
        "repo/schemas/error.json",
    ]
    bundled = yaml.safe_load(text)
    get = bundled["paths"]["/pets/{id}"]["get"]
    place = "#/paths/~1pets~1%7Bid%7D/get/ok"
    assert get["ok"]["properties"]["name"] == {"type": "string"}
    assert get["ok"]["properties"]["parent"] == {"$ref": place}
    assert get["ok"]["properties"]["friend"] == {"allOf": [{"$ref": place}]}
    assert get["error"] == {"type": "object", "description": "mine"}
    assert get["home"] == {"$ref": "#/components/schemas/Pet"}
    assert bundled["paths"]["/pets"]["get"]["schema"] == {"$ref": place}
    assert bundled["components"]["schemas"]["Pet"] == {"$ref": place}
    assert bundled["components"]["schemas"]["Local"] == {"$ref": "#/components/schemas/Pet"}


def test_every_reference_of_a_bundle_leads_somewhere() -> None:
    text, _, _ = resolve({"$openapi": "api.yaml"}, files_of_an_api())
    bundled = yaml.safe_load(text)

    def check(node: Any) -> int:
        if isinstance(node, list):
            return sum(check(item) for item in node)
        if not isinstance(node, dict):
            return 0
        count = 0
        if isinstance(node.get("$ref"), str):
            value = bundled
            for part in node["$ref"].removeprefix("#/").split("/"):
                key = part.replace("~1", "/").replace("~0", "~").replace("%7B", "{").replace("%7D", "}")
                value = value[int(key)] if isinstance(value, list) else value[key]
            count = 1
        return count + sum(check(item) for item in node.values())

    assert check(bundled) == 6


def test_json_stays_json_and_addresses_are_followed() -> None:
    files: dict[str, str | bytes] = {
        "api.json": '{"openapi": "3.0.0", "a": {"$ref": "https://h/x/s.json#/definitions/A"}}',
        "https://h/x/s.json": '{"definitions": {"A": {"$ref": "t.json"}}}',
        "https://h/x/t.json": '{"type": "string"}',
    }
    text, problems, _ = resolve({"$openapi": "api.json"}, files)
    assert problems == []
    assert json.loads(text) == {"openapi": "3.0.0", "a": {"type": "string"}}


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"api.yaml": "a: {$ref: b.yaml}", "b.yaml": "$ref: c.yaml", "c.yaml": "$ref: b.yaml"}, "reference-cycle"),
        ({"api.yaml": "a: {$ref: b.yaml#/x/y}", "b.yaml": "x: 1"}, "reference-missing"),
        ({"api.yaml": "a: {$ref: gone.yaml}"}, "not-found"),
        ({"api.yaml": "a: {$ref: b.yaml}", "b.yaml": "a: [1\nb: }"}, "yaml-syntax"),
        ({"api.yaml": "a:\n" + "".join(f"  - $ref: f{i}\n" for i in range(250)), **{f"f{i}": "{}" for i in range(250)}}, "too-many"),
        (
            # Each file uses the next twice, in two places: small to write, endless to write out.
            {
                "api.yaml": "a: {$ref: 'f0#/a'}",
                **{f"f{i}": f"a: {{x: {{$ref: 'f{i + 1}#/a'}}}}" for i in range(150)},
                "f150": "a: 1",
            },
            "too-deep",
        ),
        ({"api.yaml": "a: [" + "{$ref: b.yaml}, {$ref: 'b.yaml#/'}]", "b.yaml": "[" + "1," * 600_000 + "1]"}, "too-large"),
    ],
)  # fmt: skip
def test_a_description_that_cannot_be_bundled_is_explained(files: dict[str, str | bytes], code: str) -> None:
    value, problems, _ = resolve({"$openapi": "api.yaml"}, files)
    assert value == {"$openapi": "api.yaml"}
    assert [one.code for one in problems] == [code]
    assert problems[0].remedy
