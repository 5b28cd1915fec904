"""Every operation of every API, tried as nobody, as another person, as the owner and as an administrator.

An operation that `expectations.py` does not know fails the test: whoever adds one says who may use it, and the review
sees it. What people own here is Ada's: an entity of her team, a task she started, a question she was asked.
"""

import json
import re

import pytest
from django.test import Client

from callboard.plugins.catalog.models import Entity
from callboard.plugins.catalog.tests.engine import process, register, write
from callboard.plugins.signin.models import Client as Program
from callboard.plugins.signin.models import ProviderRow
from callboard.sdk import auth
from tests.access.expectations import EXPECTED, Who
from tests.access.operations import operations

pytestmark = pytest.mark.django_db
CATALOG = """\
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: owners}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: ada}
spec: {profile: {email: ada@example.com}, memberOf: [owners]}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: eve}
spec: {memberOf: []}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: thing}
spec: {type: service, lifecycle: production, owner: owners}
---
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {name: say}
spec:
  type: service
  owner: owners
  parameters: []
  steps: [{id: one, name: One, action: "debug:log", input: {message: hello}}]
"""


@pytest.fixture
def people(tmp_path):
    process(register(write(tmp_path / "catalog.yaml", CATALOG)))
    made = {
        "other": auth.create_user("eve", password="correct horse battery"),
        "owner": auth.create_user("ada", password="correct horse battery", email="ada@example.com"),
        "administrator": auth.create_user("root", password="correct horse battery", administrator=True),
    }
    clients = {"anonymous": Client()}
    for name, user in made.items():
        clients[name] = Client()
        clients[name].force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return clients


@pytest.fixture
def values(people):
    """Ids of what is Ada's, by the name of the parameter, and by operation where a name means several things."""
    program = Program.objects.create(id="program", name="Program", redirect_uris=["http://127.0.0.1/x"])
    grant = program.grants.create(
        scopes=["read"], redirect_uri="http://127.0.0.1/x", challenge="c", expires_at="2099-01-01T00:00:00Z"
    )
    ProviderRow.objects.create(id="idp", settings={"type": "github"}, changed_by="test")
    task = people["owner"].post(
        "/api/scaffolder/v2/tasks",
        json.dumps({"templateRef": "template:default/say", "values": {}}),
        "application/json",
    )
    location = people["owner"].post(
        "/api/catalog/locations",
        json.dumps({"type": "url", "target": "https://example.invalid/catalog-info.yaml"}),
        "application/json",
    )
    policy = people["administrator"].post("/api/rbac/policies", json.dumps(_policy_body()), "application/json")
    people["owner"].put("/api/catalog/sets/adas", json.dumps({"entities": []}), "application/json")
    return {
        "uid": str(Entity.objects.get(ref="component:default/thing").uid),
        "kind": "component",
        "namespace": "default",
        "name": "thing",
        "task_id": task.json().get("id", "x") if task.status_code < 300 else "x",
        "session_id": str(grant.pk),
        "provider_id": "idp",
        "id": location.json().get("location", {}).get("id", "x"),
        "policy_id": str(policy.json().get("id", "x")),
        "request_id": "00000000-0000-0000-0000-000000000000",
        "grant_id": "00000000-0000-0000-0000-000000000000",
        "condition_id": "1",
        "entity_id": "1",
        "endpoint": "Users",
        "resource_id": "00000000-0000-0000-0000-000000000000",
    }


def _policy_body():
    return next(o.body for o in operations() if o.name == "POST /api/rbac/policies")


SPECIAL = {"/api/catalog/sets/{name}": {"name": "adas"}, "/api/catalog/held-deletions/{id}": {"id": "1"}}
"""Where a parameter means something else than elsewhere."""


def test_every_operation_is_in_the_table_and_nothing_else_is():
    known = {operation.name for operation in operations()}
    assert sorted(known - EXPECTED.keys()) == [], "say in tests/access/expectations.py who may use these"
    assert sorted(EXPECTED.keys() - known) == [], "these are gone"
    assert len(known) > 100


def test_an_operation_is_open_to_whom_it_is_meant_for_and_to_nobody_else(people, values):
    wrong = []
    for operation in operations():
        expected = EXPECTED.get(operation.name)
        if expected is None:
            continue  # the test above says so
        got = {name: _as(client, operation, values) for name, client in people.items()}
        if not MEANS[expected.who](got) or any(status >= 500 for status in got.values()):
            wrong.append(f"{operation.name}: meant for {expected.who.value}, got {got}")
    assert wrong == [], "\n".join(wrong)


REFUSED = {403, 404}
MEANS = {
    Who.EVERYBODY: lambda got: got["anonymous"] not in {401, 403},
    Who.BEARER: lambda got: set(got.values()) == {401},
    Who.SIGNED_IN: lambda got: got["anonymous"] == 401 and got["other"] not in {401, 403},
    Who.OWNER: lambda got: got["anonymous"] == 401 and got["other"] in REFUSED and got["owner"] not in {401, 403, 404},
    Who.ADMINISTRATOR: lambda got: (
        got["anonymous"] == 401
        and got["other"] in REFUSED
        and got["owner"] in REFUSED
        and got["administrator"] not in {401, 403}
    ),
    Who.PROGRAM: lambda got: got["anonymous"] == 401 and {got["other"], got["owner"], got["administrator"]} <= {403},
}
"""What each expectation means, in statuses."""


def _as(client, operation, values):
    from django.db import transaction

    point = transaction.savepoint()
    session = dict(client.cookies)
    try:
        return operation.ask(client, {**values, **SPECIAL.get(operation.path, {})})
    finally:
        transaction.savepoint_rollback(point)
        client.cookies.update(session)


def test_a_guest_changes_nothing(values, monkeypatch):
    from callboard.core.config.current import portal_config

    monkeypatch.setattr(portal_config(), "demo", True)
    guest = Client()
    guest.post("/sign-in/guest")
    changed = []
    for operation in operations():
        expected = EXPECTED.get(operation.name)
        if operation.method == "get" or expected is None or expected.reads or expected.who is Who.EVERYBODY:
            continue
        status = _as(guest, operation, values)
        if status not in {401, 403, 404, 400, 422}:
            changed.append(f"{operation.name}: {status}")
    assert changed == []


def test_a_session_of_another_site_changes_nothing(people, values):
    """A browser that is signed in sends its cookie along with whatever another site lets it send."""
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = people["administrator"].cookies
    changed = []
    for operation in operations():
        expected = EXPECTED.get(operation.name)
        if operation.method == "get" or (expected is not None and expected.who is Who.EVERYBODY):
            continue
        status = _as(strict, operation, values)
        if status not in {401, 403}:
            changed.append(f"{operation.name}: {status}")
    assert changed == []


def test_parameters_of_all_operations_are_filled_with_something(values):
    names = {name for operation in operations() for name in re.findall(r"\{([^}]+)\}", operation.path)}
    assert {"uid", "task_id", "session_id", "provider_id"} <= names & values.keys()
