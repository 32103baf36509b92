"""Owns reading a model's weights: from safetensors only, without a model's own code, and whole.

Invariant: a weight that is missing, not expected, of another shape or in pieces is an error; the library only logs it.
"""

from collections.abc import Iterable
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from training.runs.folder import RunError

NAMED_WEIGHTS = 5
_FAULTS = {"missing_keys": "missing", "unexpected_keys": "not expected", "mismatched_keys": "of another shape"}


def load_whole(model: str, dtype: torch.dtype | str, **options: Any) -> PreTrainedModel:
    """Load a folder or a hub's model in ``dtype`` (``auto``: its own). Raises ``RunError`` naming weights."""
    try:
        loaded, report = AutoModelForCausalLM.from_pretrained(
            model,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            attn_implementation="sdpa",
            output_loading_info=True,
            **options,
        )
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: experts that cannot be put together
        raise RunError(f"{model}: no model can be loaded: {error}") from error
    for key, fault in _FAULTS.items():
        if report[key]:
            raise RunError(f"{model}: weights are {fault}: {named(map(str, report[key]))}")
    return loaded


def named(weights: Iterable[str]) -> str:
    """List the first names, and how many more there are."""
    names = sorted(weights)
    more = f" and {len(names) - NAMED_WEIGHTS} more" if len(names) > NAMED_WEIGHTS else ""
    return ", ".join(names[:NAMED_WEIGHTS]) + more
