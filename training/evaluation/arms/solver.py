"""Arms as solvers of inspect's: one answer a sample, or one a doctor's turn in a consultation."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ModelOutput
from inspect_ai.solver import Generate, Solver, TaskState, solver

from training.evaluation.arms.arms import ARMS
from training.evaluation.arms.asked import Target
from training.evaluation.recipe import ArmName
from training.evaluation.rows import ANSWER, Answered


def answering(arm: ArmName, target: Target) -> Solver:
    """Answer the sample's conversation once, as ``arm`` does."""

    @solver(name=arm)
    def one_answer() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            answered = await ARMS[arm](target, state.messages, key_of(state))
            message = ChatMessageAssistant(content=answered.text, model=arm)
            state.messages.append(message)
            state.output = ModelOutput.from_message(message)
            state.metadata[ANSWER] = asdict(answered)
            return state

        return solve

    return one_answer()


@dataclass(frozen=True, slots=True)
class ArmDoctor:
    """The doctor of one consultation: each turn is an answer to all that was said, as the arm gives it.

    Drafts and guided answers go apart from the second turn on: each goes on from what it said itself.
    """

    arm: ArmName
    target: Target
    key: str

    async def reply(self, messages: Sequence[ChatMessage], turn: int) -> Answered:
        """Answer the conversation so far."""
        return await ARMS[self.arm](self.target, messages, f"{self.key}:{turn}")


def key_of(state: TaskState) -> str:
    """Return what tells this sample's draws from every other's."""
    return f"{state.sample_id}:{state.epoch}"
