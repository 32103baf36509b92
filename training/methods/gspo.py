"""GSPO's loss: one ratio an answer, the geometric mean of its tokens' ratios, clipped as a whole; mean over answers.

Source: arXiv 2507.18071; clipping 3e-4 and 4e-4, no KL. It is for mixtures of experts: a router that decides otherwise
in training than in sampling moves single tokens' ratios far, and their mean little.
"""

import numpy as np

from training.methods.loss import LossInputs, LossOutputs, loss_outputs
from training.methods.surrogate import Array, Clip, is_cut_off, surrogate

# Means over an answer leave 1 far less than single tokens do.
CLIP = Clip(3e-4, 4e-4)


def sequence_ratios(inputs: LossInputs) -> Array:
    """Return exp(mean over the answer's tokens of log policy - log old), shape (_G,)."""
    ratio_G: Array = np.exp((inputs.logp_GT - inputs.old_logp_GT).sum(axis=1) / inputs.tokens_G)
    return ratio_G


def gspo_loss(inputs: LossInputs, *, clip: Clip = CLIP, beta: float = 0.0) -> LossOutputs:
    """Return the loss of one group. ``beta`` weighs the KL, a mean over tokens and then over answers, as in GRPO.

    Raises ``ValueError`` for a ``beta`` without a reference.
    """
    ratio_G = sequence_ratios(inputs)
    gain = float(surrogate(ratio_G, inputs.advantages_G, clip).mean())
    kl = float((inputs.kl_GT.sum(axis=1) / inputs.tokens_G).mean())
    share = float(is_cut_off(ratio_G, inputs.advantages_G, clip).mean())
    return loss_outputs(inputs, gain=gain, kl=kl, beta=beta, clipped_share=share)
