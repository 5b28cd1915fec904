"""Compute what texts mean, as vectors: with the static model that comes with the portal, or with an endpoint.

WordLlama's files are read directly: its library would cost three times the memory, and a search page has to
share 250 MB with everything else. The weights stay on disk and are mapped, so that processes share them.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from callboard.core.config.current import portal_config
from callboard.core.search.types import EmbeddingError, Vector
from callboard.lib.memory import give_back


class Embedder(Protocol):
    """Computes vectors of length one."""

    name: str
    dimensions: int

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Answer one vector for each text."""
        ...


class StaticEmbedder:
    """The built-in model: the mean of the vectors of a text's tokens. Needs no network and no key."""

    name = "wordllama-l2-supercat-256"
    dimensions = 256

    def __init__(self) -> None:
        import numpy as np  # noqa: PLC0415 - heavy, and only wanted where there is something to compute
        from tokenizers import Tokenizer  # noqa: PLC0415 - likewise

        spec = find_spec("wordllama")
        if spec is None or not spec.submodule_search_locations:
            raise EmbeddingError("the built-in model is not installed: `pip install wordllama`")
        place = Path(next(iter(spec.submodule_search_locations)))
        self._numpy: Any = np
        self._tokenizer = Tokenizer.from_file(str(place / "tokenizers" / "l2_supercat_tokenizer_config.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(512)
        self._weights = _mapped(np, place / "weights" / "l2_supercat_256.safetensors")

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Answer one vector for each text; one without any token gives zeros."""
        np = self._numpy
        found: list[Vector] = []
        for encoded in self._tokenizer.encode_batch(list(texts), add_special_tokens=False):
            ids = np.asarray(encoded.ids, dtype=np.int64)
            if not len(ids):
                found.append(np.zeros(self.dimensions, dtype=np.float32))
                continue
            mean = self._weights[ids].astype(np.float32).mean(axis=0)
            found.append(mean / (np.linalg.norm(mean) or 1.0))
        return found


def _mapped(np: Any, file: Path) -> Any:
    """Map the one matrix of a safetensors file: eight bytes of length, a JSON header, the numbers."""
    with file.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        header = json.loads(stream.read(length))
    (entry,) = (value for key, value in header.items() if key != "__metadata__")
    kind = {"F16": "<f2", "F32": "<f4"}[entry["dtype"]]
    return np.memmap(
        file, dtype=kind, mode="r", offset=8 + length + entry["data_offsets"][0], shape=tuple(entry["shape"])
    )


@cache
def embedder() -> Embedder:
    """Answer the embedder that the configuration names, loaded at its first use."""
    config = portal_config().search.embeddings
    if config.url:
        from callboard.core.search.clients import EndpointEmbedder  # noqa: PLC0415 - the HTTP library is slow to import

        return EndpointEmbedder(config)
    return StaticEmbedder()


def let_go() -> None:
    """Drop the loaded model: who computes many vectors now and then loads it in a moment, and else needs no memory."""
    embedder.cache_clear()
    give_back()


def vector_text(vector: Vector) -> str:
    """Write a vector the way the extension reads it."""
    return "[" + ",".join(f"{value:.5f}" for value in vector) + "]"
