import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings

from tests.training.methods.groups import loss_inputs, two_answers
from training.methods.grpo import Per, grpo_loss, token_ratios, weights
from training.methods.loss import LossInputs
from training.methods.surrogate import Clip

PERS: tuple[Per, ...] = ("sequence", "token", "constant")


def test_every_token_has_its_own_ratio() -> None:
    np.testing.assert_allclose(token_ratios(two_answers()), [[1.5, 1.0, 0.5], [2.0, 1.0, 1.0]])


@pytest.mark.parametrize(
    ("per", "loss"),
    [
        # Gains of the first answer: 1.2 (clipped), 1, .5; of the second: -2 (not clipped: it is bad and too likely).
        ("sequence", -(2.7 / 3 - 2.0) / 2),
        ("token", -(2.7 - 2.0) / 4),
        ("constant", -(2.7 - 2.0) / (2 * 5)),
    ],
)
def test_by_hand(per: Per, loss: float) -> None:
    outputs = grpo_loss(two_answers(), per=per, max_tokens=5)
    assert outputs.loss == pytest.approx(loss)
    assert (outputs.clipped_share, outputs.kl) == (0.25, None)


def test_two_bounds() -> None:
    # The first token may now reach 1.4, and the third gains as it is.
    assert grpo_loss(two_answers(), clip=Clip(0.2, 0.4)).loss == pytest.approx(-(2.9 / 3 - 2.0) / 2)
    # Good turned bad: 1.5 and 1 as they are, .5 held at .8; the second answer at 1.2.
    assert grpo_loss(two_answers(-1.0, 1.0)).loss == pytest.approx(-(-3.3 / 3 + 1.2) / 2)


@pytest.mark.parametrize("per", PERS)
def test_kl_is_weighted_as_the_gain_is(per: Per) -> None:
    inputs = two_answers()
    with_reference = dataclasses.replace(inputs, reference_logp_GT=inputs.logp_GT + np.log(2.0))
    plain, outputs = (grpo_loss(with_reference, per=per, max_tokens=4, beta=beta) for beta in (0.0, 0.5))
    # Every token has the KL 2 - log 2 - 1; a constant of 4 x 2 holds four tokens.
    kl = (1 - np.log(2)) * (0.5 if per == "constant" else 1.0)
    assert outputs.kl == pytest.approx(kl)
    assert outputs.loss == pytest.approx(plain.loss + 0.5 * kl)


def test_beta_needs_a_reference_and_a_constant_needs_a_limit() -> None:
    with pytest.raises(ValueError, match="needs the reference"):
        grpo_loss(two_answers(), beta=0.1)
    with pytest.raises(ValueError, match="under a limit of None"):
        grpo_loss(two_answers(), per="constant")
    with pytest.raises(ValueError, match="3 tokens under a limit of 2"):
        grpo_loss(two_answers(), per="constant", max_tokens=2)


@settings(deadline=None)
@given(loss_inputs())
def test_weights_add_up(inputs: LossInputs) -> None:
    assert weights(inputs, "sequence").sum() == pytest.approx(1.0)
    assert weights(inputs, "token").sum() == pytest.approx(1.0)
    assert weights(inputs, "constant", max_tokens=6).sum() == pytest.approx(inputs.tokens_G.mean() / 6)


@settings(deadline=None)
@given(loss_inputs(on_policy=True))
def test_on_policy_the_loss_is_the_mean_advantage(inputs: LossInputs) -> None:
    outputs = grpo_loss(inputs)
    assert outputs.loss == pytest.approx(-inputs.advantages_G.mean(), abs=1e-12)
    assert outputs.clipped_share == 0.0


@settings(deadline=None)
@given(loss_inputs(on_policy=True))
def test_on_policy_the_gradient_is_the_advantage_over_the_length(inputs: LossInputs) -> None:
    step = np.zeros_like(inputs.logp_GT)
    step[0, 0] = 1e-6
    moved = dataclasses.replace(inputs, logp_GT=inputs.logp_GT + step)
    slope = (grpo_loss(moved).loss - grpo_loss(inputs).loss) / 1e-6
    expected = -inputs.advantages_G[0] / (inputs.tokens_G[0] * len(inputs.tokens_G))
    assert slope == pytest.approx(expected, abs=1e-4)


@settings(deadline=None)
@given(loss_inputs())
def test_padding_is_not_read(inputs: LossInputs) -> None:
    padded = dataclasses.replace(inputs, logp_GT=np.where(inputs.mask_GT, inputs.logp_GT, np.nan))
    for per in PERS:
        assert grpo_loss(padded, per=per, max_tokens=6, beta=0.1) == grpo_loss(inputs, per=per, max_tokens=6, beta=0.1)


@settings(deadline=None)
@given(loss_inputs())
def test_the_order_of_rollouts_is_of_no_account(inputs: LossInputs) -> None:
    turned = LossInputs(inputs.logp_GT[::-1], inputs.old_logp_GT[::-1], inputs.mask_GT[::-1], inputs.advantages_G[::-1])
    for per in PERS:
        assert grpo_loss(turned, per=per, max_tokens=6).loss == pytest.approx(
            grpo_loss(inputs, per=per, max_tokens=6).loss, abs=1e-12
        )
