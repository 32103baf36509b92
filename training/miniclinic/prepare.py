"""Makes the miniclinic's tokenizer and training rows in a run's folder; done once, found again on resuming."""

import random
from collections.abc import Sequence
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from service.revision.prompts import Message, PromptSet, load_prompts
from training.miniclinic.answers import draft_answer, full_answer, text_of
from training.miniclinic.cases import make_case
from training.miniclinic.knowledge import Knowledge, load_knowledge
from training.miniclinic.rows import SYSTEM_TURNS, Retrieve, RowMaker
from training.scratch.batch import load_rows, save_rows
from training.scratch.settings import SftConfig
from training.scratch.tokenizer import ChatEncoder, load_tokenizer, train_tokenizer
from training.scratch.tree import Row

TOKENIZER_CASES = 4000


def prepare(config: SftConfig, folder: Path, retrieve: Retrieve) -> tuple[PreTrainedTokenizerFast, list[Row]]:
    """Return tokenizer and rows, made where the folder does not hold them yet."""
    knowledge, prompts = load_knowledge(), load_prompts("compact")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tokenizer"
    if not (path / "tokenizer.json").is_file():
        if config.start_from is not None:
            load_tokenizer(config.start_from / "tokenizer").save_pretrained(path)
        else:
            train_tokenizer(corpus_texts(knowledge, prompts, config.seed), config.vocabulary).save_pretrained(path)
    tokenizer = load_tokenizer(path)
    rows_path = folder / "rows.npz"
    if not rows_path.is_file():
        maker = RowMaker(
            knowledge, prompts, ChatEncoder(tokenizer), _remembering(retrieve), config.omission, config.confusion
        )
        save_rows(rows_path, make_rows(knowledge, maker, config))
    return tokenizer, load_rows(rows_path)


def make_rows(knowledge: Knowledge, maker: RowMaker, config: SftConfig) -> list[Row]:
    """Make one row for each training case."""
    rows = []
    for number in range(config.cases):
        seed = config.first_case + number
        case = make_case(knowledge, seed, "train")
        rows.append(maker.row(case, random.Random(f"{config.seed}:{seed}")))
    return rows


def corpus_texts(knowledge: Knowledge, prompts: PromptSet, seed: int) -> list[str]:
    """Return what the tokenizer learns from: questions, answers, criteria, principles' titles, prompt turns."""
    texts = [*SYSTEM_TURNS, "user\n", "assistant\n", "system\n", "yes", "no", *(t for t in prompts.turns.values())] * 50
    for number in range(TOKENIZER_CASES):
        rng = random.Random(f"{seed}:tokenizer:{number}")
        case = make_case(knowledge, number, "train")
        texts += [message["content"] for message in case.messages]
        texts.append(text_of(draft_answer(knowledge, case, rng)))
        texts.append(text_of(full_answer(knowledge, case, rng)))
    texts += list(knowledge.asked_by) * 6
    return texts


def _remembering(retrieve: Retrieve) -> Retrieve:
    seen: dict[str, Sequence[tuple[str, str, str]]] = {}

    def remembered(messages: Sequence[Message]) -> Sequence[tuple[str, str, str]]:
        key = "\n".join(str(message["content"]) for message in messages)
        if key not in seen:
            seen[key] = retrieve(messages)
        return seen[key]

    return remembered
