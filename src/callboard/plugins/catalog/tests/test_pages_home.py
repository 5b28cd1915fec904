"""What the first page says of a catalog that holds something."""

from datetime import timedelta

import pytest
from django.utils import timezone

from callboard.plugins.catalog.models import Entity
from callboard.plugins.catalog.tests.engine import process
from callboard.plugins.catalog.tests.pages import COMPANY, Browser, company, text_of

pytestmark = pytest.mark.django_db


def test_what_a_person_and_their_groups_own_is_counted_and_linked(tmp_path):
    company(tmp_path)
    page = Browser().get("/")
    assert "You and your groups own Components 3 APIs 1 Systems 1" in text_of(page)
    html = page.content.decode()
    assert "/catalog?kind=component&amp;filters[owner]=user:default/ann&amp;filters[owner]=group:default/apples" in html


def test_what_is_starred_stands_on_the_first_page(tmp_path):
    company(tmp_path)
    ann = Browser()
    assert "What you star" in text_of(ann.get("/"))
    ann.post("/catalog/-/star", {"star": "1 component:default/till"})
    assert "Starred till Component" in text_of(ann.get("/"))


def test_a_problem_in_what_is_owned_needs_attention_of_its_owner_alone(tmp_path):
    source = company(tmp_path)
    path = tmp_path / "catalog-info.yaml"
    path.write_text(COMPANY.replace("spec: {type: library,", "spec: {type: [],"))
    process(source)
    page = text_of(Browser().get("/"))
    assert "Needs attention" in page
    assert "spec.type" in page
    assert "Needs attention" not in text_of(Browser("stranger").get("/"))


def test_a_person_whom_nobody_describes_is_told_how_to_be_known(tmp_path):
    company(tmp_path)
    assert "No User entity describes your account" in text_of(Browser("stranger").get("/"))


def test_what_changed_last_comes_first(tmp_path):
    company(tmp_path)
    # A test is one transaction, in which everything happens at once.
    Entity.objects.filter(name="till").update(changed_at=timezone.now() + timedelta(minutes=1))
    page = text_of(Browser().get("/"))
    assert page.index("Changed lately, yours") < page.index("till") < page.index("peel")
