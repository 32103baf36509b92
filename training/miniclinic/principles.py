"""The retriever as training sees it: the same corpus, encoder and search as the gateway's."""

from collections.abc import Sequence

from principles.retrieve import TOP_K, build_retriever
from service.revision.prompts import Message
from training.miniclinic.rows import Retrieve


def retrieved_principles(top_k: int = TOP_K) -> Retrieve:
    """Return a function from a conversation to (id, title, statement) of what is retrieved for it."""
    retriever = build_retriever()

    def retrieve(messages: Sequence[Message]) -> list[tuple[str, str, str]]:
        hits = retriever.retrieve(messages, top_k=top_k).hits
        return [(hit.principle.id, hit.principle.title, hit.principle.statement) for hit in hits]

    return retrieve
