"""A source becomes a site: once, again when it changes, and never worse than it was."""

import time

from callboard.plugins.techdocs.models import DocPage, Remark, Site
from callboard.plugins.techdocs.services.building import request_build
from callboard.plugins.techdocs.services.storing import store
from callboard.sdk.auth import OPERATOR, act_as
from callboard.sdk.jobs import Run

GUIDE = {
    "mkdocs.yml": "site_name: The guide\nsite_description: How it works\nnav: [{Start: index.md}, {More: more.md}]\nplugins: [techdocs-core]\n",
    "docs/index.md": "# Welcome\n\nHello there.\n\n## A part\n\n[More](more.md) and [gone](gone.md)\n",
    "docs/more.md": "# More\n\nWords about bridges.\n\n[a part](index.md#a-part) [no part](index.md#nowhere)\n",
}


def test_a_folder_becomes_pages_in_the_portals_own_shell(workshop, ann):
    ref = workshop.entity("guide", GUIDE)
    workshop.register()
    site = workshop.build(ref)
    assert (site.state, site.title, site.description, site.page_count) == ("built", "The guide", "How it works", 2)
    page = ann.text("/docs/default/component/guide")
    for expected in ("Welcome", "Hello there.", "A part", "More", "1 minute to read", "The Writers"):
        assert expected in page
    assert "Words about bridges." in ann.text("/docs/default/component/guide/more/")


def test_a_page_has_neighbours_contents_and_breadcrumbs(workshop, ann):
    ref = workshop.entity("guide", GUIDE)
    workshop.register()
    workshop.build(ref)
    html = ann.html("/docs/default/component/guide")
    assert 'rel="next" href="/docs/default/component/guide/more/"' in html
    assert 'href="#a-part"' in html
    assert 'rel="prev" href="/docs/default/component/guide"' in ann.html("/docs/default/component/guide/more/")


def test_objects_lie_where_the_original_puts_them(workshop):
    ref = workshop.entity("guide", GUIDE)
    workshop.register()
    workshop.build(ref)
    names = set(store().names("default/component/guide"))
    assert {"index.html", "more/index.html", "search/search_index.json", "techdocs_metadata.json"} <= names


def test_an_unchanged_source_is_not_built_again(workshop):
    ref = workshop.entity("guide", GUIDE)
    workshop.register()
    stamp = workshop.build(ref).stamp
    workshop.build(ref)
    assert workshop.log == "info: The source has not changed."
    assert Site.objects.get(ref=ref).stamp == stamp


def test_a_touched_file_with_the_same_content_is_not_built_again(workshop):
    ref = workshop.entity("guide", GUIDE)
    workshop.register()
    stamp = workshop.build(ref).stamp
    time.sleep(0.02)
    workshop.write({"docs/more.md": GUIDE["docs/more.md"]}, under="guide")
    assert workshop.build(ref).stamp == stamp


def test_a_changed_page_is_built_and_known_to_have_changed(workshop):
    ref = workshop.entity("guide", GUIDE)
    workshop.register()
    before = workshop.build(ref)
    dates = dict(DocPage.objects.values_list("path", "changed_at"))
    workshop.write({"docs/more.md": "# More\n\nWords about tunnels.\n"}, under="guide")
    after = workshop.build(ref)
    assert after.stamp != before.stamp
    now = dict(DocPage.objects.values_list("path", "changed_at"))
    assert now[""] == dates[""]
    assert now["more/"] > dates["more/"]


def test_a_page_that_is_gone_leaves_the_store(workshop, ann):
    ref = workshop.entity("guide", GUIDE)
    workshop.register()
    workshop.build(ref)
    (workshop.folder / "guide/docs/more.md").unlink()
    workshop.write({"mkdocs.yml": "site_name: The guide\nplugins: [techdocs-core]\n"}, under="guide")
    workshop.build(ref)
    assert "more/index.html" not in set(store().names("default/component/guide"))
    assert ann.get("/docs/default/component/guide/more/").status_code == 404


def test_what_fails_is_said_and_the_last_good_build_stays(workshop, ann):
    ref = workshop.entity("guide", GUIDE)
    workshop.register()
    workshop.build(ref)
    workshop.write({"mkdocs.yml": "site_name: [never\n"}, under="guide")
    site = workshop.build(ref)
    assert site.state == "failed"
    assert "mkdocs.yml, line" in site.error
    page = workshop.admin.text("/docs/default/component/guide")
    assert "Hello there." in page
    assert "The latest build failed" in page
    assert "Hello there." in ann.text("/docs/default/component/guide")


def test_a_site_that_never_could_be_built_shows_why_and_its_log(workshop):
    ref = workshop.entity("guide", {"mkdocs.yml": "site_name: x\nstrict: true\n", "docs/index.md": "[gone](gone.md)"})
    workshop.register()
    workshop.build(ref)
    answer = workshop.admin.get("/docs/default/component/guide")
    assert answer.status_code == 404
    page = answer.content.decode()
    assert "could not be built" in page
    assert "gone.md" in page


def test_a_failure_that_is_mended_is_built_again(workshop):
    ref = workshop.entity("guide", {**GUIDE, "mkdocs.yml": "plugins: {"})
    workshop.register()
    assert workshop.build(ref).state == "failed"
    workshop.write({"mkdocs.yml": GUIDE["mkdocs.yml"]}, under="guide")
    site = workshop.build(ref)
    assert (site.state, site.error) == ("built", "")


def test_links_that_lead_nowhere_are_known(workshop):
    ref = workshop.entity("guide", GUIDE)
    workshop.register()
    workshop.build(ref)
    broken = dict(DocPage.objects.values_list("path", "broken"))
    assert broken[""] == [["gone.md", "missing"]]
    assert broken["more/"] == [["#nowhere", "anchor"]]


def test_the_first_view_starts_the_build_once_and_shows_its_log(workshop, ann):
    workshop.entity("guide", GUIDE)
    workshop.register()
    for _ in range(2):
        answer = ann.get("/docs/default/component/guide")
        assert answer.status_code == 200
        assert "is being built" in answer.content.decode()
    assert Run.objects.filter(job="techdocs.build").count() == 1
    assert "Waiting for a worker" in ann.text("/docs/-/log?ref=component:default/guide")


def test_a_build_that_waits_is_not_asked_for_twice(workshop):
    ref = workshop.entity("guide", GUIDE)
    workshop.register()
    with act_as(OPERATOR, "cli"):
        first, second = request_build(ref), request_build(ref)
    assert first.run == second.run


def test_documentation_of_an_entity_that_is_gone_goes_too(workshop):
    ref = workshop.entity("guide", GUIDE)
    workshop.register()
    workshop.build(ref)
    from callboard.plugins.techdocs.services.changes import follow_entities

    follow_entities({"created": [], "changed": [], "removed": [ref]})
    assert not Site.objects.exists()
    assert not list(store().names("default/component/guide"))


def test_a_remark_closes_when_its_page_changes(workshop, ann):
    ref = workshop.entity("guide", GUIDE)
    workshop.register()
    workshop.build(ref)
    for path in ("", "more/"):
        sent = ann.post("/docs/-/remark", {"ref": ref, "path": path, "text": "Which bridges?", "quote": "bridges"})
        assert "Which bridges?" in sent.content.decode()
    workshop.write({"docs/more.md": "# More\n\nWords about the Tower Bridge.\n"}, under="guide")
    workshop.build(ref)
    states = dict(Remark.objects.values_list("path", "state"))
    assert states == {"": "open", "more/": "closed"}
    assert Remark.objects.get(path="more/").closed_because == "the page changed"
