"""Every API of the portal does what its own OpenAPI document says, whatever is sent to it."""

import os

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from callboard.core.registry.contract import ApiRouter
from callboard.core.registry.store import registry
from callboard.plugins.catalog.tests.engine import component, docs, group, register, write
from callboard.sdk.auth import create_token

pytestmark = [
    pytest.mark.compat,
    pytest.mark.django_db,
    pytest.mark.timeout(600),
    # What the tool warns of while it makes up data is not ours.
    pytest.mark.filterwarnings("ignore"),
]

EXAMPLES = int(os.environ.get("CALLBOARD_FUZZ_EXAMPLES", "15"))
"""How many requests are made up for each operation and kind; raise it to look harder."""

CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]

PREFIXES = sorted(router.prefix for _, router in registry.every(ApiRouter))


@pytest.fixture
def token(tmp_path):
    # As Django's own test client does: the test's transaction goes on between requests.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield made_token(tmp_path)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def made_token(tmp_path):
    register(write(tmp_path / "a.yaml", docs(component("a"), component("b", "''"), group("apples"))))
    return create_token("fuzz", ["read", "write", "admin"], None)[1]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_answers_are_as_documented(prefix, mode, token):
    headers = {"Authorization": f"Bearer {token}"}
    schema = schemathesis.openapi.from_wsgi(f"/api/{prefix}/openapi.json", get_wsgi_application(), headers=headers)
    found: dict[str, str] = {}
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        def send(case):
            # Somebody else's session cookie would only be another way to be refused.
            case.cookies = {}
            case.call_and_validate(headers=headers, checks=CHECKS)

        try:
            fuzz(operation.as_strategy(mode), send)
        except Unsatisfiable:
            # Where any input is right, none can be made up that is wrong.
            assert mode is GenerationMode.NEGATIVE, operation.label
        except Exception as error:
            notes = "\n".join(getattr(error, "__notes__", ()))
            found[operation.label] = f"{error}\n{notes}"[:3000]
        tried += 1
    assert tried > 0
    assert not found, "\n\n".join(f"{label}\n{text}" for label, text in found.items())


def fuzz(strategy, send):
    """Send made-up requests; the same ones each time, so that a failure can be looked at."""

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, print_blob=False,
        phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=strategy)
    def run(case):
        send(case)

    run()
