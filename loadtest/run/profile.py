"""A load profile: stages of arrivals, what is asked, who leaves, who reads slowly, and the SLO. TOML, closed and typed.

Invariant: unknown keys, impossible shares and ranges the wrong way round are refused when the file is read.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from loadtest.profile import ProfileError

LOAD_PROFILES = Path(__file__).parents[1] / "profiles" / "load"

Share = Annotated[float, Field(gt=0, le=1)]


def _ascending(pair: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= pair[0] <= pair[1]:
        raise ValueError("needs the lower number first, and none below 0")
    return pair


Range = Annotated[tuple[float, float], AfterValidator(_ascending)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Poisson(_Closed):
    """Gaps drawn at random; ``load`` multiplies the profile's rate."""

    type: Literal["poisson"]
    load: PositiveFloat = 1.0


class Constant(_Closed):
    """Even gaps."""

    type: Literal["constant"]
    load: PositiveFloat = 1.0


class Burst(_Closed):
    """``size`` requests at one moment; the moments are Poisson, so that the rate is the same."""

    type: Literal["burst"]
    size: PositiveInt
    load: PositiveFloat = 1.0


class Trace(_Closed):
    """Arrivals as they were, from JSON lines ``{"offset_seconds": 0.25}``; ``speed`` 2 replays twice as fast.

    The path is relative to the profile's own folder.
    """

    type: Literal["trace"]
    path: Path
    speed: PositiveFloat = 1.0

    @field_validator("path")
    @classmethod
    def _beside_the_profile(cls, path: Path, info: ValidationInfo) -> Path:
        return info.context["folder"] / path if info.context else path


Arrivals = Annotated[Poisson | Constant | Burst | Trace, Field(discriminator="type")]


class Stage(_Closed):
    """So many seconds of one kind of arrivals."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    seconds: PositiveFloat
    arrivals: Arrivals


class Mix(_Closed):
    """One kind of request and its share. ``accepted`` and ``revised`` are what the stand-in makes of them.

    ``guided`` are held-out questions, for a real engine; ``passthrough`` names the engine's own model. A request is
    given ``prompt_words`` (lowest, highest) words of history, and asks for stages where ``reasoning`` is set.
    """

    kind: Literal["accepted", "revised", "guided", "passthrough"]
    weight: PositiveFloat = 1.0
    prompt_words: Range = (0, 0)
    stream: bool = True
    reasoning: bool = False
    max_tokens: PositiveInt | None = None


class Leaving(_Closed):
    """Clients that leave: their share, and how many seconds (lowest, highest) after which moment."""

    share: Share
    after: Literal["sending", "first_byte", "first_reasoning", "first_answer"] = "sending"
    seconds: Range = (0.0, 0.0)


class SlowReaders(_Closed):
    """Clients that read no faster than this."""

    share: Share
    bytes_per_second: PositiveInt


class Slo(_Closed):
    """What a request has to keep: seconds from its scheduled arrival, and milliseconds a token after the first."""

    ttfb_seconds: PositiveFloat | None = None
    first_answer_seconds: PositiveFloat | None = None
    tpot_ms: PositiveFloat | None = None
    e2e_seconds: PositiveFloat | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise ValueError("an SLO needs at least one bound")
        return self


class LoadProfile(_Closed):
    """A whole run; ``rate`` is requests a second and each target's own, times a stage's ``load``."""

    description: str
    rate: PositiveFloat
    slo: Slo
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    mix: Annotated[tuple[Mix, ...], Field(min_length=1)]
    leaving: Leaving | None = None
    slow_readers: SlowReaders | None = None
    seed: int = 0
    timeout_seconds: PositiveFloat = 180.0
    scrape_seconds: PositiveFloat = 2.0

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        if len({stage.name for stage in self.stages}) < len(self.stages):
            raise ValueError("two stages of one name")
        return self

    @property
    def seconds(self) -> float:
        """How long requests arrive."""
        return sum(stage.seconds for stage in self.stages)

    def changed(self, *, rate: float | None, seconds: float | None) -> "LoadProfile":
        """The same at another rate, or with all stages shortened or lengthened alike to ``seconds`` in all."""
        factor = seconds / self.seconds if seconds else 1.0
        stages = tuple(stage.model_copy(update={"seconds": stage.seconds * factor}) for stage in self.stages)
        return self.model_copy(update={"stages": stages, "rate": rate or self.rate})


def load_profile(name: str) -> LoadProfile:
    """Read a profile from a file, or by bare name one of those that come along. Raises ``ProfileError``."""
    path = Path(name) if name.endswith(".toml") else LOAD_PROFILES / f"{name}.toml"
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
        return LoadProfile.model_validate(fields, context={"folder": path.parent})
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{path}: {error}") from error
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors())
        raise ProfileError(f"{path}: {told}") from error
