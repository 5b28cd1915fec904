"""Templates in the shapes that are used in the wild: forms, steps and files come out as expected."""

import pytest

from callboard.plugins.scaffolder.services.dry_runs import dry_run
from callboard.plugins.scaffolder.services.template_tests import run_template_tests
from callboard.plugins.scaffolder.tests.stage import ANN, template
from callboard.plugins.scaffolder.types.answers import Sent, read_answers
from callboard.plugins.scaffolder.types.forms import Asking, build_fields, object_fields
from callboard.plugins.scaffolder.types.schema import check, resolve, with_defaults
from callboard.plugins.scaffolder.types.tasks import ScaffolderError
from callboard.sdk.auth import act_as

pytestmark = pytest.mark.django_db


def titles(schema, values):
    return [
        f.title
        for f in object_fields(build_fields(schema, with_defaults(schema, values, schema) or {}, Asking(schema)))
    ]


def problems(schema, values):
    return {(".".join(map(str, m.path)), m.keyword) for m in check(schema, values)}


def run(steps, values=None, files=None, **spec):
    import base64

    contents = [{"path": p, "base64Content": base64.b64encode(c.encode()).decode()} for p, c in (files or {}).items()]
    with act_as(ANN, "api"):
        found = dry_run(template(steps=steps, **spec), values or {}, {}, contents)
    out = {f["path"]: base64.b64decode(f["base64Content"]).decode() for f in found["directoryContents"]}
    return found, out


DEPENDENT = {
    "properties": {"cloud": {"type": "string", "enum": ["aws", "gcp", "none"]}},
    "dependencies": {
        "cloud": {
            "oneOf": [
                {
                    "properties": {"cloud": {"enum": ["aws"]}, "account": {"type": "string", "title": "Account"}},
                    "required": ["account"],
                },
                {"properties": {"cloud": {"enum": ["gcp"]}, "project": {"type": "string", "title": "Project"}}},
                {"properties": {"cloud": {"enum": ["none"]}}},
            ]
        }
    },
}
NESTED = {
    "properties": {"use": {"type": "boolean", "default": False}},
    "dependencies": {
        "use": {
            "oneOf": [
                {"properties": {"use": {"const": True}, "kind": {"type": "string", "title": "Kind", "enum": ["a", "b"], "default": "a"}},
                 "dependencies": {"kind": {"oneOf": [
                     {"properties": {"kind": {"const": "a"}, "alpha": {"type": "string", "title": "Alpha"}}, "required": ["alpha"]},
                     {"properties": {"kind": {"const": "b"}, "beta": {"type": "string", "title": "Beta"}}}]}}},
                {"properties": {"use": {"const": False}}},
            ]
        }
    },
}  # fmt: skip


def test_a_branch_hangs_on_an_answer():
    assert titles(DEPENDENT, {}) == ["cloud"]
    assert titles(DEPENDENT, {"cloud": "aws"}) == ["cloud", "Account"]
    assert titles(DEPENDENT, {"cloud": "gcp"}) == ["cloud", "Project"]
    assert problems(DEPENDENT, {"cloud": "aws"}) == {("account", "required")}
    assert problems(DEPENDENT, {"cloud": "aws", "account": "1"}) == set()


def test_branches_inside_of_branches():
    assert titles(NESTED, {}) == ["use"]
    assert titles(NESTED, {"use": True}) == ["use", "Kind", "Alpha"]
    assert titles(NESTED, {"use": True, "kind": "b"}) == ["use", "Kind", "Beta"]
    assert with_defaults(NESTED, {"use": True}, NESTED) == {"use": True, "kind": "a"}
    assert problems(NESTED, {"use": True, "kind": "a"}) == {("alpha", "required")}


def test_if_then_else_and_all_of():
    schema = {
        "properties": {"env": {"type": "string", "default": "dev"}},
        "allOf": [
            {"if": {"properties": {"env": {"const": "prod"}}}, "then": {"properties": {"oncall": {"type": "string", "title": "On call"}}, "required": ["oncall"]},
             "else": {"properties": {"ttl": {"type": "integer", "title": "TTL", "default": 7}}}},
            {"properties": {"always": {"type": "boolean", "title": "Always"}}},
        ],
    }  # fmt: skip
    assert titles(schema, {"env": "prod"}) == ["env", "On call", "Always"]
    assert titles(schema, {}) == ["env", "TTL", "Always"]
    assert with_defaults(schema, {}, schema) == {"env": "dev", "ttl": 7}
    assert problems(schema, {"env": "prod"}) == {("oncall", "required")}


def test_definitions_and_references():
    schema = {
        "definitions": {"port": {"type": "integer", "minimum": 1, "maximum": 65535, "title": "Port"}},
        "properties": {
            "http": {"$ref": "#/definitions/port", "default": 8080},
            "list": {"type": "array", "items": {"$ref": "#/definitions/port"}},
        },
    }
    assert with_defaults(schema, {"list": [1]}, schema) == {"http": 8080, "list": [1]}
    assert titles(schema, {"list": [1]}) == ["Port", "list", "Port"]
    assert problems(schema, {"http": 0}) == {("http", "minimum")}
    loop = {
        "definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"$ref": "#/definitions/a"}},
        "properties": {"x": {"$ref": "#/definitions/a"}},
    }
    assert titles(loop, {}) == ["x"]
    tree = {
        "definitions": {"n": {"type": "object", "properties": {"n": {"$ref": "#/definitions/n"}}}},
        "properties": {"n": {"$ref": "#/definitions/n"}},
    }
    assert len(titles(tree, {})) < 20


def test_any_of_between_objects_and_a_choice_of_constants():
    schema = {
        "properties": {
            "target": {"type": "object", "oneOf": [
                {"title": "K8s", "properties": {"cluster": {"type": "string", "title": "Cluster"}}, "required": ["cluster"]},
                {"title": "VM", "properties": {"host": {"type": "string", "title": "Host"}}, "required": ["host"]}]},
            "size": {"oneOf": [{"const": 1, "title": "Small"}, {"const": 2, "title": "Big"}]},
        }
    }  # fmt: skip
    fields = object_fields(build_fields(schema, {"target": {"host": "x"}, "size": 2}, Asking(schema)))
    assert [f.title for f in fields] == ["target", "Host", "size"]
    assert fields[0].branches == [("0", "K8s", False), ("1", "VM", True)]
    assert fields[2].choices == [("1", "Small", False), ("2", "Big", True)]
    sent = Sent({"f/target:shape": ["0"], "f/target/cluster": ["c1"], "f/size": ["1"]})
    assert read_answers(schema, sent, {"target": {"host": "x"}}, Asking(schema)) == {
        "target": {"cluster": "c1"},
        "size": 1,
    }


def test_resolving_keeps_what_has_no_conditions():
    plain = {"type": "string", "enum": ["a"]}
    assert resolve(plain, None, {}) == plain


def test_conditional_steps_with_each_and_outputs():
    steps = [
        {
            "id": "envs",
            "action": "data:query",
            "each": "${{ parameters.envs }}",
            "input": {"data": {"n": "${{ each.value.name | upper }}"}, "expression": "n"},
        },
        {"id": "skip", "if": "${{ parameters.envs | length > 5 }}", "action": "debug:log", "input": {"message": "no"}},
        {
            "action": "debug:log",
            "if": "${{ steps.envs.output.result }}",
            "input": {"message": "${{ steps['envs'].output.result | join('+') }}"},
        },
    ]
    found, _ = run(
        steps, {"envs": [{"name": "dev"}, {"name": "prod"}]}, output={"all": "${{ steps.envs.output.result }}"}
    )
    assert found["output"] == {"all": ["DEV", "PROD"]}
    assert "DEV+PROD" in [e["body"]["message"] for e in found["log"]]


def test_files_with_loops_macros_and_braces_of_others():
    files = {
        "skeleton/${{ values.pkg | replace('.', '/') }}/Main.java": "package ${{ values.pkg }};\n{%- for d in values.deps %}\nimport ${{ d.group }}.${{ d.name }};\n{%- endfor %}\n",
        "skeleton/.github/ci.yml": "run: {% raw %}${{ github.sha }}{% endraw %} {{ helm }}\n",
        "skeleton/Chart.yaml": "name: {{ .Values.name }} ${{ values.name | dump }}\n",
        "skeleton/kept/${{ values.name }}.tpl": "${{ values.name }}",
    }
    steps = [
        {
            "action": "fetch:template",
            "input": {
                "url": "./skeleton",
                "copyWithoutTemplating": ["kept/**", "Chart.yaml"],
                "values": {"pkg": "org.acme.shop", "name": "shop", "deps": "${{ parameters.deps }}"},
            },
        }
    ]
    _, out = run(steps, {"deps": [{"group": "a", "name": "B"}]}, files)
    assert out == {
        "org/acme/shop/Main.java": "package org.acme.shop;\nimport a.B;\n",
        ".github/ci.yml": "run: ${{ github.sha }} {{ helm }}\n",
        "Chart.yaml": "name: {{ .Values.name }} ${{ values.name | dump }}\n",
        "kept/shop.tpl": "${{ values.name }}",
    }


def test_cookiecutter_compat():
    files = {
        "t/{{cookiecutter.name}}/x.py": "NAME = '{{ cookiecutter.name }}'\nD = {{ cookiecutter.d | jsonify }}\n{%- if cookiecutter.flag == 'yes' %}\nF = 1\n{%- endif %}\n"
    }
    steps = [
        {
            "action": "fetch:template",
            "input": {
                "url": "./t",
                "cookiecutterCompat": True,
                "values": {"name": "app", "d": {"k": [1]}, "flag": "yes"},
            },
        }
    ]
    assert run(steps, {}, files)[1] == {"app/x.py": "NAME = 'app'\nD = {\"k\":[1]}\nF = 1\n"}


def test_repository_filters_in_steps():
    steps = [
        {
            "id": "a",
            "action": "data:query",
            "input": {"data": "${{ parameters.repoUrl | parseRepoUrl }}", "expression": "@"},
        },
        {
            "action": "debug:log",
            "input": {
                "message": "${{ parameters.repoUrl | projectSlug }} ${{ (parameters.repoUrl | parseRepoUrl).host }} ${{ parameters.owner | parseEntityRef({ defaultKind: 'Group' }) | pick('name') }}"
            },
        },
    ]
    found, _ = run(steps, {"repoUrl": "github.com?owner=acme&repo=shop", "owner": "rigging"})
    assert "acme/shop github.com rigging" in [e["body"]["message"] for e in found["log"]]


def test_authors_test_their_templates(tmp_path):
    place = tmp_path / "t"
    (place / "skeleton").mkdir(parents=True)
    (place / "skeleton" / "a.txt").write_text("hi ${{ values.n }}")
    import yaml

    steps = [{"action": "fetch:template", "input": {"url": "./skeleton", "values": {"n": "${{ parameters.n }}"}}}]
    parameters = {"required": ["n"], "properties": {"n": {"type": "integer"}}}
    (place / "template.yaml").write_text(yaml.safe_dump(template(steps=steps, parameters=parameters)))
    with act_as(ANN, "cli"):
        with pytest.raises(ScaffolderError, match="there is no"):
            run_template_tests(place)
        cases = [
            {"name": "good", "values": {"n": 1}, "expect": {"files": {"a.txt": "hi 1"}, "absent": ["b*"]}},
            {
                "name": "bad content",
                "values": {"n": 2},
                "expect": {"files": {"a.txt": {"contains": "hi 3", "lacks": "hi"}}},
            },
            {"name": "missing", "values": {"n": 2}, "expect": {"files": {"b.txt": None}}},
            {"name": "refused", "values": {"n": "x"}, "expect": {"invalid": ["n"]}},
            {"name": "not refused", "values": {"n": 1}, "expect": {"invalid": ["n"]}},
            {"name": "wrong", "values": {"n": "x"}},
        ]
        (place / "template.test.yaml").write_text(yaml.safe_dump({"cases": cases}))
        results = run_template_tests(tmp_path)
    assert [(r.case, r.passed, len(r.problems)) for r in results] == [
        ("good", True, 0), ("bad content", False, 2), ("missing", False, 1), ("refused", True, 0), ("not refused", False, 1), ("wrong", False, 1),
    ]  # fmt: skip
