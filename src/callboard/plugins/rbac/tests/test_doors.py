"""The doors of access: its API, the shapes of the community's plugin, pages, tools, streams."""

from __future__ import annotations

import json
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.test import Client

from callboard.plugins.rbac.clients.streams import otlp, syslog_line
from callboard.plugins.rbac.contributions.doors import contributions as doors
from callboard.plugins.rbac.models import AccessRequest, Grant, Policy, StreamPosition
from callboard.plugins.rbac.services import policies, requests
from callboard.plugins.rbac.services.streaming import entry_data, send_audit
from callboard.plugins.rbac.settings import FileStream, OpenTelemetryStream, SyslogStream, WebhookStream
from callboard.plugins.rbac.tests.worlds import ADMINISTRATORS, OWN, role
from callboard.sdk.audit import AuditEntry, record
from callboard.sdk.auth import OPERATOR, act_as, create_user, principal_of
from callboard.sdk.contributions import McpTool
from callboard.sdk.permissions import NotAllowedError

pytestmark = pytest.mark.django_db
READERS = role("readers", ["people"], {"allow": "catalog.entity.read"}, {"allow": "rbac.request.create"})
AUDITORS = role("auditors", [], {"allow": "admin.audit.read"}, title="Auditors")
DOCUMENT = {"name": "Ours", "roles": [ADMINISTRATORS, READERS, AUDITORS]}


def send(client, method, path, body=None, **headers):
    data = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    return client.generic(method, path, **data, **headers)


def post(client, path, body, status=200):
    answer = send(client, "POST", path, body)
    assert answer.status_code == status, answer.content
    return answer.json() if answer.content else None


# --- The API --------------------------------------------------------------------------


def test_a_policy_lives_its_life_through_the_api(administering):
    made = post(administering, "/api/rbac/policies", {"document": DOCUMENT}, 201)
    address = f"/api/rbac/policies/{made['id']}"
    assert administering.get(address).json()["problems"] == []
    changed = {**DOCUMENT, "description": "Who may do what"}
    answer = send(administering, "PUT", address, {"document": changed, "revision": 1})
    assert answer.json()["revision"] == 2
    assert send(administering, "PUT", address, {"document": changed, "revision": 1}).status_code == 409
    assert administering.get(f"{address}/preview").json()["locked_out"] is False
    assert administering.get(f"{address}/diff").json()["roles_added"]
    assert b"name: Ours" in administering.get(f"{address}/yaml").content
    assert post(administering, f"{address}/publish", {"note": "go"})["version"] == 1
    assert send(administering, "DELETE", address).status_code == 400
    told = post(administering, "/api/rbac/test", {"who": "root", "permission": "catalog.entity.read"})
    assert told["result"] == "ALLOW"
    assert told["roles"][0]["because"] == ["Administrators"]
    who = administering.get("/api/rbac/reports/who-can?permission=admin.audit.read").json()["items"]
    assert [item["ref"] for item in who if item["result"] == "ALLOW"] == ["user:default/root"]
    assert administering.get("/api/rbac/reports/what-can?who=root").json()["items"]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/api/rbac/policies", {"document": {"roles": [{"name": "!"}]}}, "roles[0].name"),
        ("/api/rbac/policies", {"yaml": "roles: {"}, "policy.yaml"),
        ("/api/rbac/policies", {"document": DOCUMENT, "status": "published"}, "status"),
        ("/api/rbac/requests", {"role": "auditors", "reason": "x", "days": 5, "state": "approved"}, "state"),
        ("/api/rbac/requests", {"role": "auditors", "reason": "x", "days": 5, "who": "user:default/root"}, "who"),
        ("/api/permission/roles", {"name": "role:default/x", "memberReferences": [], "decisions": []}, "decisions"),
    ],
)
def test_what_does_not_belong_in_a_request_is_refused_with_its_place(administering, path, body, said):
    answer = send(administering, "POST", path, body)
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


def test_every_operation_is_closed_to_whoever_may_not(signed_in, in_force, root, client):
    """Each operation of the room is tried as nobody and as somebody without the permission, on things that exist."""
    in_force(**DOCUMENT)
    with act_as(OPERATOR, "cli"):
        row = policies.begin_draft()
    with act_as(principal_of(root), "ui"):
        asked = requests.ask_for_access("auditors", "For the audit", 3)
    grant = Grant.objects.create(role="auditors", member="user:default/eve", until="2100-01-01T00:00Z", created_by="x")
    values = {"policy_id": str(row.pk), "request_id": str(asked.pk), "grant_id": str(grant.pk), "namespace": "default", "name": "readers", "condition_id": "1"}  # fmt: skip
    open_to_people = {"GET /api/rbac/requests", "POST /api/rbac/requests", "POST /api/permission/authorize"}
    before = [list(model.objects.order_by("pk").values()) for model in (Policy, AccessRequest, Grant)]
    found = {}
    for prefix in ("rbac", "permission"):
        document = signed_in.get(f"/api/{prefix}/openapi.json").json()
        for path, operations in document["paths"].items():
            for method in operations.keys() & {"get", "post", "put", "patch", "delete"}:
                if "/.well-known/" in path:
                    continue
                address = re.sub(r"\{(\w+)\}", lambda m: values[m[1]], path)
                body = None if method == "get" else example(document, operations[method])
                query = "?permission=x&who=root" if "reports" in path else ""
                name = f"{method.upper()} {path}"
                assert send(Client(), method.upper(), address + query, body).status_code == 401, name
                found[name] = send(signed_in, method.upper(), address + query, body).status_code
    strange = {
        name: status for name, status in found.items() if name not in open_to_people and status not in {403, 404}
    }
    assert strange == {}
    assert len(found) > 30
    assert [list(model.objects.order_by("pk").values()) for model in (Policy, AccessRequest, Grant)] == before


def example(document, operation):
    """Answer a body that fits, so that nothing but the permission can be in its way."""
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return _example(document, schema) if schema else {}


def _example(document, schema):
    if "$ref" in schema:
        return _example(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return _example(document, schema["anyOf"][0])
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        required = schema.get("required", ())
        return {
            name: _example(document, part) for name, part in schema.get("properties", {}).items() if name in required
        }
    if kind == "array":
        return [_example(document, schema["items"])]
    return {"integer": 1, "boolean": True, "string": "allow", "number": 1, "object": {}}.get(kind, "x")


def test_people_see_their_own_requests_alone(signed_in, in_force, root, ada):
    in_force(**DOCUMENT)
    eve = create_user("eve")
    with act_as(principal_of(eve), "ui"):
        foreign = requests.ask_for_access("auditors", "Mine", 3)
    assert signed_in.get("/api/rbac/requests").json() == {"own": [], "to_decide": []}
    assert send(signed_in, "POST", f"/api/rbac/requests/{foreign.pk}/withdraw", {}).status_code == 404
    assert send(signed_in, "POST", f"/api/rbac/requests/{foreign.pk}/decide", {"approve": True}).status_code == 403
    page = signed_in.get("/access/requests").content.decode()
    assert "eve" not in page


# --- The community's shapes --------------------------------------------------------------


def test_scripts_for_the_communitys_plugin_work_unchanged(administering, in_force):
    in_force(**DOCUMENT)
    post(administering, "/api/permission/roles", {"name": "role:default/team-a", "memberReferences": ["group:default/team-a"], "metadata": {"description": "Team A"}}, 201)  # fmt: skip
    role_ = administering.get("/api/permission/roles/role/default/team-a").json()
    assert role_[0]["memberReferences"] == ["group:default/team-a"]
    assert role_[0]["metadata"]["description"] == "Team A"
    policy_ = {
        "entityReference": "role:default/team-a",
        "permission": "catalog.entity.create",
        "policy": "create",
        "effect": "allow",
    }
    post(administering, "/api/permission/policies", [policy_], 201)
    assert send(administering, "POST", "/api/permission/policies", [policy_]).status_code == 409
    assert administering.get("/api/permission/policies/role/default/team-a").json() == [
        {**policy_, "metadata": {"source": "rest"}}
    ]
    condition = {
        "result": "CONDITIONAL", "roleEntityRef": "role:default/team-a", "pluginId": "catalog", "resourceType": "catalog-entity",
        "permissionMapping": ["update", "delete"],
        "conditions": {"rule": "IS_ENTITY_OWNER", "resourceType": "catalog-entity", "params": {"claims": ["$ownerRefs"]}},
    }  # fmt: skip
    number = post(administering, "/api/permission/roles/conditions", condition, 201)["id"]
    found = administering.get(f"/api/permission/roles/conditions/{number}").json()
    assert {**found, "permissionMapping": sorted(found["permissionMapping"])} == {
        **condition, "id": number, "permissionMapping": ["delete", "update"],
    }  # fmt: skip
    stored = Policy.objects.get(status="published").document["roles"][-1]["decisions"]
    assert stored[0] == {"allow": {"action": ["update", "delete"], "resource": ["catalog-entity"]}, "if": OWN}
    assert send(administering, "DELETE", f"/api/permission/roles/conditions/{number}").status_code == 204
    assert send(administering, "DELETE", "/api/permission/policies/role/default/team-a", [policy_]).status_code == 204
    new = {
        "oldRole": {"name": "role:default/team-a", "memberReferences": []},
        "newRole": {"name": "role:default/team-b", "memberReferences": ["user:default/ada"]},
    }
    assert send(administering, "PUT", "/api/permission/roles/role/default/team-a", new).status_code == 200
    assert send(administering, "DELETE", "/api/permission/roles/role/default/team-b").status_code == 204
    assert administering.get("/api/permission/roles/role/default/team-b").status_code == 404
    assert "catalog" in administering.get("/api/permission/plugins/id").json()["ids"]
    rules = {
        item["pluginId"]: item["rules"] for item in administering.get("/api/permission/plugins/condition-rules").json()
    }
    assert "IS_ENTITY_OWNER" in [rule["name"] for rule in rules["catalog"]]
    assert administering.get("/api/permission/plugins/policies").json()
    assert AuditEntry.objects.filter(action="rbac.policy.publish").count() == 8


def test_the_community_doors_lock_nobody_out_and_leave_nothing_half_done(administering, in_force):
    in_force(**DOCUMENT)
    before = Policy.objects.count()
    answer = send(administering, "DELETE", "/api/permission/roles/role/default/portal-administrator")
    assert answer.status_code == 400
    assert "lock everybody out" in answer.json()["error"]["message"]
    assert Policy.objects.count() == before


# --- Pages ------------------------------------------------------------------------------


def test_a_team_lead_builds_a_role_and_publishes_it(administering, ada):
    begun = administering.post("/admin/access/begin", {})
    address = begun["Location"]
    administering.post(f"{address}/-/roles", {"ready": "viewer", "name": "Fruit team"})
    role_page = f"{address}/roles/fruit-team"
    assert b"May see everything" in administering.get(role_page).content
    administering.post(
        f"{role_page}/-/add-member", {"member": "Ada Lovelace (user:default/ada)", "until": "2099-01-01"}
    )
    assert b"user:default/ada" in administering.get(role_page).content
    form = {
        "effect": "allow", "scope": "name", "name": "catalog.entity.delete", "conditional": "on", "k.0": "all",
        "k.0.0": "rule", "r.0.0": "IS_ENTITY_KIND", "p.0.0.kinds": "Component, API", "n.0.0": "on",
        "k.0.1": "rule", "r.0.1": "IS_ENTITY_OWNER", "s.0.1.claims": "$ownerRefs", "was.0.1": "IS_ENTITY_OWNER",
    }  # fmt: skip
    looked = administering.post(
        f"{role_page}/-/decisions/new", {**form, "do": "look"}, HTTP_HX_REQUEST="true"
    ).content.decode()
    assert "it is not so that its kind is Component or API and they or their teams own it" in looked
    grown = administering.post(
        f"{role_page}/-/decisions/new", {**form, "do": "group:0"}, HTTP_HX_REQUEST="true"
    ).content.decode()
    assert 'name="k.0.2.0"' in grown
    shrunk = administering.post(
        f"{role_page}/-/decisions/new", {**form, "do": "remove:0.0"}, HTTP_HX_REQUEST="true"
    ).content.decode()
    assert "IS_ENTITY_OWNER" in shrunk
    assert "k.0.1" not in shrunk
    administering.post(f"{role_page}/-/decisions/new", {**form, "do": "save"})
    stored = Policy.objects.get().document["roles"][1]["decisions"][-1]
    assert stored["if"]["allOf"][0] == {"not": {"rule": "IS_ENTITY_KIND", "params": {"kinds": ["Component", "API"]}}}
    edited = administering.get(f"{role_page}/-/decisions/2").content.decode()
    assert 'value="Component, API"' in edited
    administering.post(f"{role_page}/-/up", {"place": "2"})
    assert Policy.objects.get().document["roles"][1]["decisions"][1] == stored
    for tab in ("roles", "changes", "differences", "text", "settings"):
        assert administering.get(f"{address}?tab={tab}").status_code == 200
    published = administering.post(f"{address}/-/publish", {"note": "go", "revision": Policy.objects.get().revision})
    assert published.status_code == 302
    assert Policy.objects.get().status == "published"


def test_a_form_that_cannot_be_saved_says_why(administering):
    address = administering.post("/admin/access/begin", {})["Location"]
    administering.post(f"{address}/-/roles", {"ready": "", "name": "empty"})
    answer = administering.post(
        f"{address}/roles/empty/-/decisions/new", {"do": "save", "scope": "name", "name": "../x"}
    )
    assert answer.status_code == 422
    assert b"no permission" in answer.content
    answer = administering.post(f"{address}/-/text", {"yaml": "roles: [{name: a, decisions: [{}]}]"})
    assert answer.status_code == 422
    assert b"line 1" in answer.content


def test_a_denied_page_offers_to_ask_for_access(signed_in, in_force, ada, administering):
    in_force(**DOCUMENT)
    refused = signed_in.get("/admin/audit")
    assert refused.status_code == 403
    link = re.search(r'href="(/access/ask\?[^"]+)"', refused.content.decode())[1].replace("&amp;", "&")
    page = signed_in.get(link).content.decode()
    assert "Auditors" in page
    assert "Readers" not in page
    signed_in.post(
        "/access/ask",
        {
            "role": "auditors",
            "reason": "The audit",
            "days": "3",
            "permission": "admin.audit.read",
            "page": "/admin/audit",
        },
    )
    asked = AccessRequest.objects.get()
    assert b"The audit" in administering.get("/access/requests").content
    administering.post(f"/access/requests/{asked.pk}/approve", {"days": "2"})
    assert signed_in.get("/admin/audit").status_code == 200


@pytest.mark.parametrize(
    "page", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example", "evil"]
)
def test_the_way_back_leads_nowhere_else(signed_in, in_force, page):
    with act_as(OPERATOR, "cli"):
        create_user("boss", administrator=True)
    in_force(**DOCUMENT)
    answer = signed_in.get("/access/ask", {"permission": "admin.audit.read", "page": page}).content.decode()
    links = re.findall(r'href="([^"]*)"', answer)
    assert [link for link in links if "evil" in link or "javascript:" in link] == []
    assert 'name="page" value=""' in answer


def test_view_as_shows_what_the_person_sees_and_changes_nothing(administering, ada, root):
    assert administering.get("/admin/users").status_code == 200
    assert administering.post("/admin/access/view-as", {"ref": "user:default/ada"})["Location"] == "/"
    page = administering.get("/settings")
    assert b"You see the portal as Ada Lovelace does" in page.content
    assert administering.get("/admin/users").status_code == 403
    before = AuditEntry.objects.count()
    for path, data in (
        ("/admin/users", {"username": "eve"}),
        ("/catalog/-/star", {"ref": "x:y/z"}),
        ("/api/rbac/policies", {}),
    ):
        assert administering.post(path, data, content_type="application/json").status_code == 403
    assert AuditEntry.objects.count() == before
    administering.get("/admin/access/view-as/stop")
    assert administering.get("/admin/users").status_code == 200
    said = list(
        AuditEntry.objects.filter(action__startswith="rbac.view-as")
        .order_by("id")
        .values_list("action", "actor", "target")
    )
    assert said == [
        ("rbac.view-as.start", "user:default/root", "user:default/ada"),
        ("rbac.view-as.stop", "user:default/root", "user:default/ada"),
    ]


def test_view_as_ends_when_the_permission_is_withdrawn(administering, ada, root):
    administering.post("/admin/access/view-as", {"ref": "user:default/ada"})
    root.is_superuser = False
    root.save()
    assert b"You see the portal as" not in administering.get("/settings").content


def test_reports_come_as_files_that_no_spreadsheet_runs(administering, in_force):
    create_user("evil", name="=cmd()")
    in_force(**DOCUMENT)
    text = administering.get("/admin/access/reports?permission=catalog.entity.read&format=csv").content.decode()
    assert text.startswith("ref,name,decision,reason")
    assert "'=cmd()" in text
    assert "catalog.entity.read" in administering.get("/admin/access/reports?who=root&format=csv").content.decode()


def test_the_community_files_are_imported_with_what_was_left_out(administering):
    from django.core.files.uploadedfile import SimpleUploadedFile

    file = SimpleUploadedFile("rbac-policy.csv", b"p, role:default/a, catalog-entity, read, allow\nnonsense\n")
    answer = administering.post("/admin/access/begin", {"from": "file", "file": file}, follow=True)
    assert b"1 lines were left out" in answer.content
    assert Policy.objects.get().document["roles"][0]["name"] == "a"


# --- Tools ------------------------------------------------------------------------------

TOOLS = [item for item in doors if isinstance(item, McpTool)]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.id)
def test_a_tool_asks_for_its_permission(tool, ada, root, in_force):
    row = in_force(**DOCUMENT)
    arguments = {"id": str(row.pk), "document": DOCUMENT, "who": "root", "permission": "catalog.entity.read", "role": "auditors", "reason": "x", "approve": True}  # fmt: skip
    own = tool.id in {"rbac.list-requests", "rbac.ask-for-access"}
    with act_as(principal_of(ada), "agent"):
        if own:
            assert tool.call(arguments)
        else:
            with pytest.raises(NotAllowedError):
                tool.call(arguments)
    assert tool.permission


def test_agents_do_what_people_do(root):
    call = {tool.id: tool.call for tool in TOOLS}
    with act_as(principal_of(root), "agent"):
        row = call["rbac.save-policy-draft"]({"document": DOCUMENT})
        assert call["rbac.preview-policy"]({"id": row["id"]})["people"] == 1
        assert call["rbac.publish-policy"]({"id": row["id"], "note": "go"})["version"] == 1
        assert call["rbac.read-policy"]({})["name"] == "Ours"
        assert call["rbac.explain-decision"]({"who": "root", "permission": "admin.audit.read"})["result"] == "ALLOW"
        assert call["rbac.who-can"]({"permission": "admin.audit.read"}) == [
            {"ref": "user:default/root", "on_some": False, "reason": "the role Portal administrators allows it"}
        ]
        assert call["rbac.what-can"]({"who": "root"})


# --- Streams ----------------------------------------------------------------------------


@pytest.fixture
def receiver():
    taken = []

    class Handler(BaseHTTPRequestHandler):
        status = 200

        def do_POST(self):
            taken.append((self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(Handler.status)
            self.end_headers()

        def log_message(self, *_arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    server.taken, server.answer = taken, lambda status: setattr(Handler, "status", status)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def streams():
    settings = policies.settings()

    def use(*wanted, allow=("127.0.0.1",)):
        settings.streams, settings.stream_allow = list(wanted), list(allow)

    yield use
    settings.streams, settings.stream_allow = [], []


def test_the_record_grows_into_a_file_once_and_in_order(streams, tmp_path):
    path = tmp_path / "audit.jsonl"
    streams(FileStream(name="siem", type="file", path=str(path)))
    for n in range(3):
        record("rbac.test", f"thing {n}")
    assert send_audit() == {"siem": 3}
    assert send_audit() == {"siem": 0}
    record("rbac.test", "thing 3")
    send_audit()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["target"] for line in lines] == ["thing 0", "thing 1", "thing 2", "thing 3"]
    assert path.stat().st_mode & 0o077 == 0


def test_an_entry_whose_number_was_taken_early_and_written_late_is_sent_as_well(streams, tmp_path):
    path = tmp_path / "audit.jsonl"
    streams(FileStream(name="siem", type="file", path=str(path)))
    record("rbac.test", "first")
    send_audit()
    last = AuditEntry.objects.latest("pk").pk
    AuditEntry.objects.create(pk=last + 2, actor="x", door="cli", action="rbac.test", target="early")
    send_audit()
    AuditEntry.objects.create(pk=last + 1, actor="x", door="cli", action="rbac.test", target="late")
    assert send_audit() == {"siem": 1}
    assert [json.loads(line)["target"] for line in path.read_text().splitlines()] == ["first", "early", "late"]


def test_a_webhook_is_signed_and_nothing_is_lost_while_it_is_down(streams, receiver):
    url = f"http://127.0.0.1:{receiver.server_port}/audit"
    streams(WebhookStream(name="hook", type="webhook", url=url, secret="s3cret"))
    record("rbac.test", "one")
    receiver.answer(500)
    assert send_audit() == {"hook": 0}
    assert "500" in StreamPosition.objects.get().error
    receiver.answer(200)
    record("rbac.test", "two")
    assert send_audit() == {"hook": 2}
    _path, headers, body = receiver.taken[-1]
    assert [entry["target"] for entry in json.loads(body)] == ["one", "two"]
    assert headers["Callboard-Signature"].startswith("t=")
    assert StreamPosition.objects.get().error == ""


def test_a_stream_reaches_no_private_address_that_is_not_allowed(streams, receiver):
    streams(WebhookStream(name="hook", type="webhook", url=f"http://127.0.0.1:{receiver.server_port}/"), allow=())
    record("rbac.test", "one")
    assert send_audit() == {"hook": 0}
    assert receiver.taken == []
    assert "not a public address" in StreamPosition.objects.get().error


def test_opentelemetry_collectors_understand_what_is_sent(streams, receiver):
    from google.protobuf import json_format
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    streams(
        OpenTelemetryStream(
            name="otel", type="opentelemetry", endpoint=f"http://127.0.0.1:{receiver.server_port}/v1/logs"
        )
    )
    record("rbac.policy.publish", "policy", outcome="denied")
    assert send_audit() == {"otel": 1}
    message = json_format.Parse(receiver.taken[0][2], ExportLogsServiceRequest())
    entry = message.resource_logs[0].scope_logs[0].log_records[0]
    assert entry.severity_text == "WARN"
    assert {a.key: a.value.string_value for a in entry.attributes}["event.name"] == "rbac.policy.publish"
    assert entry.time_unix_nano > 1_700_000_000 * 10**9
    assert otlp([])["resourceLogs"][0]["scopeLogs"][0]["logRecords"] == []


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_syslog_servers_get_messages_of_rfc_5424(streams, protocol):
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        if protocol == "tcp":
            server.listen(1)
        streams(
            SyslogStream(name="log", type="syslog", host="127.0.0.1", port=server.getsockname()[1], protocol=protocol)
        )
        record("rbac.test", "one")
        assert send_audit() == {"log": 1}
        if protocol == "udp":
            data = server.recv(65536)
        else:
            connection, _address = server.accept()
            with connection:
                connection.settimeout(5)
                data = connection.recv(65536)
            length, _, data = data.partition(b" ")
            assert len(data) == int(length)
    head, _, body = data.partition(b"\xef\xbb\xbf")
    assert re.fullmatch(rb"<110>1 \S+ \S+ callboard - rbac\.test - ", head)
    assert json.loads(body)["target"] == "one"
    assert syslog_line(entry_data(AuditEntry.objects.get())).startswith(b"<110>1 ")
