"""Conversion over HTTP and in the browser."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from callboard.plugins.catalog.public import entity_view
from callboard.plugins.importers.tests import samples
from callboard.sdk.auth import OPERATOR, act_as, create_token, create_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser():
    client = Client()
    client.force_login(create_user("root", administrator=True), backend="django.contrib.auth.backends.ModelBackend")
    return client


def post(body):
    _, secret = create_token("t", ["read", "write"], None)
    return Client().post(
        "/api/importers/convert", body, content_type="application/json", headers={"Authorization": f"Bearer {secret}"}
    )


def entity(ref):
    with act_as(OPERATOR, "cli"):
        return entity_view(ref)


def test_the_api_converts_and_reports():
    found = post({"text": samples.OPSLEVEL, "fileName": "x/opslevel.yml"}).json()
    assert found["format"] == "opslevel"
    assert found["entities"][0]["metadata"]["name"] == "shopping-cart"
    assert found["counts"]["dropped"] == sum(n["result"] == "dropped" for n in found["notes"]) > 0
    assert {"line": 5, "path": "component.type", "result": "kept", "to": ""} in found["notes"]
    assert post({"text": "a", "fileName": "a.txt"}).status_code == 400
    assert post({"text": "a: 1", "format": "compass"}).json()["error"]
    table = post({"text": "Thing\nx\n", "format": "csv", "columns": {"Thing": "metadata.name"}}).json()
    assert table["entities"][0]["metadata"]["name"] == "x"


def test_a_person_looks_at_a_file_and_imports_it(browser):
    upload = SimpleUploadedFile("compass.yml", samples.COMPASS.encode())
    page = browser.post("/catalog/import", {"step": "look", "file": upload}).content.decode()
    assert "Import 1 entity" in page
    assert "fields.lifecycle" in page
    assert entity("component:default/checkout-service") is None
    answer = browser.post("/catalog/import", {"step": "import", "format": "compass", "text": samples.COMPASS})
    assert answer.status_code == 302
    assert entity("component:default/checkout-service").title == "Checkout Service"


def test_a_file_is_handed_out_as_a_catalog_file(browser):
    answer = browser.post("/catalog/import", {"step": "yaml", "format": "score", "text": samples.SCORE})
    assert answer.headers["Content-Disposition"] == 'attachment; filename="catalog-info.yaml"'
    assert b"kind: Resource" in answer.content


def test_a_file_of_no_format_says_which_there_are(browser):
    page = browser.post("/catalog/import", {"step": "look", "text": "a"}).content.decode()
    assert "compass.yml" in page
    page = browser.post("/catalog/import", {"step": "look", "format": "cortex", "text": "a: ["}).content.decode()
    assert "Reading ended early" in page
