"""Owns rubrics of the miniclinic, whose true principles are known, and conversations that teach a model to merge them.

Invariant: no criterion that training shows is ever in the rubrics that measure: of every item the last wording is kept
out of training, and of some presentations every wording. Their principles are still taught, by other presentations.
"""

import random
from collections.abc import Iterator
from itertools import count, islice

from principles.corpus import Corpus
from principles.schema import Principle
from service.revision.prompts import Message
from training.data.healthbench import HealthBenchCriterion, HealthBenchRow
from training.distil.merge_prompt import load_merge_prompt
from training.distil.merged import MergedPrinciple, render_merged
from training.distil.settings import Merging
from training.miniclinic.cases import fault_points, make_case
from training.miniclinic.knowledge import Knowledge

HELD_OUT_PRESENTATIONS = frozenset({"cough", "earache", "flu_vaccine", "morning_sickness"})
MAX_EXAMPLES = Merging().examples
ALONE_SHARE = 0.5
STRAY_SHARE = 0.25
SHORT_WORDS = 16
_JOINTS = frozenset({"and", "or", "but", "because", "which", "such", "unless", "before", "after", "when", "that"})


def true_principle(knowledge: Knowledge, criterion: str) -> str:
    """Id of the principle behind one of the knowledge base's criteria; KeyError for another text."""
    return knowledge.principles_of(knowledge.asked_by[criterion][0])[0]


def held_out_criteria(knowledge: Knowledge) -> frozenset[str]:
    """The criteria that training never shows."""
    found: set[str] = set()
    for key, item in knowledge.items.items():
        whole = key.split(".")[0] in HELD_OUT_PRESENTATIONS
        for texts in (item.criterion, item.fault):
            found.update(texts if whole else texts[-1:])
    return frozenset(found)


def rubric_rows(knowledge: Knowledge, n: int, first_seed: int = 0) -> Iterator[HealthBenchRow]:
    """``n`` held-out cases with rubrics in held-out wordings: what is required, and what would be a fault."""
    held_out = held_out_criteria(knowledge)
    for seed in range(first_seed, first_seed + n):
        case, rng = make_case(knowledge, seed, "heldout"), random.Random(f"distil:{seed}")
        asked = [(knowledge.items[key].criterion, knowledge.items[key].points) for key in case.required]
        for key in case.faults:
            item = knowledge.items[key]
            asked.append((item.fault or item.criterion, fault_points(item)))
        rubrics = [
            HealthBenchCriterion(
                criterion=rng.choice([text for text in texts if text in held_out]),
                points=points,
                tags=("level:example",),
            )
            for texts, points in asked
        ]
        prompt = [dict(message) for message in case.messages]
        yield HealthBenchRow.model_validate(
            {
                "example_tags": [],
                "prompt": prompt,
                "prompt_id": f"miniclinic-{seed}",
                "rubrics": [criterion.model_dump() for criterion in rubrics],
            }
        )


def merge_chats(knowledge: Knowledge, corpus: Corpus, seed: int, n: int) -> Iterator[list[Message]]:
    """``n`` conversations: the compact merge prompt with criteria of one principle, and that principle as the answer.

    As in real clusters, half of them have one criterion only, and now and then one of at least three is another
    principle's.
    """
    prompt, texts = load_merge_prompt("compact"), _training_criteria(knowledge)
    ids = sorted(texts)
    weights = [len(texts[id_]) ** 0.5 for id_ in ids]
    for number in islice(count(), n):
        rng = random.Random(f"{seed}:merge:{number}")
        id_ = rng.choices(ids, weights)[0]
        wanted = 1 if rng.random() < ALONE_SHARE else rng.randint(2, MAX_EXAMPLES)
        chosen = rng.sample(texts[id_], min(len(texts[id_]), wanted))
        if 2 <= len(chosen) < MAX_EXAMPLES and rng.random() < STRAY_SHARE:
            stray = rng.choice(texts[rng.choice([other for other in ids if other != id_])])
            chosen.insert(rng.randint(1, len(chosen)), stray)
        answer = render_merged(short_principle(corpus.by_id(id_)))
        yield [*prompt.render(chosen), {"role": "assistant", "content": answer}]


def short_principle(principle: Principle) -> MergedPrinciple:
    """A principle of the corpus as the compact prompt asks for it: its statement up to the last pause in 16 words."""
    return MergedPrinciple(principle.title, _short(principle.statement), principle.polarity)


def _short(statement: str) -> str:
    words = statement.split()
    pauses = [at for at in range(SHORT_WORDS // 2, len(words)) if words[at - 1][-1] in ",;:" or words[at] in _JOINTS]
    short = [at for at in pauses if at <= SHORT_WORDS] or pauses[:1]
    if len(words) <= SHORT_WORDS or not short:
        return statement
    return " ".join(words[: short[-1]]).rstrip(",;:.") + "."


def _training_criteria(knowledge: Knowledge) -> dict[str, list[str]]:
    held_out = held_out_criteria(knowledge)
    found: dict[str, list[str]] = {}
    for text in knowledge.asked_by:
        if text not in held_out:
            found.setdefault(true_principle(knowledge, text), []).append(text)
    return found
