"""The gateway's settings: a TOML file, then PRECEPTOR_* variables, then the command line, later ones winning.

Owns the only reading of the environment in this project. Invariant: an unknown key is refused wherever it stands,
and API keys are kept as SHA-256 digests only.
"""

import json
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
from service.feedback.address import database_url
from service.keys import key_digest

PREFIX = "PRECEPTOR_"
CONFIG_VARIABLE = "PRECEPTOR_CONFIG"
_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31})=(https?://.*)")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]+)?|[a-z][a-z0-9+.-]*://[a-z0-9.-]+")
# Kubernetes describes a Service called "preceptor" to its neighbours by variables of our own prefix.
_SERVICE_LINK = re.compile(
    r"PRECEPTOR(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP)(_[A-Z]+)?)"
)


class SettingsError(ValueError):
    """A setting is unknown, missing or out of range; the message names it."""


def _listed(value: object) -> object:
    """Let a tuple be written as one comma-separated string, as variables and options have it."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _parsed(value: object) -> object:
    """Let a table be written as JSON, as a variable has it."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError as error:
        raise ValueError("not JSON") from error


def _engine_urls(values: tuple[str, ...]) -> tuple[str, ...]:
    addresses = _addresses(values)
    for address in addresses:
        parts = urlsplit(address.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("needs to be a URL such as http://127.0.0.1:8001, or several")
    if not all(len(set(column)) == len(values) for column in zip(*addresses, strict=True)):
        raise ValueError("names an engine twice")
    return values


def _addresses(values: tuple[str, ...]) -> tuple[Address, ...]:
    """Each engine under the name before its URL, or under its place in the list."""
    named = (_NAMED.fullmatch(value) for value in values)
    return tuple(
        Address(found[1], found[2]) if found else Address(str(place), value)
        for place, (value, found) in enumerate(zip(values, named, strict=True))
    )


def _origins(values: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_ORIGIN.fullmatch(value) for value in values):
        raise ValueError("needs to be origins such as https://app.example.org, in lower case and without a path")
    return values


def _database(value: str) -> str:
    database_url(value)
    return value


def _existing(value: Path | None) -> Path | None:
    if value is not None and not value.exists():
        raise ValueError("no such file or folder")
    return value


def _digests(value: object) -> object:
    parts = _listed(value)
    return tuple(key_digest(str(part)) for part in parts) if isinstance(parts, list | tuple) else parts


class Settings(BaseModel):
    """Everything that a deployment decides. Times in seconds, sizes in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="address to listen at")
    port: int = Field(default=8000, ge=0, le=65535, description="port to listen at")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least level logged")

    engine_url: Annotated[tuple[str, ...], BeforeValidator(_listed), AfterValidator(_engine_urls)] = Field(
        default=("http://127.0.0.1:8001",),
        min_length=1,
        description="base URL of the engine, without /v1, or of several for one model, which may have names: a=URL",
    )
    health_interval_s: float = Field(default=3.0, gt=0, description="seconds between two checks of an engine")
    health_timeout_s: float = Field(default=3.0, gt=0, description="most seconds that a check may take")
    first_byte_s: float = Field(
        default=20.0, gt=0, description="most seconds until an engine begins an answer before another one is asked"
    )
    slow_start_s: float = Field(
        default=30.0, ge=0, description="seconds in which an engine that has come back gets its full share"
    )
    hedge_after_s: float | None = Field(
        default=None,
        gt=0,
        description="seconds after which a verdict is asked of a second engine too; never if unset",
    )
    engine_model: str | None = Field(default=None, description="model name at the engine; asked of it when unset")
    engine_api_key: str | None = Field(default=None, repr=False, description="API key that the engine wants")
    playground: bool = Field(default=True, description="serve the playground, a page for trying the gateway, at /")
    slug: str = Field(default="preceptor", min_length=1, description="model name under which guided answers are given")
    registry: FilePath | None = Field(default=None, description="model registry; the packaged one when unset")
    corpus: Annotated[Path | None, AfterValidator(_existing)] = Field(
        default=None, description="principles, a file or a folder; the packaged set when unset"
    )

    embedder: Annotated[EmbedderChoice | None, BeforeValidator(_parsed)] = Field(
        default=None, description="what embeds questions, as JSON; the bundled encoder when unset"
    )

    top_k: int = Field(default=8, ge=1, le=8, description="most principles for a question")
    rounds: int = Field(default=1, ge=0, le=3, description="most rounds of revision")
    deadline_s: float = Field(default=120.0, gt=0, description="seconds for one guided request, from its arrival")
    heartbeat_s: float = Field(default=10.0, gt=0, description="most seconds of silence in a guided stream")
    bypass_talk: bool = Field(default=True, description="hand talk that is not about health to the engine as it is")
    open_after_s: float = Field(default=0.5, ge=0, description="most seconds until a guided stream opens")

    api_keys: Annotated[tuple[str, ...], BeforeValidator(_digests)] = Field(
        default=(),
        repr=False,
        description="API keys that open everything, or their sha256: digests",
    )
    key_file: FilePath | None = Field(
        default=None, description="API keys by client and scope, as JSON lines; read again when it changes"
    )
    allow_without_keys: bool = Field(default=False, description="listen beyond this machine without API keys")
    cors_origins: Annotated[tuple[str, ...], BeforeValidator(_listed), AfterValidator(_origins)] = Field(
        default=(), description="origins whose web pages may ask, such as https://app.example.org"
    )
    feedback_database: Annotated[str, AfterValidator(_database)] = Field(
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
    max_in_flight: int = Field(default=256, ge=1, description="requests that the engine may be at work for")
    max_queued: int = Field(default=256, ge=0, description="requests that may wait for a slot; more get 429 at once")
    queue_wait_s: float = Field(default=10.0, gt=0, description="most seconds that a request waits for a slot")
    body_s: float = Field(default=30.0, gt=0, description="most seconds that a body may take to arrive")
    stall_s: float = Field(default=60.0, gt=0, description="most seconds that a client may leave an answer unread")
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
        return _addresses(self.engine_url)

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
