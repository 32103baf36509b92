"""Writes the miniclinic's training data in the formats of `training.data`, as a user would bring their own.

Invariant: a row's id names split and seed of its case (``train-17``), so that the exact judges find the case again.
"""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from service.revision.edits import Edit
from service.revision.prompts import PromptSet
from service.revision.rubric import render_rubric
from service.revision.sentences import numbered, split
from training.data.files import write_records
from training.data.healthbench import HealthBenchRow
from training.data.judge_labels import JudgeLabel
from training.data.queries import Query
from training.methods.counterparts import Counterpart, Counterparts
from training.miniclinic.answers import (
    Sentence,
    confused_answer,
    criterion_of,
    draft_answer,
    edit_for,
    rubric_of,
    text_of,
    unneeded,
)
from training.miniclinic.cases import Case, Split, make_case
from training.miniclinic.knowledge import Knowledge
from training.miniclinic.rows import Retrieve
from training.trl_adapter.counterpart_store import CounterpartStore

DEMONSTRATION_OMISSION = 0.6
COUNTERPARTS = {"hasty": 1.0, "usual": 0.6, "careful": 0.3}
"""The fixed opponents by how much they leave out (scale of `answers.OMIT`); ``mistaken`` comes besides."""

Chat = list[dict[str, str]]


def cases_of(knowledge: Knowledge, split_name: Split, seeds: range) -> Iterator[tuple[str, Case]]:
    """Yield ids and cases."""
    return ((f"{split_name}-{seed}", make_case(knowledge, seed, split_name)) for seed in seeds)


def write_queries(path: Path, knowledge: Knowledge, seeds: range) -> int:
    """Write unlabelled questions of training cases."""
    rows = (
        Query.model_validate({"id": name, "prompt": [dict(m) for m in case.messages]})
        for name, case in cases_of(knowledge, "train", seeds)
    )
    return write_records(path, rows, Query)


def write_rubrics(path: Path, rows: Iterator[HealthBenchRow]) -> int:
    """Write questions with rubrics."""
    return write_records(path, rows, HealthBenchRow)


def write_labels(path: Path, knowledge: Knowledge, split_name: Split, seeds: range) -> int:
    """Write judge labels on two answers to each case: a draft, and one by someone who mistakes circumstances."""
    return write_records(path, _labels(knowledge, split_name, seeds), JudgeLabel)


def write_counterparts(path: Path, knowledge: Knowledge, seeds: range) -> None:
    """Write the fixed opponents' answers to each training question."""
    rows = {}
    for name, case in cases_of(knowledge, "train", seeds):
        rng = random.Random(f"counterparts:{name}")
        answers = [
            Counterpart(label, text_of(draft_answer(knowledge, case, rng, omission)))
            for label, omission in COUNTERPARTS.items()
        ]
        answers.append(Counterpart("mistaken", text_of(confused_answer(knowledge, case, rng))))
        rows[name] = Counterparts(name, tuple(answers))
    CounterpartStore(rows).save(path)


def skill_chats(
    knowledge: Knowledge, prompts: PromptSet, retrieve: Retrieve, seeds: range
) -> Iterator[tuple[str, Chat]]:
    """Yield one conversation for each of the loop's skills and each case, the last turn being what is learnt.

    Drafts leave out what real answers do (`DEMONSTRATION_OMISSION`): demonstrations are imperfect. Rubrics, verdicts,
    edits and rewrites are right ones.
    """
    for name, case in cases_of(knowledge, "train", seeds):
        rng = random.Random(f"skills:{name}")
        messages: Chat = [dict(message) for message in case.messages]
        draft = draft_answer(knowledge, case, rng, DEMONSTRATION_OMISSION)
        yield f"{name}-draft", [*messages, _assistant(text_of(draft))]
        listed = list(retrieve(messages))
        ids = tuple(row[0] for row in listed)
        turn = prompts.rubric(messages, [(title, statement) for _, title, statement in listed])
        rubric = render_rubric(rubric_of(knowledge, case, ids, rng), ids)
        yield f"{name}-rubric", [*_chat(turn), _assistant(rubric)]
        judged = confused_answer(knowledge, case, rng) if rng.random() < 0.5 else draft
        yield from _verdict_and_edit(knowledge, prompts, name, case, judged, rng)


def _verdict_and_edit(
    knowledge: Knowledge, prompts: PromptSet, name: str, case: Case, draft: Sequence[Sentence], rng: random.Random
) -> Iterator[tuple[str, Chat]]:
    said, text = {sentence.key for sentence in draft}, text_of(list(draft))
    keys = [(key, False) for key in case.required] + [(key, True) for key in case.faults]
    rng.shuffle(keys)
    edited = False
    for number, (key, fault) in enumerate([*keys[:3], (unneeded(knowledge, case, rng), False)]):
        criterion, met = criterion_of(knowledge, key, fault, (), rng), key in said
        word = "yes" if met else "no"
        yield (
            f"{name}-verdict-{number}",
            [*_chat(prompts.verdict(case.messages, text, criterion.text)), _assistant(word)],
        )
        if met == fault and not edited and (key in case.required or fault):
            edited = True
            edit: Edit = edit_for(knowledge, case, list(draft), key, fault, rng)
            turn = prompts.edit(case.messages, text, criterion.text, word, numbered(split(text)))
            yield f"{name}-edit", [*_chat(turn), _assistant(edit.as_json())]


def _labels(knowledge: Knowledge, split_name: Split, seeds: range) -> Iterator[JudgeLabel]:
    for name, case in cases_of(knowledge, split_name, seeds):
        rng = random.Random(f"labels:{name}")
        for kind, make in (("draft", draft_answer), ("mistaken", confused_answer)):
            yield from _labels_of(knowledge, case, f"{name}-{kind}", make(knowledge, case, rng), rng)


def _labels_of(
    knowledge: Knowledge, case: Case, name: str, answer: list[Sentence], rng: random.Random
) -> Iterator[JudgeLabel]:
    said = {sentence.key for sentence in answer}
    keys = [(key, False) for key in case.required] + [(key, True) for key in case.faults]
    keys += [(unneeded(knowledge, case, rng), False)]
    for number, (key, fault) in enumerate(dict.fromkeys(keys)):
        criterion = criterion_of(knowledge, key, fault, (), rng)
        row = {"id": f"{name}-{number}", "prompt": [dict(m) for m in case.messages], "answer": text_of(answer)}
        yield JudgeLabel.model_validate(
            row
            | {"criterion": criterion.text, "points": criterion.points, "met": key in said}
            | {"labelled_by": "exact-scorer"}
        )


def _assistant(content: str) -> dict[str, str]:
    return {"role": "assistant", "content": content}


def _chat(messages: Sequence[object]) -> Chat:
    return [dict(message) for message in messages]  # type: ignore[call-overload]
