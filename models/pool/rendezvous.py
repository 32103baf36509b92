"""Rendezvous hashing: which replica a conversation belongs to, and which is next where that one is away.

Invariant: the order depends on the key, the replicas' identities and their weights alone, so that every gateway finds
the same; a replica that leaves moves its own keys only, and one that gains weight only draws keys to itself.
"""

import hashlib
import math
from collections.abc import Mapping

_SPAN = 2.0**64


def ranked(key: bytes, weights: Mapping[str, float]) -> list[str]:
    """The identities in the order in which the key prefers them.

    Of many keys each identity is first for a share that is its weight's share of the sum (weighted rendezvous hashing,
    Schindelhauer and Schomaker 2005, in its logarithmic form). Weights are above 0.
    """
    return sorted(weights, key=lambda identity: (-_score(key, identity, weights[identity]), identity))


def _score(key: bytes, identity: str, weight: float) -> float:
    drawn = hashlib.blake2b(key, digest_size=8, key=hashlib.blake2b(identity.encode(), digest_size=32).digest())
    uniform = (int.from_bytes(drawn.digest(), "big") + 0.5) / _SPAN
    # Rounding may make the largest draws 1.0, whose logarithm is 0.
    return weight / max(-math.log(uniform), 1e-18)
