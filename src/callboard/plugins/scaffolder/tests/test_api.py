"""The HTTP API: the paths, bodies and permissions that scripts written for the original use."""

import base64
import json

import pytest
from django.test import Client

from callboard.plugins.scaffolder.models import Task
from callboard.plugins.scaffolder.tests.stage import BOB, publish, run, start, template, work
from callboard.sdk.auth import OPERATOR, act_as, create_token
from callboard.sdk.permissions import DefaultPolicy, Not, RuleUse, only_if, use_policy

pytestmark = pytest.mark.django_db
BASE = "/api/scaffolder"


class Api:
    def __init__(self, *scopes):
        with act_as(OPERATOR, "cli"):
            _, token = create_token("script", list(scopes or ("read", "write")), None)
        self.headers = {"Authorization": f"Bearer {token}"}
        self.client = Client()

    def get(self, path, **query):
        return self.client.get(BASE + path, query, headers=self.headers)

    def post(self, path, body=None):
        return self.client.post(
            BASE + path, json.dumps(body or {}), content_type="application/json", headers=self.headers
        )


@pytest.fixture
def api():
    return Api()


@pytest.fixture
def ref(tmp_path):
    pages = [
        {
            "title": "Who",
            "required": ["name"],
            "properties": {"name": {"type": "string", "title": "Name", "ui:autofocus": True}},
        },
        {"title": "Secret", "backstage:permissions": {"tags": ["inner"]}, "properties": {"n": {"type": "integer"}}},
    ]
    steps = [
        {"id": "say", "name": "Say it", "action": "debug:log", "input": {"message": "hello ${{ parameters.name }}"}},
        {
            "id": "inner",
            "action": "debug:log",
            "input": {"message": "inner"},
            "backstage:permissions": {"tags": ["inner"]},
        },
    ]
    more = {
        "presentation": {"buttonLabels": {"createButtonText": "Go"}},
        "output": {"text": [{"title": "T", "content": "c"}]},
    }
    return publish(tmp_path, template(parameters=pages, steps=steps, **more))


def test_the_questions_of_a_template(api, ref):
    answer = api.get("/v2/templates/default/template/t/parameter-schema")
    assert answer.status_code == 200
    body = answer.json()
    assert body["title"] == "T"
    assert body["presentation"] == {"buttonLabels": {"createButtonText": "Go"}}
    assert [step["title"] for step in body["steps"]] == ["Who", "Secret"]
    assert body["steps"][0]["schema"]["properties"]["name"]["ui:autofocus"] is True
    assert api.get("/v2/templates/default/template/none/parameter-schema").status_code == 404
    assert api.get("/v2/templates/default/component/t/parameter-schema").status_code == 400


def test_actions_and_extensions_are_listed(api):
    actions = {action["id"]: action for action in api.get("/v2/actions").json()}
    assert {
        "fetch:template",
        "fetch:plain",
        "catalog:register",
        "debug:log",
        "fs:delete",
        "publish:git",
    } <= actions.keys()
    assert actions["fetch:template"]["schema"]["input"]["required"] == ["url"]
    assert "steps:" in actions["debug:log"]["examples"][0]["example"]
    extensions = api.get("/v2/templating-extensions").json()
    assert {"parseRepoUrl", "parseEntityRef", "pick", "projectSlug", "dump"} <= extensions["filters"].keys()
    assert extensions["globals"].keys() == {"functions", "values"}


def test_a_task_from_start_to_end(api, ref):
    made = api.post("/v2/tasks", {"templateRef": ref, "values": {"name": "shop"}})
    assert made.status_code == 201, made.content
    task_id = made.json()["id"]
    assert api.get(f"/v2/tasks/{task_id}").json()["status"] == "open"
    assert work() == 1
    task = api.get(f"/v2/tasks/{task_id}").json()
    assert task["status"] == "completed"
    assert task["spec"]["parameters"] == {"name": "shop"}
    assert task["spec"]["steps"][0] == {
        "id": "say", "name": "Say it", "action": "debug:log", "input": {"message": "hello ${{ parameters.name }}"},
    }  # fmt: skip
    assert task["createdAt"].endswith("Z")
    events = api.get(f"/v2/tasks/{task_id}/events").json()
    assert any(e["body"]["message"] == "hello shop" and e["body"]["stepId"] == "say" for e in events)
    statuses = [(e["body"]["stepId"], e["body"]["status"]) for e in events if "status" in e["body"]]
    assert statuses[:2] == [("say", "processing"), ("say", "completed")]
    assert (events[-1]["type"], events[-1]["body"]["output"]) == (
        "completion",
        {"text": [{"title": "T", "content": "c"}]},
    )
    after = events[-2]["id"]
    assert [e["id"] for e in api.get(f"/v2/tasks/{task_id}/events", after=after).json()] == [events[-1]["id"]]


def test_the_event_stream_ends_with_the_task_and_goes_on_where_it_was(api, ref):
    task = run(ref, {"name": "shop"})
    stream = b"".join(api.get(f"/v2/tasks/{task.pk}/eventstream").streaming_content).decode()
    blocks = [
        dict(line.split(": ", 1) for line in block.split("\n"))
        for block in stream.strip().split("\n\n")
        if "data" in block
    ]
    assert blocks[-1]["event"] == "completion"
    assert json.loads(blocks[-1]["data"])["taskId"] == str(task.pk)
    last = api.client.get(
        f"{BASE}/v2/tasks/{task.pk}/eventstream", headers={**api.headers, "Last-Event-ID": blocks[-2]["id"]}
    )
    assert b"".join(last.streaming_content).decode().count("data:") == 1


def test_wrong_answers_are_json_schema_errors(api, ref):
    answer = api.post("/v2/tasks", {"templateRef": ref, "values": {"n": "x"}})
    assert answer.status_code == 400
    errors = answer.json()["errors"]
    assert [(e["name"], e["property"], e["argument"]) for e in errors] == [
        ("required", "instance.name", "name"),
        ("type", "instance.n", None),
    ]
    for body in ({}, {"templateRef": ref}, {"templateRef": 3, "values": {}}, {"templateRef": ref, "values": []}):
        assert api.post("/v2/tasks", body).status_code == 400
    assert api.post("/v2/tasks", {"templateRef": "template:default/none", "values": {}}).status_code == 404


def test_tasks_are_listed_filtered_ordered_and_cut(api, ref):
    run(ref, {"name": "a"})
    run(ref, {"name": "b"}, who=BOB)
    body = api.get("/v2/tasks").json()
    assert (body["totalTasks"], len(body["tasks"])) == (2, 2)
    assert api.get("/v2/tasks", createdBy="user:default/bob").json()["totalTasks"] == 1
    assert api.get("/v2/tasks", status="failed").json() == {"tasks": [], "totalTasks": 0}
    names = [
        t["spec"]["parameters"]["name"] for t in api.get("/v2/tasks", order="asc:created_at", limit=1).json()["tasks"]
    ]
    assert names == ["a"]
    assert api.get("/v2/tasks", order="asc:secrets").status_code == 400
    assert api.get("/v2/tasks", status="nonsense").status_code == 400


def test_cancel_and_retry(api, ref):
    task = start(ref, {"name": "x"})
    assert api.post(f"/v2/tasks/{task.pk}/cancel").json() == {"status": "cancelled"}
    assert api.post(f"/v2/tasks/{task.pk}/cancel").status_code == 409
    assert api.post(f"/v2/tasks/{task.pk}/retry").status_code == 201
    work()
    assert api.get(f"/v2/tasks/{task.pk}").json()["status"] == "completed"
    assert api.post("/v2/tasks/nonsense/retry").status_code == 404


def test_a_dry_run_answers_log_and_files(api):
    steps = [
        {
            "id": "f",
            "action": "fetch:template",
            "input": {"url": "./skeleton", "values": {"name": "${{ parameters.name }}"}},
        },
        {"id": "r", "action": "catalog:register", "input": {"catalogInfoUrl": "https://x.example/catalog-info.yaml"}},
        {"id": "p", "action": "publish:git", "input": {"remoteUrl": "https://git.example/x.git"}},
    ]
    files = [
        {
            "path": "skeleton/${{ values.name }}.txt",
            "base64Content": base64.b64encode(b"hi ${{ values.name }}").decode(),
        }
    ]
    body = {"template": template(steps=steps), "values": {"name": "shop"}, "secrets": {}, "directoryContents": files}
    answer = api.post("/v2/dry-run", body)
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert [(f["path"], base64.b64decode(f["base64Content"])) for f in found["directoryContents"]] == [
        ("shop.txt", b"hi shop")
    ]
    assert [entry["body"]["status"] for entry in found["log"] if "status" in entry["body"]] == ["completed"] * 3
    assert any("Would push" in entry["body"]["message"] for entry in found["log"])
    assert not Task.objects.exists()
    broken = {**body, "template": {**body["template"], "apiVersion": "v0"}}
    assert api.post("/v2/dry-run", broken).status_code == 400


def test_one_action_by_itself(api):
    answer = api.post("/v2/actions/roadiehq:utils:fs:write/run", {"input": {"path": "a", "content": "b"}})
    assert answer.json()["directoryContents"] == [{"path": "a", "base64Content": base64.b64encode(b"b").decode()}]
    assert api.post("/v2/actions/none/run", {"input": {}}).status_code == 400


def test_a_reading_token_starts_nothing(ref):
    reader = Api("read")
    assert reader.get("/v2/actions").status_code == 200
    assert reader.post("/v2/tasks", {"templateRef": ref, "values": {"name": "x"}}).status_code == 403
    assert reader.post("/v2/actions/debug:log/run", {"input": {}}).status_code == 403
    assert not Task.objects.exists()


@pytest.fixture
def policy():
    """Let a test put conditions on permissions."""
    conditions = {}

    class Conditional(DefaultPolicy):
        def decide(self, permission, who):
            return conditions.get(permission.id) or super().decide(permission, who)

    use_policy(Conditional())
    yield conditions
    use_policy(DefaultPolicy())


def test_pages_and_steps_with_tags_are_kept_from_some(api, ref, policy):
    without = only_if(Not(RuleUse("HAS_TAG", "scaffolder-template", {"tag": "inner"})), "no inner parts")
    policy["scaffolder.template.parameter.read"] = policy["scaffolder.template.step.read"] = without
    body = api.get("/v2/templates/default/template/t/parameter-schema").json()
    assert [step["title"] for step in body["steps"]] == ["Who"]
    task_id = api.post("/v2/tasks", {"templateRef": ref, "values": {"name": "x"}}).json()["id"]
    assert [step["id"] for step in Task.objects.get(pk=task_id).spec["steps"]] == ["say"]


def test_an_action_may_be_kept_from_some(api, ref, policy):
    policy["scaffolder.action.execute"] = only_if(
        Not(RuleUse("HAS_ACTION_ID", "scaffolder-action", {"actionId": "debug:log"})), "no logging"
    )
    task_id = api.post("/v2/tasks", {"templateRef": ref, "values": {"name": "x"}}).json()["id"]
    work()
    task = Task.objects.get(pk=task_id)
    assert task.status == "failed"
    assert "no logging" in task.error
    policy["scaffolder.action.execute"] = only_if(
        RuleUse("HAS_STRING_PROPERTY", "scaffolder-action", {"key": "message", "value": "fine"}), "only fine words"
    )
    assert api.post("/v2/actions/debug:log/run", {"input": {"message": "fine"}}).status_code == 200
    assert api.post("/v2/actions/debug:log/run", {"input": {"message": "rude"}}).status_code == 403
    policy["scaffolder.action.execute"] = only_if(Not(RuleUse("NOBODY_KNOWS", "scaffolder-action", {})), "unknown rule")
    assert api.post("/v2/actions/debug:log/run", {"input": {"message": "fine"}}).status_code == 403


def test_people_may_be_shown_their_own_tasks_only(api, ref, policy):
    mine = run(ref, {"name": "a"})
    other = start(ref, {"name": "b"}, who=BOB)
    own = only_if(RuleUse("IS_TASK_OWNER", "scaffolder-task", {"createdBy": ["user:default/ann"]}), "their own")
    policy["scaffolder.task.read"] = own
    policy["scaffolder.task.cancel"] = own
    assert [t["id"] for t in api.get("/v2/tasks").json()["tasks"]] == [str(mine.pk)]
    for method, path in (
        ("get", ""),
        ("get", "/events"),
        ("get", "/eventstream"),
        ("post", "/cancel"),
        ("post", "/retry"),
    ):
        assert getattr(api, method)(f"/v2/tasks/{other.pk}{path}").status_code == 404
    policy.pop("scaffolder.task.read")
    assert api.post(f"/v2/tasks/{other.pk}/cancel").status_code == 403
