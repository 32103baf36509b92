import httpx
import pytest

from principles.corpus import load_corpus


def test_principles_are_listed_in_pages(url: str) -> None:
    corpus = load_corpus()
    first = httpx.get(f"{url}/v1/principles", params={"limit": 2}).json()
    second = httpx.get(f"{url}/v1/principles", params={"limit": 2, "offset": 2}).json()
    assert [row["id"] for row in first["data"] + second["data"]] == [p.id for p in corpus.principles[:4]]
    assert (first["total"], first["has_more"], first["corpus"]) == (len(corpus), True, corpus.sha8)


def test_a_dimension_filters(url: str) -> None:
    found = httpx.get(f"{url}/v1/principles", params={"dimension": "urgency", "limit": 1000}).json()
    expected = [p.id for p in load_corpus().principles if p.dimension == "urgency"]
    assert [row["id"] for row in found["data"]] == expected
    assert found["has_more"] is False


@pytest.mark.parametrize(
    ("params", "param"), [({"dimension": "mood"}, "query.dimension"), ({"limit": "0"}, "query.limit")]
)
def test_wrong_filters_are_refused(url: str, params: dict[str, str], param: str) -> None:
    response = httpx.get(f"{url}/v1/principles", params=params)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)


def test_a_principle_is_read_by_id(url: str) -> None:
    principle = load_corpus().principles[0]
    found = httpx.get(f"{url}/v1/principles/{principle.id}").json()
    assert found == {"object": "principle", **principle.model_dump(mode="json")}


def test_an_unknown_principle_is_404(url: str) -> None:
    response = httpx.get(f"{url}/v1/principles/urgency.none")
    assert (response.status_code, response.json()["error"]["param"]) == (404, "principle_id")


def test_search_by_query_and_by_messages_agree(url: str) -> None:
    text = "My father has crushing chest pain and is sweating"
    by_query = httpx.post(f"{url}/v1/principles/search", json={"query": text, "top_k": 3}).json()
    messages = [{"role": "user", "content": text}]
    by_messages = httpx.post(f"{url}/v1/principles/search", json={"messages": messages, "top_k": 3}).json()
    assert by_query["data"] == by_messages["data"]
    assert by_query["scenario"]["urgency"]["value"] == "emergent"
    assert len(by_query["data"]) == 3


@pytest.mark.parametrize("body", [{}, {"query": "a", "messages": [{"role": "user", "content": "a"}]}])
def test_search_wants_one_of_query_and_messages(url: str, body: dict[str, object]) -> None:
    response = httpx.post(f"{url}/v1/principles/search", json=body)
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "give either query or messages"
