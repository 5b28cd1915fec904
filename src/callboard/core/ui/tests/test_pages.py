from __future__ import annotations

import pytest


def test_a_page_stands_in_the_shell(signed_in):
    answer = signed_in.get("/sample/table")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "<title>Catalog &amp; friends · Callboard</title>" in text
    assert 'aria-current="page" data-nav-link' in text


def test_htmx_gets_the_part_that_changes(signed_in):
    text = signed_in.get("/sample/table", headers={"HX-Request": "true", "HX-Boosted": "true"}).content.decode()
    assert text.startswith("<title>Catalog &amp; friends · Callboard</title>")
    assert "<html" not in text
    assert 'data-nav="/sample/table"' in text
