"""Training rows of the miniclinic: the service's own prompts, rendered by the service's own code, as trees.

Invariant: every prompt is built by ``PromptSet``; nothing here words a prompt.
"""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from service.revision.edits import Edit
from service.revision.prompts import Message, PromptSet
from service.revision.rubric import Criterion, render_rubric
from service.revision.sentences import numbered, split
from training.miniclinic.answers import (
    Sentence,
    confused_answer,
    criterion_of,
    draft_answer,
    edit_for,
    full_answer,
    rubric_of,
    text_of,
    unneeded,
)
from training.miniclinic.cases import Case
from training.miniclinic.knowledge import Knowledge
from training.scratch.tokenizer import ChatEncoder
from training.scratch.tree import Row, Tree, flatten

Retrieve = Callable[[Sequence[Message]], Sequence[tuple[str, str, str]]]
"""Returns (id, title, statement) of the principles retrieved for a conversation."""

EDITS_PER_ROW = 1
WHOLE_ANSWER_SHARE = 0.6
STRAY_VERDICTS = 2
SYSTEM_SHARE = 0.1
SYSTEM_TURNS = (
    "You are a helpful assistant.",
    "You are a careful medical assistant.",
    "Answer the question about health.",
    "You are a clinician who answers questions from patients and colleagues.",
)


class RowMaker:
    """Makes one tree per case from fixed parts; draws come from the generator passed in."""

    def __init__(
        self,
        knowledge: Knowledge,
        prompts: PromptSet,
        encoder: ChatEncoder,
        retrieve: Retrieve,
        omission: float = 1.0,
        confusion: float = 0.0,
    ) -> None:
        self._knowledge, self._prompts, self._encoder, self._retrieve = knowledge, prompts, encoder, retrieve
        self._omission, self._confusion = omission, confusion

    def row(self, case: Case, rng: random.Random) -> Row:
        """Return the case's row: draft, rubric, verdicts, edits, and one whole rewriting."""
        tree, messages = Tree(), [dict(message) for message in case.messages]
        if rng.random() < SYSTEM_SHARE:
            messages.insert(0, {"role": "system", "content": rng.choice(SYSTEM_TURNS)})
        trunk = tree.add(-1, [token for message in messages for token in self._encoder.message(message)])
        listed = self._principles(messages, rng)
        ids = tuple(principle[0] for principle in listed)
        criteria = rubric_of(self._knowledge, case, ids, rng)
        turn = self._prompts.rubric(messages, [(title, statement) for _, title, statement in listed])
        self._answer(tree, trunk, turn[len(messages) :], render_rubric(criteria, ids), "rubric")
        confused = rng.random() < self._confusion
        if confused:
            draft = confused_answer(self._knowledge, case, rng)
        else:
            draft = draft_answer(self._knowledge, case, rng, self._omission)
        text = text_of(draft)
        node = self._answer(tree, trunk, [], text, None if confused else "draft")
        tree.nodes[node].tokens.extend(self._encoder.newline)
        tree.nodes[node].targets.extend([False] * len(self._encoder.newline))
        self._judge_and_edit(tree, node, case, draft, rng)
        if rng.random() < WHOLE_ANSWER_SHARE:
            self._rewrite(tree, node, case, draft, criteria, rng)
        return flatten(tree)

    def _principles(self, messages: Sequence[Message], rng: random.Random) -> list[tuple[str, str, str]]:
        listed = list(self._retrieve(messages))
        if rng.random() < 0.2:
            rng.shuffle(listed)
        if rng.random() < 0.1:
            listed = listed[: rng.randint(1, len(listed))]
        return listed

    def _answer(self, tree: Tree, parent: int, turn: Sequence[Message], answer: str, task: str | None) -> int:
        """Add a turn and the assistant's answer to it below ``parent``, which holds a closed conversation."""
        prompt = self._encoder.prompt([dict(message) for message in turn])
        return tree.add(parent, prompt, [*self._encoder.piece(answer), self._encoder.end], task)

    def _judge_and_edit(self, tree: Tree, node: int, case: Case, draft: list[Sentence], rng: random.Random) -> None:
        said = {sentence.key for sentence in draft}
        keys = [(key, False) for key in case.required] + [(key, True) for key in case.faults]
        keys += [(unneeded(self._knowledge, case, rng), False) for _ in range(STRAY_VERDICTS)]
        rng.shuffle(keys)
        units = split(text_of(draft))
        edits = EDITS_PER_ROW
        for key, fault in dict.fromkeys(keys):
            criterion = criterion_of(self._knowledge, key, fault, (), rng)
            met = key in said
            conversation = self._prompts.verdict([], "", criterion.text)[1:]
            word = "yes" if met else "no"
            verdict = self._answer(tree, node, conversation, word, "verdict")
            if edits and met == fault and (key in case.required or fault or rng.random() < 0.3):
                edits -= 1
                turn = self._prompts.edit([], "", criterion.text, word, numbered(units))[3:]
                tree.nodes[verdict].tokens.extend(self._encoder.newline)
                tree.nodes[verdict].targets.extend([False] * len(self._encoder.newline))
                edit: Edit = edit_for(self._knowledge, case, draft, key, fault, rng)
                self._answer(tree, verdict, turn, edit.as_json(), "edit")

    def _rewrite(
        self,
        tree: Tree,
        node: int,
        case: Case,
        draft: list[Sentence],
        criteria: Sequence[Criterion],
        rng: random.Random,
    ) -> None:
        said = {sentence.key for sentence in draft}
        better = self._corrected(case, draft, rng)
        kind = rng.choices(("rewrite", "improve", "critique"), weights=(3, 4, 2))[0]
        if kind == "improve":
            self._answer(tree, node, self._prompts.improve([], "")[1:], better, "improve")
            return
        verdicts = [(c, self._knowledge.asked_by[c.text][0] in said) for c in criteria]
        if kind == "critique":
            turn = self._prompts.critique([], "", [c.text for c in criteria])[1:]
            self._answer(tree, node, turn, critique_json(verdicts), "critique")
            return
        unmet = [c.text for c, met in verdicts if not c.satisfied_by(met)]
        if unmet:
            self._answer(tree, node, self._prompts.rewrite([], "", unmet)[1:], better, "rewrite")

    def _corrected(self, case: Case, draft: list[Sentence], rng: random.Random) -> str:
        """The draft with all that is required and nothing that is wrong, its own sentences kept."""
        kept = {sentence.key: sentence.text for sentence in draft if sentence.key != "filler"}
        target = full_answer(self._knowledge, case, rng)
        fillers = [sentence for sentence in draft if sentence.key == "filler"]
        core = [Sentence(s.key, kept.get(s.key, s.text)) for s in target if s.key != "filler"]
        return text_of([fillers[0], *core, *fillers[1:]])


def critique_json(verdicts: Sequence[tuple[Criterion, bool]]) -> str:
    """Write a joint critique as the model is to write it: the reason before the verdict."""
    rows: list[dict[str, Any]] = [
        {"n": number, "reason": f"{'Present' if met else 'Absent'} is what it asks for", "met": met}
        for number, (_, met) in enumerate(verdicts, start=1)
    ]
    return json.dumps(rows, separators=(",", ":"))
