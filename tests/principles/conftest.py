import pytest

from principles.retrieve import Retriever, build_retriever


@pytest.fixture(scope="session")
def bundled_retriever() -> Retriever:
    return build_retriever()
