import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings

from tests.training.methods.groups import loss_inputs, two_answers
from training.methods.grpo import grpo_loss
from training.methods.gspo import CLIP, gspo_loss, sequence_ratios
from training.methods.loss import LossInputs
from training.methods.surrogate import Clip

WIDE = Clip(0.2, 0.2)


def test_the_ratio_is_the_geometric_mean_of_the_tokens() -> None:
    np.testing.assert_allclose(sequence_ratios(two_answers()), [(1.5 * 1.0 * 0.5) ** (1 / 3), 2.0])


def test_by_hand() -> None:
    # The first answer's ratio .75 ** (1/3) = .9086 is within .8 to 1.2; the second's 2 is bad and not clipped.
    assert gspo_loss(two_answers(), clip=WIDE).loss == pytest.approx(-(0.75 ** (1 / 3) - 2.0) / 2)
    assert gspo_loss(two_answers(), clip=WIDE).clipped_share == 0.0
    # Turned about: -.9086 as it is, and 2 held at 1.2.
    assert gspo_loss(two_answers(-1.0, 1.0), clip=WIDE).loss == pytest.approx(-(-(0.75 ** (1 / 3)) + 1.2) / 2)
    assert gspo_loss(two_answers(-1.0, 1.0), clip=WIDE).clipped_share == 0.5


def test_the_published_bounds_are_narrow() -> None:
    assert (CLIP.low, CLIP.high) == (3e-4, 4e-4)
    inputs = two_answers(-1.0, 1.0)
    # Bad and less likely: held at 1 - 3e-4; good and more likely: held at 1 + 4e-4.
    assert gspo_loss(inputs).loss == pytest.approx(-(-(1 - 3e-4) + (1 + 4e-4)) / 2)
    assert gspo_loss(inputs).clipped_share == 1.0


def test_the_kl_is_a_mean_over_tokens_then_over_answers() -> None:
    inputs = two_answers()
    ratios_GT = np.array([[2.0, 1.0, 1.0], [4.0, 1.0, 1.0]])
    with_reference = dataclasses.replace(inputs, reference_logp_GT=inputs.logp_GT + np.log(ratios_GT))
    kl = ((1 - np.log(2)) / 3 + (3 - np.log(4))) / 2
    assert gspo_loss(with_reference).kl == pytest.approx(kl)
    assert gspo_loss(with_reference, beta=0.1).loss == pytest.approx(gspo_loss(inputs).loss + 0.1 * kl)
    with pytest.raises(ValueError, match="needs the reference"):
        gspo_loss(inputs, beta=0.1)


@settings(deadline=None)
@given(loss_inputs(equal_ratios=True))
def test_with_equal_ratios_in_an_answer_it_is_grpo(inputs: LossInputs) -> None:
    assert gspo_loss(inputs, clip=WIDE).loss == pytest.approx(grpo_loss(inputs, clip=WIDE).loss, abs=1e-9)


@settings(deadline=None)
@given(loss_inputs(on_policy=True))
def test_on_policy_it_is_the_mean_advantage(inputs: LossInputs) -> None:
    assert gspo_loss(inputs).loss == pytest.approx(-inputs.advantages_G.mean(), abs=1e-12)
    assert gspo_loss(inputs).clipped_share == 0.0


@settings(deadline=None)
@given(loss_inputs())
def test_answers_are_cut_off_whole(inputs: LossInputs) -> None:
    clipped_answers = gspo_loss(inputs).clipped_share * len(inputs.tokens_G)
    assert clipped_answers == pytest.approx(round(clipped_answers))


@settings(deadline=None)
@given(loss_inputs())
def test_padding_is_not_read(inputs: LossInputs) -> None:
    padded = dataclasses.replace(inputs, old_logp_GT=np.where(inputs.mask_GT, inputs.old_logp_GT, np.inf))
    assert gspo_loss(padded, beta=0.1) == gspo_loss(inputs, beta=0.1)


@settings(deadline=None)
@given(loss_inputs())
def test_moving_drift_between_tokens_of_an_answer_changes_nothing(inputs: LossInputs) -> None:
    rolled_GT = inputs.logp_GT - inputs.old_logp_GT
    mean_GT = rolled_GT.sum(axis=1, keepdims=True) / inputs.tokens_G[:, None] * inputs.mask_GT
    even = dataclasses.replace(inputs, logp_GT=inputs.old_logp_GT + mean_GT)
    np.testing.assert_allclose(sequence_ratios(even), sequence_ratios(inputs), rtol=1e-12)
