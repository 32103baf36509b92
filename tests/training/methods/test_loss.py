import numpy as np
import pytest
from hypothesis import given, settings

from tests.training.methods.groups import MASK_GT, loss_inputs, two_answers
from training.methods.loss import LossInputs, LossOutputs, loss_outputs

LOGP_GT = np.log(np.full((2, 3), 0.25))


def test_the_kl_estimate_by_hand() -> None:
    reference_GT = LOGP_GT + np.log([[2.0, 1.0, 0.5], [1.0, 9.0, 9.0]])
    inputs = LossInputs(LOGP_GT, LOGP_GT, MASK_GT, np.zeros(2), reference_GT)
    # x - log x - 1 for the ratio x of reference to policy; padding has none.
    expected = [[1 - np.log(2), 0.0, np.log(2) - 0.5], [0.0, 0.0, 0.0]]
    np.testing.assert_allclose(inputs.kl_GT, expected, atol=1e-12)


def test_without_a_reference_there_is_no_kl() -> None:
    assert not two_answers().kl_GT.any()
    assert loss_outputs(two_answers(), gain=2.0, kl=0.0, beta=0.0, clipped_share=0.5) == LossOutputs(-2.0, 0.5, None)
    with pytest.raises(ValueError, match="needs the reference"):
        loss_outputs(two_answers(), gain=2.0, kl=0.0, beta=0.1, clipped_share=0.5)


@settings(deadline=None)
@given(loss_inputs())
def test_kl_is_never_negative(inputs: LossInputs) -> None:
    assert (inputs.kl_GT >= -1e-15).all()


def test_tokens_are_those_of_the_mask() -> None:
    assert two_answers().tokens_G.tolist() == [3.0, 1.0]


def test_inputs_are_copied_and_cannot_be_written() -> None:
    logp_GT = LOGP_GT.copy()
    inputs = LossInputs(logp_GT, LOGP_GT, MASK_GT, np.zeros(2))
    logp_GT[0, 0] = -9.0
    assert inputs.logp_GT[0, 0] == np.log(0.25)
    for array in (inputs.logp_GT, inputs.old_logp_GT, inputs.mask_GT, inputs.advantages_G):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_what_cannot_be() -> None:
    with pytest.raises(ValueError, match=r"logp_GT has the shape \(2, 2\), not \(2, 3\)"):
        LossInputs(LOGP_GT[:, :2], LOGP_GT, MASK_GT, np.zeros(2))
    with pytest.raises(ValueError, match=r"advantages_G has the shape \(2, 1\), not \(2,\)"):
        LossInputs(LOGP_GT, LOGP_GT, MASK_GT, np.zeros((2, 1)))
    with pytest.raises(ValueError, match="without tokens"):
        LossInputs(LOGP_GT, LOGP_GT, np.zeros_like(MASK_GT), np.zeros(2))
    with pytest.raises(ValueError, match="of booleans"):
        LossInputs(LOGP_GT, LOGP_GT, MASK_GT.astype(np.float64), np.zeros(2))
    with pytest.raises(ValueError, match="advantages_G holds a value that is not finite"):
        LossInputs(LOGP_GT, LOGP_GT, MASK_GT, np.array([np.nan, 0.0]))
    with pytest.raises(ValueError, match="old_logp_GT holds a value that is not finite"):
        LossInputs(LOGP_GT, np.full((2, 3), -np.inf), MASK_GT, np.zeros(2))
