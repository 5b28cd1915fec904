"""`/api/techdocs` answers as programs written for the original expect, to whoever may see the entity."""

import json

import pytest

from callboard.plugins.techdocs.models import Site
from callboard.plugins.techdocs.services.building import adopt_published
from callboard.plugins.techdocs.settings import TechdocsSettings
from callboard.plugins.techdocs.tests.corpus import CORPUS
from callboard.plugins.techdocs.tests.workshop import Browser
from callboard.sdk.config import portal_config
from callboard.sdk.contributions import Job
from callboard.sdk.jobs import JobContext, Run
from callboard.sdk.plugins import contribution

API = "/api/techdocs"
PLACE = "default/component/harbour"


@pytest.fixture
def harbour(workshop):
    ref = workshop.entity("harbour", CORPUS["nested-navigation"])
    workshop.register()
    return ref


def test_metadata_of_a_site(workshop, harbour, ann):
    assert ann.get(f"{API}/metadata/techdocs/{PLACE}").status_code == 404
    workshop.build(harbour)
    found = ann.get(f"{API}/metadata/techdocs/{PLACE}").json()
    assert found["site_name"] == "Harbour handbook"
    assert {"build_timestamp", "files", "etag", "site_description"} <= found.keys()
    assert "index.html" in found["files"]
    assert isinstance(found["build_timestamp"], int)


def test_metadata_of_its_entity(harbour, ann):
    found = ann.get(f"{API}/metadata/entity/{PLACE}").json()
    assert found["metadata"]["name"] == "harbour"
    assert found["locationMetadata"]["type"] == "file"
    answer = ann.get(f"{API}/metadata/entity/default/component/nobody")
    assert answer.status_code == 404
    assert answer.json()["error"]["name"] == "NotFoundError"


def test_files_of_a_site(workshop, harbour, ann):
    workshop.build(harbour)
    answer = ann.get(f"{API}/static/docs/{PLACE}/search/search_index.json")
    assert answer["Content-Type"].startswith("application/json")
    assert answer.json()["docs"]
    again = ann.get(f"{API}/static/docs/{PLACE}/search/search_index.json", headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304
    missing = ann.get(f"{API}/static/docs/{PLACE}/nothing.css")
    assert (missing.status_code, missing.content) == (404, b"File Not Found")


def test_nobody_reads_without_signing_in(workshop, harbour, client):
    workshop.build(harbour)
    for path in (f"static/docs/{PLACE}/index.html", f"metadata/techdocs/{PLACE}", f"sync/{PLACE}"):
        assert client.get(f"{API}/{path}").status_code == 401
    assert client.get(f"/docs/{PLACE}").status_code == 302


def events(answer):
    text = b"".join(answer.streaming_content).decode()
    blocks = [block.split("\n") for block in text.strip().split("\n\n") if block.startswith("event:")]
    return [(block[0].removeprefix("event: "), json.loads(block[1].removeprefix("data: "))) for block in blocks]


@pytest.mark.django_db(transaction=True)
def test_sync_streams_the_log_and_says_whether_something_is_new(workshop, harbour, ann):
    for expected in (True, False):
        answer = ann.get(f"{API}/sync/{PLACE}")
        assert answer["Content-Type"] == "text/event-stream"
        run = Run.objects.filter(job="techdocs.build").latest("queued_at")
        context = JobContext(run.pk, run.pk)
        contribution(Job, "techdocs.build").run(context, **run.arguments)
        Run.objects.filter(pk=run.pk).update(state="succeeded")
        found = events(answer)
        assert found[-1] == ("finish", {"updated": expected})


def test_sync_of_what_has_no_documentation_is_404(workshop, ann):
    workshop.register()
    assert ann.get(f"{API}/sync/default/group/writers").status_code == 404
    assert ann.get(f"{API}/sync/default/component/nobody").status_code == 404


@pytest.fixture
def external():
    rooms = portal_config().rooms
    before = rooms["techdocs"]
    rooms["techdocs"] = TechdocsSettings(builder="external")
    yield
    rooms["techdocs"] = before


def test_a_site_that_a_pipeline_published_is_read(workshop, harbour, ann, external, tmp_path):
    from callboard.plugins.techdocs.services.folders import publish_folder
    from callboard.plugins.techdocs.services.storing import store

    built = tmp_path / "built"
    (built / "guide").mkdir(parents=True)
    page = "<html><title>{0} - X</title><article class='md-content__inner'><h1>{0}</h1><p>{1}</p></article></html>"
    (built / "index.html").write_text(page.format("Published", "By a pipeline."))
    (built / "guide/index.html").write_text(page.format("Guide", "Step one."))
    (built / "techdocs_metadata.json").write_text('{"site_name": "From CI", "build_timestamp": 1, "etag": "abc"}')
    answer = ann.get(f"/docs/{PLACE}")
    assert answer.status_code == 404
    assert "No pipeline has published" in answer.content.decode()
    Site.objects.update(checked_at=None)
    publish_folder(store(), PLACE, built)
    assert "By a pipeline." in ann.text(f"/docs/{PLACE}")
    assert "Step one." in ann.text(f"/docs/{PLACE}/guide/")
    assert Site.objects.get().title == "From CI"
    assert events(ann.get(f"{API}/sync/{PLACE}")) == [("finish", {"updated": False})]
    assert adopt_published(harbour).kind == "published"


def test_only_its_owner_or_author_closes_a_remark(workshop, harbour, ann):
    workshop.build(harbour)
    ann.post("/docs/-/remark", {"ref": harbour, "path": "", "text": "Where is the map?"})
    from callboard.plugins.techdocs.models import Remark

    remark = Remark.objects.get()
    bob = Browser("bob")
    assert bob.post("/docs/-/close", {"remark": remark.pk}).status_code == 404
    assert "Where is the map?" in workshop.admin.text("/docs/-/care?report=remarks&whose=all")
    assert ann.post("/docs/-/close", {"remark": remark.pk}).status_code == 200
    remark.refresh_from_db()
    assert remark.state == "closed"


def test_votes_count_once_a_person(workshop, harbour, ann):
    workshop.build(harbour)
    for helpful in ("yes", "no", "yes"):
        ann.post("/docs/-/vote", {"ref": harbour, "path": "", "helpful": helpful})
    page = Browser("bob").text(f"/docs/-/vote?ref={harbour}&path=")
    assert "Yes 1" in page
    assert "No 1" not in page


def test_finding_in_one_site_leads_to_the_section(workshop, harbour, ann):
    workshop.build(harbour)
    html = ann.html(f"/docs/-/find?ref={harbour}&q=sand")
    assert f'href="/docs/{PLACE}/running/tides/#low-water"' in html
    assert "<mark>Sand</mark>" in html


def test_the_shelf_and_the_reports_open(workshop, harbour, ann):
    workshop.build(harbour)
    assert "Harbour handbook" in ann.text("/docs")
    assert "Harbour handbook" in ann.text("/docs?whose=owned&sort=popular&text=harbour")
    assert "No documentation matches" in ann.text("/docs?text=nothing-like-it")
    for report in ("remarks", "failed", "broken", "stale"):
        assert ann.get(f"/docs/-/care?report={report}").status_code == 200


def test_sections_are_found_by_the_portals_search(workshop, harbour):
    from callboard.plugins.techdocs.search import documents
    from callboard.sdk.auth import SYSTEM, act_as

    workshop.build(harbour)
    with act_as(SYSTEM, "system"):
        found = {item.location: item for item in documents()}
    section = found[f"/docs/{PLACE}/running/tides/#low-water"]
    assert (section.title, section.text) == ("Low water", "Sand.")
    assert section.authorization_ref == harbour
    assert section.fields["owner"] == "group:default/writers"
