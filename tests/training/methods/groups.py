"""Groups of log-probabilities for the tests of the losses."""

import numpy as np
from hypothesis import strategies as st

from training.methods.loss import LossInputs
from training.methods.surrogate import Array

# Two answers, of three and of one token; what stands behind the second is padding.
RATIOS_GT = np.array([[1.5, 1.0, 0.5], [2.0, np.nan, np.nan]])
MASK_GT = np.array([[True, True, True], [True, False, False]])


def two_answers(first: float = 1.0, second: float = -1.0, ratios_GT: Array = RATIOS_GT) -> LossInputs:
    """Policy and sampler differ by the ratios; the sampler's tokens have the probability 1/4."""
    old_logp_GT = np.full(MASK_GT.shape, np.log(0.25))
    return LossInputs(old_logp_GT + np.log(ratios_GT), old_logp_GT, MASK_GT, np.array([first, second]))


@st.composite
def loss_inputs(draw: st.DrawFn, on_policy: bool = False, equal_ratios: bool = False) -> LossInputs:
    """Groups of up to four answers of up to six tokens, with a reference."""
    group, longest = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    lengths = [draw(st.integers(1, longest)) for _ in range(group)]
    mask_GT = np.arange(longest)[None, :] < np.array(lengths)[:, None]
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    old_logp_GT = -random.exponential(2.0, mask_GT.shape)
    drift_GT = random.normal(0.0, 0.3, (group, 1) if equal_ratios else mask_GT.shape)
    logp_GT = old_logp_GT + (0.0 if on_policy else drift_GT)
    return LossInputs(
        logp_GT, old_logp_GT, mask_GT, random.normal(size=group), old_logp_GT + random.normal(0.0, 0.3, mask_GT.shape)
    )
