"""What a chat completion request may say, ours and the engine's.

Invariant: fields that the loop uses are checked strictly, the engine's are kept as they came, and an unknown key of our
own extension is refused.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from service.api.answer_types import ExtensionTold
from service.revision.task import MAX_ROUNDS, PrincipleChoice

Roles = Literal["system", "developer", "user", "assistant", "tool", "function"]


def _whole(value: object) -> object:
    """JSON has one kind of number: 3.0 is as whole as 3."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


# A bound stands before the validator, and in the type: on a field it would not reach the document.
Count = Annotated[int, Field(ge=1), BeforeValidator(_whole)]
# Within 64 bits, and with no more digits than the float keeps that the document holds a bound as.
MAX_SEED = 9_223_372_036_854_000_000
Seed = Annotated[int, Field(ge=-MAX_SEED, le=MAX_SEED), BeforeValidator(_whole)]
Rounds = Annotated[int, Field(ge=0, le=MAX_ROUNDS), BeforeValidator(_whole)]
UpTo8 = Annotated[int, Field(ge=1, le=8), BeforeValidator(_whole)]
UpTo50 = Annotated[int, Field(ge=1, le=50), BeforeValidator(_whole)]
ModelName = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class Closed(BaseModel):
    """A wire type of our own: strict, and closed to unknown keys."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Open(BaseModel):
    """A wire type of OpenAI's: strict in what we use, open to the rest."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)


class Message(Open):
    """One message of a conversation."""

    role: Roles
    content: str | list[dict[str, Any]] | None = None


class LoopOptions(Closed):
    """How the loop is to run for one request; what is unset is the gateway's own setting."""

    rounds: Rounds | None = Field(default=None, description="how often the answer may be judged and edited; 0 is none")
    top_k: UpTo8 | None = Field(default=None, description="principles to look for")
    strict: bool = Field(default=False, description="rather 503 than an answer that could not be criticised")
    principles: PrincipleChoice = Field(
        default="retrieved", description="those that are near, none (improve without any), or all there are"
    )
    deadline_ms: Count | None = Field(default=None, description="from arrival; can only shorten the gateway's own")


class Extension(LoopOptions):
    """The ``preceptor`` object of a chat completion request."""

    stages: bool = Field(default=False, description="tell draft, principles and verdicts as reasoning")
    trace: bool = Field(default=False, description="add all that led to the answer")


class StreamOptions(Open):
    """Of a streamed completion."""

    include_usage: bool | None = None


class ChatRequest(Open):
    """The parts of a chat completion request that the gateway reads."""

    model: ModelName
    messages: list[Message] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: Seed | None = None
    stop: str | list[str] | None = None
    bad_words: list[str] | None = None
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    n: Count | None = None
    preceptor: Extension | None = None

    @property
    def extension(self) -> Extension:
        """The extension, or its defaults."""
        return self.preceptor or Extension()

    @property
    def wants_usage(self) -> bool:
        """Whether a stream is to end with a usage chunk."""
        return bool(self.stream_options and self.stream_options.include_usage)


class AnswerMessage(Open):
    """An answer; an engine's own may call tools in its place."""

    role: str
    content: str | None = None


class Choice(Open):
    """One of the answers."""

    index: int
    message: AnswerMessage
    finish_reason: str | None


class ChatCompletion(Open):
    """A whole answer; a guided one also has a ``preceptor`` object."""

    id: str
    object: str
    created: int
    model: str
    choices: list[Choice]
    usage: dict[str, Any] | None = None
    preceptor: ExtensionTold | None = None
