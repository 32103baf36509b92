from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.clients.scrape import total
from tests.service.api.serving import served

PAGE = """\
# TYPE asked_total counter
asked_total{route="a",status="200"} 3.0
asked_total{route="b",status="200"} 4.0
asked_total{route="b",status="429"} 5.0
asked_created{route="b",status="429"} 1.0
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(Starlette(routes=[Route("/metrics", lambda _: PlainTextResponse(PAGE))])) as url:
        yield url


@pytest.mark.parametrize(
    ("labels", "expected"),
    [({}, 12), ({"route": "b"}, 9), ({"route": "b", "status": "429"}, 5), ({"route": "c"}, 0)],
)
def test_samples_with_the_labels_are_added(url: str, labels: dict[str, str], expected: float) -> None:
    assert total(url, "asked_total", **labels) == expected
