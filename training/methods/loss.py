"""What a policy loss takes and gives, over one group: log-probabilities in double precision, and the KL among them.

KL of the policy from the reference, per token: exp(d) - d - 1 with d = log reference - log policy, never negative
(k3; GRPO, arXiv 2402.03300). A trainer's own loss is tested against the losses that stand on this.
"""

from dataclasses import dataclass

import numpy as np

from training.methods.surrogate import Array, Mask


@dataclass(frozen=True, slots=True, eq=False)
class LossInputs:
    """Natural log-probabilities of the sampled tokens, shape (_G, _T), and one advantage a rollout, shape (_G,).

    ``old_logp_GT`` is of the policy that sampled; ``mask_GT`` is true on the answer's tokens, and what the other places
    hold (padding) is read as 0. Arrays become read-only copies. Unscored rollouts are not to be given. Raises
    ``ValueError`` for shapes that differ, a rollout without tokens and values that are not finite.
    """

    logp_GT: Array
    old_logp_GT: Array
    mask_GT: Mask
    advantages_G: Array
    reference_logp_GT: Array | None = None

    def __post_init__(self) -> None:
        mask_GT = np.array(self.mask_GT)
        if mask_GT.dtype != np.bool_:
            raise ValueError(f"a mask is of booleans, not of {mask_GT.dtype}")
        if mask_GT.ndim != 2 or not mask_GT.size or not mask_GT.any(axis=1).all():
            raise ValueError(f"a mask of shape {mask_GT.shape} has a rollout without tokens, or none")
        _keep(self, "mask_GT", mask_GT)
        _keep(self, "advantages_G", _checked("advantages_G", self.advantages_G, np.ones(len(mask_GT), dtype=np.bool_)))
        for name in ("logp_GT", "old_logp_GT", "reference_logp_GT"):
            if (logp_GT := getattr(self, name)) is not None:
                _keep(self, name, _checked(name, logp_GT, mask_GT))

    @property
    def tokens_G(self) -> Array:
        """Tokens of each answer."""
        tokens_G: Array = self.mask_GT.sum(axis=1, dtype=np.float64)
        return tokens_G

    @property
    def kl_GT(self) -> Array:
        """The policy's KL from the reference; zeros without a reference."""
        if self.reference_logp_GT is None:
            return np.zeros_like(self.logp_GT)
        log_ratio_GT = self.reference_logp_GT - self.logp_GT
        kl_GT: Array = np.expm1(log_ratio_GT) - log_ratio_GT
        return kl_GT


@dataclass(frozen=True, slots=True)
class LossOutputs:
    """``loss`` is to be minimised. ``kl`` is weighted as in the loss; None without a reference.

    ``clipped_share`` is of the ratios (a token's or an answer's) whose gradient is cut off.
    """

    loss: float
    clipped_share: float
    kl: float | None


def loss_outputs(inputs: LossInputs, *, gain: float, kl: float, beta: float, clipped_share: float) -> LossOutputs:
    """Return ``beta`` x KL - gain. Raises ``ValueError`` for a ``beta`` without a reference."""
    if inputs.reference_logp_GT is not None:
        return LossOutputs(beta * kl - gain, clipped_share, kl)
    if beta:
        raise ValueError("a KL penalty needs the reference's log-probabilities")
    return LossOutputs(-gain, clipped_share, None)


def _checked(name: str, values: Array, mask: Mask) -> Array:
    if np.shape(values) != mask.shape:
        raise ValueError(f"{name} has the shape {np.shape(values)}, not {mask.shape}")
    array = np.where(mask, np.asarray(values, dtype=np.float64), 0.0)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds a value that is not finite")
    return array


def _keep(inputs: LossInputs, name: str, array: Array | Mask) -> None:
    array.flags.writeable = False
    object.__setattr__(inputs, name, array)
