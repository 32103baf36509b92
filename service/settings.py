"""The gateway's settings: a TOML file, then PRECEPTOR_* variables, then the command line, later ones winning.

Owns the only reading of the environment in this project. Invariant: an unknown key is refused wherever it stands,
and API keys are kept as SHA-256 digests only.
"""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FilePath,
    ValidationError,
    model_validator,
)

from models.embedder import EmbedderChoice
from models.pool.replica import Address
from service.limits import Bound, ClientLimits
from service.setting_values import (
    addresses,
    collector,
    digests,
    engine_urls,
    existing,
    feedback_url,
    host_names,
    listed,
    origins,
    parsed,
)

PREFIX = "PRECEPTOR_"
CONFIG_VARIABLE = "PRECEPTOR_CONFIG"
# An H100 at the published speed holds 37.6 guided requests under way and ends 1.84 a second (loadtest/README.md): some
# more than the first, and what the second takes out of a queue within the ten seconds of queue_wait_s.
SLOTS_PER_ENGINE = 48
PLACES_PER_ENGINE = 16
# Kubernetes describes a Service called "preceptor" to its neighbours by variables of our own prefix.
_SERVICE_LINK = re.compile(
    r"PRECEPTOR(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP)(_[A-Z]+)?)"
)


class SettingsError(ValueError):
    """A setting is unknown, missing or out of range; the message names it."""


class Settings(BaseModel):
    """Everything that a deployment decides. Times in seconds, sizes in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="address to listen at")
    port: int = Field(default=8000, ge=0, le=65535, description="port to listen at")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least level logged")

    engine_url: Annotated[tuple[str, ...], BeforeValidator(listed), AfterValidator(engine_urls)] = Field(
        default=("http://127.0.0.1:8001",),
        min_length=1,
        description="base URL of the engine, without /v1, or of several for one model, which may have names: a=URL",
    )
    health_interval_s: float = Field(default=3.0, gt=0, description="seconds between two checks of an engine")
    health_timeout_s: float = Field(default=3.0, gt=0, description="most seconds that a check may take")
    first_byte_s: float = Field(
        default=20.0, gt=0, description="most seconds until an engine begins an answer before another one is asked"
    )
    engine_begin_s: float = Field(
        default=60.0, gt=0, description="most seconds until a stream begins at an engine that is the last to be asked"
    )
    engine_silence_s: float = Field(
        default=30.0, gt=0, description="most seconds of silence in a stream that has begun, or of an engine's host"
    )
    engine_answer_s: float = Field(default=600.0, gt=0, description="most seconds that one call to an engine may take")
    slow_start_s: float = Field(
        default=30.0, ge=0, description="seconds in which an engine that has come back gets its full share"
    )
    hedge_after_s: float | None = Field(
        default=None,
        gt=0,
        description="seconds after which a verdict is asked of a second engine too; never if unset",
    )
    engine_priorities: bool = Field(
        default=True,
        description="have verdicts and edits go before drafts, where the engine says that it takes priorities",
    )
    engine_model: str | None = Field(default=None, description="model name at the engine; asked of it when unset")
    engine_api_key: str | None = Field(default=None, repr=False, description="API key that the engine wants")
    playground: bool = Field(default=True, description="serve the playground, a page for trying the gateway, at /")
    slug: str = Field(default="preceptor", min_length=1, description="model name under which guided answers are given")
    registry: FilePath | None = Field(default=None, description="model registry; the packaged one when unset")
    corpus: Annotated[Path | None, AfterValidator(existing)] = Field(
        default=None, description="principles, a file or a folder; the packaged set when unset"
    )

    embedder: Annotated[EmbedderChoice | None, BeforeValidator(parsed)] = Field(
        default=None, description="what embeds questions, as JSON; the bundled encoder when unset"
    )

    top_k: int = Field(default=8, ge=1, le=8, description="most principles for a question")
    rounds: int = Field(default=1, ge=0, le=3, description="most rounds of revision")
    deadline_s: float = Field(default=120.0, gt=0, description="seconds for one guided request, from its arrival")
    heartbeat_s: float = Field(default=10.0, gt=0, description="most seconds of silence in a guided stream")
    bypass_talk: bool = Field(default=True, description="hand talk that is not about health to the engine as it is")
    open_after_s: float = Field(default=0.5, ge=0, description="most seconds until a guided stream opens")

    api_keys: Annotated[tuple[str, ...], BeforeValidator(digests)] = Field(
        default=(),
        repr=False,
        description="API keys that open everything, or their sha256: digests",
    )
    key_file: FilePath | None = Field(
        default=None, description="API keys by client and scope, as JSON lines; read again when it changes"
    )
    allow_without_keys: bool = Field(default=False, description="listen beyond this machine without API keys")
    cors_origins: Annotated[tuple[str, ...], BeforeValidator(listed), AfterValidator(origins)] = Field(
        default=(), description="origins whose web pages may ask, such as https://app.example.org"
    )
    hosts: Annotated[tuple[str, ...], BeforeValidator(listed), AfterValidator(host_names)] = Field(
        default=(),
        description="host names that requests may address beside localhost and addresses; if unset, none without keys "
        "on loopback, else any",
    )
    feedback_database: Annotated[str, AfterValidator(feedback_url)] = Field(
        default="",
        repr=False,
        description="where feedback is kept: sqlite:///FILE, postgresql://..., off; a file of one's own when unset",
    )
    feedback_content: bool = Field(default=False, description="keep the texts that come with feedback")
    feedback_deidentify: bool = Field(
        default=False, description="of those texts, replace what is recognised as pointing to a person"
    )
    feedback_retention_days: int | None = Field(
        default=None, ge=1, le=36_500, description="days after which feedback is erased; never if unset"
    )
    max_head_bytes: int = Field(default=32 * 1024, ge=1024, description="largest request line and headers")
    head_s: float = Field(default=10.0, gt=0, description="most seconds that a request's head may take to arrive")
    max_body_bytes: int = Field(default=4 * 1024 * 1024, ge=1024, description="largest body")
    max_in_flight: int | None = Field(
        default=None,
        ge=1,
        description=f"requests that the engines may be at work for; {SLOTS_PER_ENGINE} for each engine if unset",
    )
    max_queued: int | None = Field(
        default=None,
        ge=0,
        description="requests that may wait for a slot, more get 429 at once; "
        f"{PLACES_PER_ENGINE} for each engine if unset",
    )
    queue_wait_s: float = Field(default=10.0, gt=0, description="most seconds that a request waits for a slot")
    client_max_in_flight: Bound | None = Field(
        default=None, description="slots that one client may hold, unless its keys say otherwise; any number if unset"
    )
    client_tokens_per_minute: Bound | None = Field(
        default=None, description="tokens a minute for one client, unless its keys say otherwise; any number if unset"
    )
    body_s: float = Field(default=30.0, gt=0, description="most seconds that a body may take to arrive")
    stall_s: float = Field(default=60.0, gt=0, description="most seconds that a client may leave an answer unread")
    otlp_endpoint: Annotated[str | None, AfterValidator(collector)] = Field(
        default=None, description="base URL of an OTLP/HTTP collector, without /v1/traces; nothing is traced when unset"
    )
    trace_ratio: float = Field(
        default=1.0, ge=0, le=1, description="share of requests traced where their client's trace does not decide"
    )
    retry_after_s: int = Field(default=2, ge=1, description="seconds after which a refused client may come again")
    drain_s: int = Field(default=120, ge=0, description="most seconds that requests in flight may take at shutdown")

    @model_validator(mode="after")
    def _one_way_to_sign_in(self) -> Self:
        if self.engine_api_key and any(urlsplit(url).username for _, url in self.engines):
            raise ValueError("engine_url holds a user name beside engine_api_key: an engine takes one of them")
        return self

    @property
    def engines(self) -> tuple[Address, ...]:
        """The engines with their names, which stand in metrics and logs in the place of URLs."""
        return addresses(self.engine_url)

    @property
    def client_limits(self) -> ClientLimits:
        """What a client may have unless its keys say otherwise."""
        return ClientLimits(max_in_flight=self.client_max_in_flight, tokens_per_minute=self.client_tokens_per_minute)

    @property
    def slots(self) -> int:
        """How many requests the engines may be at work for."""
        return SLOTS_PER_ENGINE * len(self.engine_url) if self.max_in_flight is None else self.max_in_flight

    @property
    def places(self) -> int:
        """How many may wait for a slot."""
        return PLACES_PER_ENGINE * len(self.engine_url) if self.max_queued is None else self.max_queued

    @property
    def wants_keys(self) -> bool:
        """Say whether requests need an API key."""
        return bool(self.api_keys) or self.key_file is not None


def load_settings(
    overrides: Mapping[str, object] | None = None, *, environ: Mapping[str, str] | None = None, file: Path | None = None
) -> Settings:
    """Read file, environment and ``overrides`` (None values are ignored). Raises ``SettingsError``."""
    variables = os.environ if environ is None else environ
    named = variables.get(CONFIG_VARIABLE)
    where = file or (Path(named) if named else None)
    values: dict[str, Any] = {}
    values |= _from_file(where) if where else {}
    values |= _from_environment(variables)
    values |= {name: value for name, value in (overrides or {}).items() if value is not None}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_told(error)) from error


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not TOML: {error}") from error


def _from_environment(variables: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in variables.items():
        if not name.startswith(PREFIX) or name == CONFIG_VARIABLE or _is_service_link(name, value):
            continue
        field = name.removeprefix(PREFIX).lower()
        if field not in Settings.model_fields:
            raise SettingsError(f"{name} is no setting of the gateway")
        if value:
            found[field] = value
    return found


def _is_service_link(name: str, value: str) -> bool:
    return bool(_SERVICE_LINK.fullmatch(name)) or (name.endswith("_PORT") and value.startswith(("tcp://", "udp://")))


def _told(error: ValidationError) -> str:
    def place(path: Sequence[int | str]) -> str:
        return ".".join(map(str, path)) or "settings"

    return "; ".join(f"{place(fault['loc'])}: {fault['msg']}" for fault in error.errors(include_input=False))
