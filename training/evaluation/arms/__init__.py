"""How an answer comes about: the draft, the guided answer, and what the guided answer is compared with."""
