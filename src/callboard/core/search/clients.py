"""Talk to an endpoint that computes embeddings, in the form that OpenAI introduced and many serve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import httpx

from callboard.core.config.schema import EmbeddingSettings
from callboard.core.search.types import EmbeddingError, Vector

AT_ONCE = 64


class EndpointEmbedder:
    """Vectors of an endpoint; its first answer says how long they are, unless the settings do."""

    def __init__(self, config: EmbeddingSettings) -> None:
        self._config = config
        self.name = f"{config.model or 'default'} at {config.url}"
        self._client = httpx.Client(timeout=config.timeout, follow_redirects=False)
        self.dimensions = config.dimensions or len(self._ask(["Callboard"])[0])

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Answer one vector of length one for each text; raises :class:`EmbeddingError`."""
        found: list[Vector] = []
        for begin in range(0, len(texts), AT_ONCE):
            found += [self._unit(vector) for vector in self._ask(texts[begin : begin + AT_ONCE])]
        return found

    def _unit(self, vector: list[float]) -> Vector:
        if len(vector) != self.dimensions:
            raise EmbeddingError(
                f"{self._config.url} answered a vector of {len(vector)} numbers, not {self.dimensions}; "
                "set `search.embeddings.dimensions`, or choose the model anew"
            )
        length = math.sqrt(sum(value * value for value in vector)) or 1.0
        return [value / length for value in vector]

    def _ask(self, texts: Sequence[str]) -> list[list[float]]:
        url = f"{self._config.url.rstrip('/')}/embeddings"
        body: dict[str, Any] = {"input": [text or " " for text in texts], "encoding_format": "float"}
        if self._config.model:
            body["model"] = self._config.model
        if self._config.dimensions:
            body["dimensions"] = self._config.dimensions
        headers = {"Authorization": f"Bearer {self._config.key}"} if self._config.key else {}
        try:
            answer = self._client.post(url, json=body, headers=headers)
            answer.raise_for_status()
            data = sorted(answer.json()["data"], key=lambda item: item["index"])
            vectors = [[float(value) for value in item["embedding"]] for item in data]
        except httpx.HTTPStatusError as error:
            raise EmbeddingError(f"{url} answered with status {error.response.status_code}") from error
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise EmbeddingError(f"{url} cannot be used: {error or type(error).__name__}") from error
        if len(vectors) != len(texts):
            raise EmbeddingError(f"{url} answered {len(vectors)} vectors for {len(texts)} texts")
        return vectors
