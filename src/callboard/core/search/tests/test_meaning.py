"""What is found by meaning, and that everything else works without it."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import connection

from callboard.core.config.current import portal_config
from callboard.core.config.schema import EmbeddingSettings
from callboard.core.registry.contract import SearchCollator
from callboard.core.search import semantic
from callboard.core.search.clients import EndpointEmbedder
from callboard.core.search.collating import rebuild, refresh
from callboard.core.search.embedding import StaticEmbedder
from callboard.core.search.models import Semantics
from callboard.core.search.tests.playing import Shelf, contributed, doc, find, titles
from callboard.core.search.types import EmbeddingError


@pytest.fixture
def shelf(transactional_db):
    shelf = Shelf()
    semantic.forget_semantics()
    collator = SearchCollator(id="t.shelf", type="shelf", documents=shelf.all, documents_of=shelf.of)
    with contributed(collator):
        yield shelf
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS cb_index_vector")
    semantic.forget_semantics()


REFUND = doc("Giving money back", "When a visitor cancels, the amount returns to the card.")
DOORS = doc("Door list", "Scanners work without a network.")


def test_a_question_finds_what_shares_no_word_with_it(shelf):
    assert semantic.probe().on
    shelf.put("a", REFUND)
    shelf.put("b", DOORS)
    rebuild("shelf")
    semantic.embed_waiting()
    assert titles("refund payment", mode="keyword") == []
    assert titles("refund payment", mode="semantic")[0] == "Giving money back"
    answer = find("refund payment", explain=True)
    assert answer.semantic
    assert answer.hits[0].title == "Giving money back"
    assert answer.hits[0].why["meaning"] > semantic.LIKENESS


def test_a_change_is_found_by_its_new_meaning_at_once(shelf):
    semantic.probe()
    shelf.put("a", doc("Thing", "Scanners at the entrance", ref="a"))
    rebuild("shelf")
    semantic.embed_waiting()
    shelf.put("a", doc("Thing", "The amount returns to the credit card", ref="a"))
    refresh("shelf", ["a"])
    assert titles("refund payment", mode="semantic") == ["Thing"]


def test_filters_hold_for_meaning_too(shelf):
    semantic.probe()
    shelf.put("a", REFUND)
    rebuild("shelf")
    semantic.embed_waiting()
    assert titles("refund payment kind:api", mode="semantic") == []


def test_nonsense_means_nothing(shelf):
    semantic.probe()
    shelf.put("a", REFUND)
    rebuild("shelf")
    semantic.embed_waiting()
    assert titles("qqzx vvkj", mode="semantic") == []


def test_many_vectors_are_written_beside_the_old_ones(shelf, monkeypatch):
    monkeypatch.setattr(semantic, "AFRESH", 1)
    semantic.probe()
    shelf.put("a", REFUND, DOORS, doc("Third", "words"))
    rebuild("shelf")
    assert semantic.embed_waiting() == 3
    assert semantic.semantic_state().waiting == 0
    assert titles("refund payment", mode="semantic")[0] == "Giving money back"


def test_without_the_extension_words_are_searched_and_the_state_says_why(shelf, monkeypatch):
    shelf.put("a", REFUND)
    rebuild("shelf")
    assert not semantic.semantic_state().on
    assert "not been tried" in semantic.semantic_state().reason
    assert titles("money") == ["Giving money back"]
    monkeypatch.setattr(portal_config().search, "semantic", False)
    assert "configuration" in semantic.probe().reason


def test_a_trial_that_ended_in_a_crash_is_not_repeated(shelf):
    semantic.probe()
    Semantics.objects.filter(pk=1).update(state="probing")
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE cb_index_vector")
    state = semantic.probe()
    assert not state.on
    assert "crash" in state.reason
    assert "processor" in semantic.probe().reason
    assert semantic.probe(again=True).on


def test_the_built_in_model_gives_the_vectors_of_its_library():
    from pathlib import Path

    import wordllama

    library = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
    texts = ["how do I refund a ticket", "Kubernetes cluster", "Erstattung"]
    expected = library.embed(texts, norm=True)
    for ours, theirs in zip(StaticEmbedder().embed(texts), expected, strict=True):
        assert abs(ours - theirs).max() < 1e-3
    assert not StaticEmbedder().embed([""])[0].any()


class Endpoint(BaseHTTPRequestHandler):
    """An OpenAI-compatible endpoint: counts letters, answers out of order, asks for a key."""

    asked: list[dict] = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Endpoint.asked.append(body)
        if self.path != "/v1/embeddings" or self.headers["Authorization"] != "Bearer sesame":
            return self.answer(401, {"error": {"message": "no"}})
        data = [
            {"object": "embedding", "index": n, "embedding": [text.count("a") + 1, text.count("b"), 2]}
            for n, text in enumerate(body["input"])
        ]
        return self.answer(200, {"object": "list", "data": data[::-1], "model": body.get("model", "")})

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


@contextmanager
def endpoint():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_an_endpoint_can_compute_the_vectors():
    with endpoint() as url:
        remote = EndpointEmbedder(EmbeddingSettings(url=url, model="letters", key="sesame"))
        first, second = remote.embed(["aab", "bbbb"])
        remote._client.close()
    assert remote.dimensions == 3
    assert Endpoint.asked[-1] == {"input": ["aab", "bbbb"], "encoding_format": "float", "model": "letters"}
    assert first == pytest.approx([3 / 14**0.5, 1 / 14**0.5, 2 / 14**0.5])
    assert second == pytest.approx([1 / 21**0.5, 4 / 21**0.5, 2 / 21**0.5])


def test_an_endpoint_that_refuses_is_named_and_its_key_is_not():
    with endpoint() as url, pytest.raises(EmbeddingError, match="status 401") as error:
        EndpointEmbedder(EmbeddingSettings(url=url, key="wrong"))
    assert "wrong" not in str(error.value)


def test_vectors_of_documents_that_are_gone_go_too(shelf):
    semantic.probe()
    shelf.put("a", REFUND)
    rebuild("shelf")
    semantic.embed_waiting()
    shelf.documents.clear()
    rebuild("shelf")
    semantic.embed_waiting()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM cb_index_vector")
        assert cursor.fetchone() == (0,)
