"""The checkpoint that comes with the repository: complete, small, and its prompts only ever append."""

import json
from pathlib import Path

import pytest

from models.registry import load_registry
from service.revision.prompts import load_prompts
from service.revision.sentences import numbered, split

transformers = pytest.importorskip("transformers")

QUESTION = [{"role": "user", "content": "I have had a bad headache for two days. What should I do?"}]
DRAFT = "Rest in a dark room. Please tell me whether it came on suddenly."


@pytest.fixture(scope="module")
def folder() -> Path:
    _, entry = load_registry().bundled()
    assert entry.checkpoint is not None
    return entry.checkpoint


def test_it_is_complete_and_under_forty_megabytes(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert names >= {"README.md", "config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"}
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pickle"))]
    assert sum(path.stat().st_size for path in folder.iterdir()) < 40e6
    assert json.loads((folder / "config.json").read_text())["architectures"] == ["Qwen3MoeForCausalLM"]


def test_its_card_says_what_it_is_not_for(folder: Path) -> None:
    assert "never" in (folder / "README.md").read_text(encoding="utf-8").lower()


def test_each_step_of_the_loop_extends_the_step_before_token_by_token(folder: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    prompts = load_prompts("compact")

    def ids(messages: object, *, open_turn: bool = True) -> list[int]:
        encoded = tokenizer.apply_chat_template(messages, add_generation_prompt=open_turn, return_dict=False)
        return [int(token) for token in encoded]

    draft_prompt = ids(QUESTION)
    drafted = draft_prompt + tokenizer.encode(DRAFT, add_special_tokens=False)
    verdict = ids(prompts.verdict(QUESTION, DRAFT, "Asks how it came on"))
    judged = verdict + tokenizer.encode("no", add_special_tokens=False)
    edit = ids(prompts.edit(QUESTION, DRAFT, "Asks how it came on", "no", numbered(split(DRAFT))))
    assert verdict[: len(drafted)] == drafted
    assert edit[: len(judged)] == judged
    for sibling in (prompts.rewrite(QUESTION, DRAFT, ["A"]), prompts.critique(QUESTION, DRAFT, ["A"])):
        assert ids(sibling)[: len(drafted)] == drafted
    closed = ids(QUESTION, open_turn=False)
    assert ids(prompts.rubric(QUESTION, [("Title", "Statement")]))[: len(closed)] == closed
