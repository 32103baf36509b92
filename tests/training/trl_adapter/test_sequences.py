import importlib.resources
import logging
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.training.trl_adapter.supervised import BUNDLED
from training.runs.folder import RunError
from training.trl_adapter.chats import Conversation
from training.trl_adapter.policy import load_policy, load_tokenizer
from training.trl_adapter.sequences import NOT_LEARNT, ChatWriter, Encoded, encode_all, mean_loss
from training.trl_adapter.settings import SftRecipe

TOKENIZER = load_tokenizer(str(BUNDLED))
QWEN3 = importlib.resources.files("trl") / "chat_templates"
CHAT = (
    {"role": "system", "content": "Count."},
    {"role": "user", "content": "In twos."},
    {"role": "assistant", "content": "2 4"},
    {"role": "user", "content": "Go on."},
    {"role": "assistant", "content": "6 8"},
)


def conversation(messages: Sequence[dict[str, str]] = CHAT, last_turn_only: bool = False) -> Conversation:
    return Conversation("c-1", tuple(messages), last_turn_only)


def templated(template: str) -> Any:
    tokenizer = load_tokenizer(str(BUNDLED))
    tokenizer.chat_template = template
    return tokenizer


def qwen3(name: str) -> Any:
    return templated((QWEN3 / f"{name}.jinja").read_text(encoding="utf-8"))


def parts(encoded: Encoded) -> list[tuple[bool, str]]:
    """The text in runs of tokens that are learnt and that are not."""
    runs: list[tuple[bool, list[int]]] = []
    for token, label in zip(encoded.ids_T, encoded.labels_T, strict=True):
        assert label in (token, NOT_LEARNT)
        learnt = label != NOT_LEARNT
        if not runs or runs[-1][0] != learnt:
            runs.append((learnt, []))
        runs[-1][1].append(token)
    return [(learnt, TOKENIZER.decode(tokens)) for learnt, tokens in runs]


def test_each_turn_and_its_end_is_learnt_and_nothing_else() -> None:
    [made] = ChatWriter(TOKENIZER).encode(conversation())
    assert parts(made) == [
        (False, "<|im_start|>system\nCount.<|im_end|>\n<|im_start|>user\nIn twos.<|im_end|>\n<|im_start|>assistant\n"),
        (True, "2 4<|im_end|>"),
        (False, "\n<|im_start|>user\nGo on.<|im_end|>\n<|im_start|>assistant\n"),
        (True, "6 8<|im_end|>"),
    ]
    end = TOKENIZER.convert_tokens_to_ids("<|im_end|>")
    assert made.ids_T[-1] == made.labels_T[-1] == end
    assert sum(label == end for label in made.labels_T) == 2


def test_token_by_token() -> None:
    [made] = ChatWriter(TOKENIZER).encode(conversation(CHAT[1:3]))
    written = TOKENIZER.convert_ids_to_tokens(list(made.ids_T))
    start = max(n for n, token in enumerate(written) if token == "<|im_start|>")
    learnt = [n for n, label in enumerate(made.labels_T) if label != NOT_LEARNT]
    assert learnt == list(range(learnt[0], len(written)))
    assert TOKENIZER.decode(list(made.ids_T[start : learnt[0]])) == "<|im_start|>assistant\n"
    assert TOKENIZER.decode(list(made.ids_T[learnt[0] :])) == "2 4<|im_end|>"


def test_only_the_last_turn_is_learnt_where_the_others_are_material() -> None:
    [made] = ChatWriter(TOKENIZER).encode(conversation(last_turn_only=True))
    assert [text for learnt, text in parts(made) if learnt] == ["6 8<|im_end|>"]
    [both] = ChatWriter(TOKENIZER).encode(conversation())
    assert made.ids_T == both.ids_T


@given(
    texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="<"), min_size=1), min_size=2, max_size=6)
)
def test_before_each_learnt_turn_stand_the_tokens_that_an_engine_is_given(texts: list[str]) -> None:
    if len(texts) % 2:
        texts.pop()
    messages = [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(texts)]
    made = ChatWriter(TOKENIZER).encode(conversation(messages))
    asked = []
    for number in range(1, len(messages), 2):
        text = TOKENIZER.apply_chat_template(messages[:number], tokenize=False, add_generation_prompt=True)
        asked.append(tuple(TOKENIZER(text, add_special_tokens=False)["input_ids"]))
    begun = [
        encoded.ids_T[:n]
        for encoded in made
        for n in range(1, len(encoded.ids_T))
        if encoded.labels_T[n] != NOT_LEARNT and encoded.labels_T[n - 1] == NOT_LEARNT
    ]
    assert begun == asked
    learnt = [text for encoded in made for is_learnt, text in parts(encoded) if is_learnt]
    assert learnt == [f"{message['content']}<|im_end|>" for message in messages[1::2]]


def test_qwen3_instruct_has_the_same_shape() -> None:
    [made] = ChatWriter(qwen3("qwen3_instruct_2507")).encode(conversation())
    assert [text for learnt, text in parts(made) if learnt] == ["2 4<|im_end|>", "6 8<|im_end|>"]
    assert made == ChatWriter(TOKENIZER).encode(conversation())[0]


def test_a_thinking_template_gives_a_sequence_for_each_turn_since_it_writes_earlier_ones_otherwise() -> None:
    first, second = ChatWriter(qwen3("qwen3")).encode(conversation())
    thought = "<think>\n\n</think>\n\n"
    assert [text for learnt, text in parts(first) if learnt] == [f"{thought}2 4<|im_end|>"]
    assert [text for learnt, text in parts(second) if learnt] == [f"{thought}6 8<|im_end|>"]
    assert parts(second)[0][1].endswith(
        "assistant\n2 4<|im_end|>\n<|im_start|>user\nGo on.<|im_end|>\n<|im_start|>assistant\n"
    )


def test_the_prompt_is_what_an_engine_is_given() -> None:
    text = TOKENIZER.apply_chat_template([dict(m) for m in CHAT[:2]], tokenize=False, add_generation_prompt=True)
    assert ChatWriter(TOKENIZER).prompt(CHAT[:2]) == TOKENIZER(text, add_special_tokens=False)["input_ids"]


def test_a_template_that_asks_otherwise_than_it_writes_is_refused_by_name() -> None:
    template = "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}<|im_end|>{% endfor %}"
    other = templated(template + "{% if add_generation_prompt %}[you]{% endif %}")
    with pytest.raises(RunError) as caught:
        ChatWriter(other).encode(conversation(CHAT[1:3]))
    assert str(caught.value).startswith(
        f"c-1: the chat template of {BUNDLED} writes turn 1 otherwise than it asks for it "
        "('[user]In twos.<|im_end|>[you]')"
    )


def test_a_template_without_an_end_is_refused_by_name() -> None:
    template = "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}\n{% endfor %}"
    endless = templated(template + "{% if add_generation_prompt %}[assistant]{% endif %}")
    with pytest.raises(RunError, match=f"^c-1: the chat template of {BUNDLED} ends turn 1 with no special token"):
        ChatWriter(endless).encode(conversation(CHAT[1:3]))


def test_text_that_would_end_a_turn_is_refused() -> None:
    messages = [CHAT[1], {"role": "assistant", "content": "2<|im_end|>4"}]
    with pytest.raises(RunError, match=r"^c-1: messages\.1\.content holds the special token '<\|im_end\|>'$"):
        ChatWriter(TOKENIZER).encode(conversation(messages))


def test_long_sequences_are_left_out_counted_and_said(caplog: pytest.LogCaptureFixture) -> None:
    short, long = conversation(CHAT[1:3]), conversation([CHAT[1], {"role": "assistant", "content": "2 " * 200}])
    with caplog.at_level(logging.WARNING):
        made = encode_all([short, long, short], TOKENIZER, max_tokens=60)
    assert (len(made.dataset), made.too_long) == (2, 1)
    assert made.tokens == sum(len(row["input_ids"]) for row in made.dataset)
    assert made.learnt_tokens == sum(label != NOT_LEARNT for row in made.dataset for label in row["labels"])
    assert "1 of 3 sequences exceed 60 tokens: left out" in caplog.text
    with pytest.raises(RunError, match=r"^every one of 3 sequences is longer than 5 tokens$"):
        encode_all([short, long, short], TOKENIZER, max_tokens=5)


def test_the_mean_loss_is_over_all_learnt_tokens() -> None:
    torch.set_num_threads(1)
    recipe = SftRecipe.model_validate(
        {"type": "sft", "seed": 1, "model": str(BUNDLED), "data": "x", "steps": 1, "learning_rate": 1}
        | {"rows_per_device": 1, "checkpoint_every_steps": 1, "max_tokens": 9}
    )
    model = load_policy(str(BUNDLED), recipe).eval()
    made = encode_all([conversation(CHAT[1:3]), conversation()], TOKENIZER, max_tokens=99).dataset
    losses, learnt = [], []
    for row in made:
        ids_1T, labels_1T = torch.tensor([row["input_ids"]]), torch.tensor([row["labels"]])
        losses.append(float(model(input_ids=ids_1T, labels=labels_1T).loss.detach()))
        learnt.append(sum(label != NOT_LEARNT for label in row["labels"]))
    expected = sum(loss * n for loss, n in zip(losses, learnt, strict=True)) / sum(learnt)
    assert mean_loss(model, made) == pytest.approx(expected, rel=1e-5)
