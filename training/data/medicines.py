"""Owns the medicine names that training text is searched for: the service's, brand names, Chinese generic names.

Invariant: pure functions of text. The lists are our choice of common names and are not complete: a medicine that no
list knows is not seen.
"""

import re

from service.revision.facts import drugs
from training.data.lexicon import words

_WORD = re.compile(r"[a-z]+")


def medicines(text: str) -> frozenset[str]:
    """Return the medicines named, in lower case."""
    brands = words("brands") & frozenset(_WORD.findall(text.lower()))
    return drugs(text) | brands | {name for name in words("medicines_zh") if name in text}
