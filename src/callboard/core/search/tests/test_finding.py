"""What is found, in which order, by whom."""

import pytest

from callboard.core.auth.principal import ANONYMOUS, Principal
from callboard.core.registry.contract import SearchCollator
from callboard.core.search.collating import rebuild, refresh
from callboard.core.search.tests.playing import Shelf, contributed, doc, find, titles

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf():
    shelf = Shelf()
    collator = SearchCollator(id="t.shelf", type="shelf", documents=shelf.all, documents_of=shelf.of, facets=("kind",))
    with contributed(collator):
        yield shelf


def stock(shelf, *documents):
    for document in documents:
        shelf.put(document.ref, document)
    rebuild("shelf")


def test_words_are_found_in_any_form(shelf):
    stock(shelf, doc("Refunds", "How visitors are refunded"), doc("Seats", "Where people sit"))
    assert titles("refunding") == ["Refunds"]


def test_all_words_must_occur_before_one_alone_is_good_enough(shelf):
    stock(shelf, doc("Door list", "offline doors"), doc("Door", "paint"), doc("List", "of guests"))
    assert titles("door list")[0] == "Door list"


def test_a_title_counts_for_more_than_a_text_and_a_name_for_more_than_a_title(shelf):
    stock(
        shelf,
        doc("Guide", "All about payments and more payments"),
        doc("Payments adapter legacy thing", ""),
        doc("Payments", ""),
    )
    assert titles("payments") == ["Payments", "Payments adapter legacy thing", "Guide"]


def test_the_last_word_may_be_unfinished(shelf):
    stock(shelf, doc("Reservations", "hold a seat"))
    assert titles("reserv") == ["Reservations"]


def test_names_in_any_writing_are_found_by_their_parts(shelf):
    stock(shelf, doc("orderServiceClient", ""), doc("seat-reservation_api", ""))
    assert titles("service") == ["orderServiceClient"]
    assert titles("seat reservation") == ["seat-reservation_api"]


def test_a_phrase_stands_in_that_order(shelf):
    stock(shelf, doc("One", "the box office opens"), doc("Two", "the office has a box"))
    assert titles('"box office"') == ["One"]


def test_a_phrase_may_hold_little_words(shelf):
    stock(shelf, doc("One", "the front of the house"), doc("Two", "the house front"))
    assert titles('"front of the house"') == ["One"]


def test_a_minus_leaves_out(shelf):
    stock(shelf, doc("Ticket printer", ""), doc("Ticket scanner", ""))
    assert titles("ticket -printer") == ["Ticket scanner"]
    assert titles("-printer") == ["Ticket scanner"]


def test_fields_narrow_down(shelf):
    stock(
        shelf,
        doc("Alpha one", fields={"kind": "API"}, owner="group:default/apples"),
        doc("Alpha two", fields={"kind": "Component"}, owner="group:default/pears"),
    )
    assert titles("alpha kind:api") == ["Alpha one"]
    assert titles("alpha -kind:api") == ["Alpha two"]
    assert sorted(titles("kind:api,component")) == ["Alpha one", "Alpha two"]
    assert titles("alpha owner:pears") == ["Alpha two"]
    assert titles("owner:group:default/pears") == ["Alpha two"]
    assert titles("owner:me") == ["Alpha one"]
    assert titles("type:shelf alpha -kind:component") == ["Alpha one"]
    assert titles("alpha", filters={"kind": ("Component",)}) == ["Alpha two"]


def test_an_unknown_field_is_only_words(shelf):
    stock(shelf, doc("Error", "timeout: 30 at http://example.com/path"))
    assert titles("timeout:30") == ["Error"]
    assert titles("http://example.com/path") == ["Error"]


@pytest.mark.parametrize(
    ("language", "text", "question"),
    [
        ("german", "Wie die Erstattungen der Eintrittskarten funktionieren", "Erstattung Eintrittskarte"),
        ("indonesian", "Bagaimana cara mengembalikan tiket yang sudah dibeli", "pengembalian"),
        ("english", "How tickets that were bought are returned", "returning"),
    ],
)
def test_texts_are_stemmed_in_their_language(shelf, language, text, question):
    stock(shelf, doc("X", text), doc("Y", "nothing of the sort"))
    from callboard.core.search.models import Document

    assert Document.objects.get(title="X").language == language
    assert titles(question) == ["X"]


def test_misspelt_words_are_found_as_meant(shelf):
    stock(shelf, doc("Reservations", "Seats that are held"), doc("Kubernetes", "clusters"))
    answer = find("resevation kuberntes", mode="keyword")
    assert answer.corrected
    assert titles("kuberntes") == ["Kubernetes"]
    assert find("kuberntes").corrected == "kubernetes"


def test_words_that_mean_the_same_find_each_other(shelf):
    stock(shelf, doc("Kubernetes", "clusters"))
    assert titles("k8s") == ["Kubernetes"]


def test_my_own_comes_first_among_equals(shelf):
    stock(shelf, doc("Service a", owner="group:default/pears"), doc("Service b", owner="group:default/apples"))
    assert titles("service") == ["Service b", "Service a"]
    pear = Principal("user", "user:default/pat", "Pat", ("group:default/pears",))
    assert titles("service", who=pear) == ["Service a", "Service b"]


def test_nobody_finds_nothing(shelf):
    stock(shelf, doc("Secret", "text"))
    assert titles("secret", who=ANONYMOUS) == []


def test_nothing_found_suggests_what_would_find_something(shelf):
    stock(shelf, doc("Box office", "", fields={"kind": "API"}))
    answer = find("office kind:component", mode="keyword")
    assert answer.hits == ()
    assert answer.suggestions == ("office",)


def test_facets_count_what_results_can_be_narrowed_to(shelf):
    stock(shelf, doc("A seat", fields={"kind": "API"}), doc("B seat", fields={"kind": ["API", "X"]}), doc("Other"))
    facets = find("seat", facets=True, mode="keyword").facets
    assert [(item.value, item.count) for item in facets["kind"]] == [("API", 2), ("X", 1)]
    assert [(item.value, item.count) for item in facets["@type"]] == [("shelf", 2)]


def test_highlights_are_escaped(shelf):
    stock(shelf, doc("<b>Bold</b> claim", "a <script>alert('claim')</script> text"))
    hit = find("claim").hits[0]
    assert hit.highlights["title"] == "&lt;b&gt;Bold&lt;/b&gt; <mark>claim</mark>"
    assert "<script>" not in hit.highlights["text"]
    assert "<mark>claim</mark>" in hit.highlights["text"]


HOSTILE = [
    "", " ", "'", '"', '""', '"unclosed', "\\", "a' | b", "a & | !", "!!!", "<->", "(((", ":*", "a:* & !b", "\x00", "a\x00b",
    "\u202eabc", "-", "--", '-"', "-kind:", "kind:", "kind:''", "kind:\\'", "owner:me", "x" * 5000, "a " * 3000,
    "kind:" + ",".join("x" * 300 for _ in range(50)), "%s %(a)s %", "'; DROP TABLE x; --", "\ud800", "🦆🦆", "ﷺ", "ｆｕｌｌ",
    "type:" * 50, "a:b:c:d", "ts_lexize('x')", "\t\n\r", "İstanbul", "ß", "a\u0301", '-"a b" "c d" -e f:g', "=", "@type=shelf",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_is_typed_is_an_error(shelf, text):
    stock(shelf, doc("A document", "a b c"))
    for mode in ("fused", "keyword", "semantic"):
        find(text, mode=mode, facets=True, explain=True)
        find(text, mode=mode, types=(text,), filters={text[:300]: (text[:300],)})


def test_pages_follow_each_other_without_a_gap(shelf):
    stock(shelf, *(doc(f"Seat {n:03}", "row") for n in range(60)))
    pages = [titles("seat", limit=25, offset=offset, mode="keyword") for offset in (0, 25, 50)]
    assert [len(page) for page in pages] == [25, 25, 10]
    assert len({title for page in pages for title in page}) == 60
    assert find("seat", limit=25, offset=25, mode="keyword").has_next
    assert not find("seat", limit=25, offset=50, mode="keyword").has_next


def test_without_a_word_everything_is_listed(shelf):
    stock(shelf, doc("One"), doc("Two", weight=2))
    assert titles(types=("shelf",)) == ["Two", "One"]


def test_a_change_is_found_at_once(shelf):
    stock(shelf, doc("Old name", ref="thing"))
    shelf.put("thing", doc("New name", ref="thing"))
    refresh("shelf", ["thing"])
    assert titles("old") == []
    assert titles("new") == ["New name"]
    shelf.documents.clear()
    refresh("shelf", ["thing"])
    assert titles("new") == []
