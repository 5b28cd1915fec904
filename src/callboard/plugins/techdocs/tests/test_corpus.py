"""Folders of other people's shapes build unchanged and read well."""

from urllib.parse import quote

import pytest

from callboard.plugins.techdocs.models import DocPage
from callboard.plugins.techdocs.tests.corpus import CORPUS, TELLS
from callboard.plugins.techdocs.tests.workshop import article, words


@pytest.mark.parametrize("name", sorted(TELLS))
def test_a_folder_of_another_shape_builds_and_reads(name, workshop, ann):
    ref = workshop.entity(name, CORPUS[name])
    workshop.register()
    site = workshop.build(ref)
    assert (site.state, site.error) == ("built", ""), workshop.log
    for path, text in TELLS[name]:
        html = ann.html(
            f"/docs/default/component/{name}/{quote(path)}".rstrip("/") + ("/" if path.endswith("/") else "")
        )
        assert text in words(html), (path, words(article(html)))
    assert not [page.broken for page in DocPage.objects.filter(site=site) if page.broken]


def test_a_broken_configuration_names_its_line(workshop):
    ref = workshop.entity("broken", CORPUS["broken"])
    workshop.register()
    site = workshop.build(ref)
    assert site.state == "failed"
    assert "mkdocs.yml, line 4" in site.error


def test_markup_of_material_survives(workshop, ann):
    ref = workshop.entity("kitchen", CORPUS["admonitions-and-tabs"])
    workshop.register()
    workshop.build(ref)
    html = article(ann.html("/docs/default/component/kitchen"))
    for piece in (
        'class="admonition warning"', "<summary>A trick</summary>", 'class="tabbed-set tabbed-alternate"',
        'type="radio"', "task-list-indicator", 'class="footnote-ref"', "<mark>", "<sub>", "<ins>", "<del>", "<dl>",
        '<abbr title="Keep it simple">', "😄",
    ):  # fmt: skip
        assert piece in html, piece
    assert "cdnjs" not in html


def test_diagrams_are_drawn_as_pictures_or_handed_to_mermaid(workshop, ann):
    ref = workshop.entity("maps", CORPUS["diagrams"])
    workshop.register()
    workshop.build(ref)
    html = article(ann.html("/docs/default/component/maps"))
    assert 'data-island="mermaid"' in html
    assert 'src="data:image/svg+xml;base64,' in html


def test_a_prune_of_the_navigation_does_not_hide_pages(workshop, ann):
    ref = workshop.entity("harbour", CORPUS["nested-navigation"])
    workshop.register()
    workshop.build(ref)
    page = ann.text("/docs/default/component/harbour")
    for title in ("Morning", "Evening", "Tides", "Elsewhere"):
        assert title in page


def test_entities_share_documentation(workshop, ann):
    workshop.entity("harbour", CORPUS["nested-navigation"])
    workshop.write(
        {
            "catalog-info.yaml": """\
                apiVersion: backstage.io/v1alpha1
                kind: Component
                metadata:
                  name: pier
                  annotations:
                    backstage.io/techdocs-entity: component:default/harbour
                    backstage.io/techdocs-entity-path: /running/tides
                spec: {type: service, lifecycle: production, owner: writers}
                """
        },
        under="pier",
    )
    workshop.register()
    workshop.build("component:default/harbour")
    answer = ann.get("/docs/default/component/pier")
    assert answer["Location"] == "/docs/default/component/harbour/running/tides/"
    assert "Sand." in ann.text("/catalog/default/component/pier/docs")


def test_an_api_is_its_own_documentation(workshop, ann):
    definition = CORPUS["readme-alone"]["openapi.yaml"].replace("\n", "\n    ")
    workshop.write(
        {
            "catalog-info.yaml": "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {name: hammer}\nspec:\n"
            f"  type: openapi\n  lifecycle: production\n  owner: writers\n  definition: |\n    {definition}\n"
        },
        under="hammer",
    )
    workshop.register()
    site = workshop.build("api:default/hammer")
    assert (site.state, site.kind) == ("built", "openapi")
    assert "/nails" in ann.text("/docs/default/api/hammer")
