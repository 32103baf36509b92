import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.judge import probability_of_yes
from service.revision.prompts import load_prompts
from tests.training.trl_adapter.supervised import BUNDLED
from training.trl_adapter.chats import read_labels, verdict_prompt
from training.trl_adapter.policy import load_served, load_tokenizer
from training.trl_adapter.sequences import ChatWriter
from training.trl_adapter.verdicts import best_threshold, figures, probabilities_of_yes

EXAMPLES = BUNDLED.parents[1] / "training" / "data" / "examples"
probabilities = st.lists(st.tuples(st.none() | st.floats(0.001, 0.999), st.booleans()), min_size=1, max_size=40)


def test_the_threshold_parts_the_answers_as_near_to_a_half_as_it_can() -> None:
    assert best_threshold([0.1, 0.2, 0.9, 0.95], [False, False, True, True]) == 0.5
    low = [0.01 * n for n in range(1, 41)]
    assert best_threshold(low, [p > 0.2 for p in low]) == pytest.approx(0.225, abs=0.011)
    assert best_threshold([None, 0.3], [True, False]) == 0.5
    assert best_threshold([], []) == 0.5


def test_one_label_does_not_move_the_threshold() -> None:
    p = [0.02 * n for n in range(1, 11)] + [0.9, 0.6] + [0.95 + 0.001 * n for n in range(20)]
    truth = [False] * 10 + [True, False] + [True] * 20
    assert best_threshold(p, truth) == 0.5


@given(probabilities)
def test_the_threshold_is_no_worse_than_a_half_by_more_than_a_standard_error(
    rows: list[tuple[float | None, bool]],
) -> None:
    p, truth = [row[0] for row in rows], [row[1] for row in rows]
    threshold = best_threshold(p, truth)
    assert 0 < threshold < 1
    scored = [(value, met) for value, met in rows if value is not None]
    if {met for _, met in scored} == {True, False}:
        right = [sum((value >= cut) == met for value, met in scored) / len(scored) for cut in (threshold, 0.5)]
        assert right[0] >= right[1] - 0.5 / math.sqrt(len(scored))


def test_figures_count_the_unscored_apart_and_take_them_for_nothing() -> None:
    row = figures([0.9, 0.4, 0.6, None, None], [True, True, False, True, False], 0.5)
    assert row["parse_failures"] == 2
    assert row["n"] == 3
    assert [row[name] for name in ("accuracy", "precision", "recall", "f1")] == pytest.approx([1 / 3, 0.5, 0.5, 0.5])
    assert row["kappa"] == pytest.approx(-0.5)
    assert row["brier"] == pytest.approx((0.01 + 0.36 + 0.36) / 3)
    lower = figures([0.9, 0.4, 0.6], [True, True, False], 0.3)
    assert [lower[name] for name in ("threshold", "recall", "precision")] == pytest.approx([0.3, 1.0, 2 / 3])


def test_a_figure_without_meaning_is_none() -> None:
    assert figures([None], [True], 0.5) == {
        **{"threshold": 0.5, "parse_failures": 1, "n": 0, "brier": None},
        **dict.fromkeys(("accuracy", "precision", "recall", "f1", "kappa")),
    }
    assert figures([0.9], [True], 0.5)["kappa"] is None


def test_a_verdict_is_read_as_the_service_reads_it() -> None:
    torch.set_num_threads(1)
    model, tokenizer, writer = (
        load_served(BUNDLED),
        load_tokenizer(str(BUNDLED)),
        ChatWriter(load_tokenizer(str(BUNDLED))),
    )
    labels = read_labels(EXAMPLES / "judge_label.jsonl")
    prompts = [writer.prompt(verdict_prompt(label, load_prompts("compact"))) for label in labels]
    found = probabilities_of_yes(model, tokenizer, prompts)
    assert found[0] is not None
    assert found[1] is not None
    assert found[0] > 0.5 > found[1]
    with torch.no_grad():
        logprobs = model(input_ids=torch.tensor([prompts[0]])).logits[0, -1].log_softmax(-1)
    listed = {tokenizer.decode([token]): float(logprobs[token]) for token in logprobs.topk(20).indices.tolist()}
    assert found[0] == pytest.approx(probability_of_yes(listed), abs=1e-4)


def test_an_answer_that_is_neither_is_unscored() -> None:
    torch.set_num_threads(1)
    model, tokenizer = load_served(BUNDLED), load_tokenizer(str(BUNDLED))
    prompt = ChatWriter(tokenizer).prompt([{"role": "user", "content": "I have a headache."}])
    assert probabilities_of_yes(model, tokenizer, [prompt]) == [None]
