"""The three ways to answer one question on one engine: plain, guided, and the textbook loop of whole calls.

Invariant: all drafts are asked for with the same messages and sampling, so that they coincide where the engine is
deterministic. The textbook is given the guided arm's criteria for nothing, which favours it.
"""

from dataclasses import dataclass, replace

from loadtest.client import CallFailure, Client, Reply, Sampling, Spent
from loadtest.profile import Criterion, Profile, UnreadableCritique
from loadtest.questions import Question


@dataclass(frozen=True, slots=True)
class Guided:
    """A guided answer: how the loop ended, from which draft, by which criteria."""

    spent: Spent
    outcome: str
    draft: str
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class Textbook:
    """A run of the textbook loop; without ``rewritten`` its critique found nothing to put right."""

    spent: Spent
    rewritten: bool
    readable: bool


@dataclass(frozen=True, slots=True)
class Arms:
    """Runs one arm for one question through a gateway. Every method raises ``CallFailure``."""

    client: Client
    guided_model: str
    plain_model: str
    profile: Profile

    async def plain(self, question: Question, sampling: Sampling) -> Reply:
        """The engine's own answer."""
        return await self.client.chat(self.plain_model, question.messages, sampling)

    async def guided(self, question: Question, sampling: Sampling) -> Guided:
        """The gateway's answer, with its trace."""
        extra = {"preceptor": {"trace": True}}
        reply = await self.client.chat(self.guided_model, question.messages, sampling, extra)
        return read_guided(reply)

    async def textbook(self, question: Question, sampling: Sampling, criteria: tuple[Criterion, ...]) -> Textbook:
        """Draft, whole critique, whole rewrite, one after the other; the time is the sum of the calls.

        Critique and rewrite are decoded at temperature 0, as the guided arm's own steps are.
        """
        drafted = await self.client.chat(self.plain_model, question.messages, sampling)
        greedy = replace(sampling, temperature=0.0)
        so_far = [*question.messages, {"role": "assistant", "content": drafted.answer}]
        turn = {"role": "user", "content": self.profile.critique_turn(criteria)}
        critique = await self.client.chat(self.plain_model, [*so_far, turn], greedy)
        spent, readable = drafted.spent + critique.spent, True
        try:
            unsatisfied = self.profile.unsatisfied(criteria, critique.answer)
        except UnreadableCritique:
            unsatisfied, readable = list(criteria), False
        if not unsatisfied:
            return Textbook(spent, rewritten=False, readable=readable)
        turn = {"role": "user", "content": self.profile.rewrite_turn(unsatisfied, critique.answer)}
        rewrite = await self.client.chat(self.plain_model, [*so_far, turn], greedy)
        return Textbook(spent + rewrite.spent, rewritten=True, readable=readable)


def read_guided(reply: Reply) -> Guided:
    """Read the gateway's own object; without one the answer is the engine's own. Raises ``CallFailure``."""
    if not reply.extension:
        return Guided(reply.spent, "bypassed", reply.answer, ())
    try:
        trace = reply.extension["trace"]
        criteria = tuple(Criterion(str(row["text"]), int(row["points"])) for row in trace["criteria"])
        return Guided(reply.spent, str(reply.extension["outcome"]), str(trace["draft"]), criteria)
    except (KeyError, TypeError, ValueError) as error:
        raise CallFailure("the reply's preceptor object has no trace that can be read") from error
