from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Template, engines
from django.test import RequestFactory
from django_cotton.compiler_regex import CottonCompiler

from callboard.core.ui import assets
from callboard.core.ui.highlight import highlight_code
from callboard.core.ui.markdown import LIMIT, markdown
from callboard.core.ui.paging import keyset_page, offset_page, page_size
from callboard.core.ui.templatetags.callboard import query_string
from callboard.core.ui.times import as_datetime, relative_time

SOURCE = Path(settings.BASE_DIR)
NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)


def drawn(text, **context):
    return engines["django"].from_string(CottonCompiler().process(text)).render(context)


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=7), "7 minutes ago"),
        (timedelta(hours=3), "3 hours ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=44), "44 days ago"),
        (timedelta(days=90), "Dec. 5, 2025"),
        (-timedelta(seconds=3), "in a moment"),
        (-timedelta(hours=2), "in 2 hours"),
    ],
)
def test_times_are_said_the_way_people_do(before, words):
    assert relative_time(NOW - before, NOW) == words


def test_times_are_read_from_what_there_is():
    assert as_datetime("2026-03-05T12:00:00Z") == NOW
    assert as_datetime(date(2026, 3, 5)) == NOW - timedelta(hours=12)
    assert as_datetime("soon") is None
    assert as_datetime("2026-99-99") is None
    assert as_datetime(None) is None


def test_markdown_keeps_what_documents_need():
    html = markdown("# Title\n\n**b** `c`\n\n| a |\n|---|\n| 1 |\n\n```yaml\na: 1\n```\n\n[x](https://e.com)")
    assert "<h2>Title</h2>" in html
    assert "<strong>b</strong>" in html
    assert '<th scope="col">a</th>' in html
    assert '<span class="nt">a</span>' in html
    assert 'rel="noopener noreferrer nofollow"' in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "<a href='data:text/html,<script>alert(1)</script>'>a</a>",
        "<div style='position:fixed'>a</div>",
        "<iframe src=https://evil.example></iframe>",
        "<svg><script>alert(1)</script></svg>",
        "<form action=/x><input></form>",
        "<b hx-get='/x' data-confirm='y' hx-trigger='load'>a</b>",
        '```"><script>alert(1)</script>\nx\n```',
    ],
)
def test_markdown_of_an_enemy_is_harmless(text):
    html = markdown(text)
    assert not re.search(r"<(script|iframe|svg|form|input)|<[^>]*(onerror|javascript:|style=|hx-|data-|data:)", html)


def test_markdown_without_end_is_cut():
    assert len(markdown("a " * LIMIT)) < LIMIT * 1.1


def test_markdown_as_deep_as_it_gets_is_answered():
    assert markdown(">" * 5000 + "a")
    assert markdown("[" * 5000)


def test_code_is_escaped_whatever_its_language():
    for language in ("html", "yaml", "no-such-language", ""):
        assert "<script>" not in highlight_code("<script>alert(1)</script>", language)


def test_a_page_past_the_end_is_the_last_one():
    page = offset_page(RequestFactory().get("/x?page=99&q=a"), list(range(30)), size=12)
    assert list(page) == list(range(24, 30))
    assert (page.first, page.last, page.total, page.number) == (25, 30, 30, 3)
    assert page.next_url == ""
    assert page.previous_url == "?q=a&page=2"


@pytest.mark.parametrize("asked", ["0", "-1", "x", "", "²", "9" * 5000])
def test_a_page_number_that_is_none_is_put_right(asked):
    page = offset_page(RequestFactory().get("/x", {"page": asked}), [1, 2, 3], size=2)
    assert page.number == 1


def test_far_pages_leave_a_gap():
    page = offset_page(RequestFactory().get("/x?page=10"), range(500), size=25)
    assert [n for n, _ in page.numbers] == [1, 2, 0, 9, 10, 11, 0, 19, 20]


def test_an_empty_list_has_one_empty_page():
    page = offset_page(RequestFactory().get("/x"), [])
    assert (page.first, page.last, page.more) == (0, 0, False)


def test_cursors_keep_the_filters_and_drop_the_other_direction():
    page = keyset_page(RequestFactory().get("/x?q=a&before=7"), [1], next_cursor=3, previous_cursor="b/c")
    assert page.next_url == "?q=a&after=3"
    assert page.previous_url == "?q=a&before=b%2Fc"
    assert keyset_page(RequestFactory().get("/x"), []).more is False


def test_page_sizes_are_those_on_offer():
    assert page_size(RequestFactory().get("/x?size=50")) == 50
    assert page_size(RequestFactory().get("/x?size=100000")) == 25


def test_a_query_string_changes_what_is_named_and_keeps_the_rest():
    request = RequestFactory().get("/x?a=1&a=2&b=3")
    assert query_string(request.GET, {"b": None, "c": ["x y", "z"]}) == "?a=1&a=2&c=x+y&c=z"
    assert query_string(request.GET, {"a": None, "b": ""}) == "?"


def test_missing_assets_say_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(assets, "MANIFEST", tmp_path / "manifest.json")
    with pytest.raises(assets.AssetsMissingError, match=r"never built.*make assets"):
        assets.asset_url("app.js")
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(assets.AssetsMissingError, match=r"cannot be read.*make assets"):
        assets.asset_url("app.js")


def test_an_asset_of_another_name_lists_those_there_are():
    with pytest.raises(assets.AssetsMissingError, match=r"no built asset 'nope.js'.*app.css"):
        assets.asset_url("nope.js")


def test_an_icon_of_nobodys_making_becomes_a_dot():
    assert assets.icon_url("no-such-icon").endswith("#point")
    assert assets.icon_url('x"><script>').endswith("#point")


def test_components_escape_what_they_are_given():
    bad = '<b>"x"'
    for text in (
        '<c-badge tone="info">{{ bad }}</c-badge>',
        '<c-card title="{{ bad }}">{{ bad }}</c-card>',
        '<c-card :title="bad">x</c-card>',
        '<c-field name="n" label="{{ bad }}" value="{{ bad }}" help="{{ bad }}" error="{{ bad }}" />',
        '<c-field name="n" :label="bad" :value="bad" type="textarea" />',
        '<c-copy text="{{ bad }}" />',
        '<c-empty title="{{ bad }}" text="{{ bad }}" />',
        '<c-alert title="{{ bad }}">{{ bad }}</c-alert>',
    ):
        html = drawn(text, bad=bad)
        assert "<b>" not in html, text
        assert "&lt;b&gt;&quot;x&quot;" in html, text


def test_a_component_sees_nothing_but_what_it_is_given():
    html = drawn("<c-card>{{ title }}</c-card>", title="Mine", actions="leak", footer="leak")
    assert "leak" not in html
    assert "card-title" not in html
    assert "Mine" in html


def test_a_field_ties_its_texts_to_its_control():
    html = drawn('<c-field name="n" label="Name" help="Short." error="Too long." required="true" />')
    assert '<label class="form-label" for="id_n">Name' in html
    assert 'aria-describedby="id_n_help"' in html
    assert 'aria-errormessage="id_n_error"' in html
    assert "optional" not in html


def templates():
    return [path for path in SOURCE.rglob("*.html") if "/tests/" not in str(path) and "scaffold" not in path.parts]


def test_every_icon_that_a_template_draws_is_in_the_sprite():
    known = assets.assets().icons
    pattern = re.compile(
        r"""\{%\s*icon\s+["']([\w-]+)["']|<c-[^>]*?\sicon="([\w-]+)"|<c-icon[^>]*?\sname="([\w-]+)\""""
    )
    unknown = {
        f"{path.relative_to(SOURCE)}: {name}"
        for path in templates()
        for match in pattern.findall(path.read_text(encoding="utf-8"))
        for name in match
        if name and name not in known
    }
    assert unknown == set(), "add them to assets/icons.txt"


def test_every_icon_that_python_names_is_in_the_sprite():
    known = assets.assets().icons
    unknown = {
        f"{path.relative_to(SOURCE)}: {name}"
        for path in SOURCE.rglob("*.py")
        if "tests" not in path.parts
        for name in re.findall(r"\bicon(?:: str)?\s?=\s?\"([\w-]+)\"", path.read_text(encoding="utf-8"))
        if name not in known
    }
    assert unknown == set(), "add them to assets/icons.txt"


def test_templates_hold_no_inline_script_or_style():
    pattern = re.compile(
        r"<style|\sstyle=|\son[a-z]+=\"|hx-on|<script(?![^>]*(src=|application/json))|javascript:|\"js:"
    )
    found = {
        f"{path.relative_to(SOURCE)}: {match.group(0)}"
        for path in templates()
        for match in pattern.finditer(path.read_text(encoding="utf-8"))
    }
    assert found == set(), "the content security policy forbids it"


def test_attributes_that_pass_through_a_component_are_never_dynamic():
    """Cotton writes attributes that a component does not declare as they are: `:x="y"` would not be escaped."""
    declared = {}
    for path in templates():
        if path.parent.name == "cotton":
            line = re.search(r"<c-vars([^>]*)/>", path.read_text(encoding="utf-8"))
            declared[path.stem] = set(re.findall(r":?([\w-]+)=", line.group(1))) if line else set()
    assert {"card", "field", "pager"} <= set(declared)
    wrong = {
        f"{path.relative_to(SOURCE)}: <c-{name} :{attribute}"
        for path in templates()
        for name, rest in re.findall(r"<c-([\w-]+)((?:\s+[^<>]*?)?)/?>", path.read_text(encoding="utf-8"))
        if name in declared
        for attribute in re.findall(r"\s:([\w-]+)=", rest)
        if attribute not in declared[name]
    }
    assert wrong == set()


def test_the_fallback_title_is_the_name_of_the_portal():
    assert Template("{% document_title %}").render(Context({})) == "Callboard"
