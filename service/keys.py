"""API keys: whose they are, what they open, and until when.

Invariant: a key is known by its SHA-256 digest alone and compared with every digest there is; one request is judged
by one ``Keyring``, and a key file is taken over whole or not at all.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from service.limits import NO_LIMITS, Bound, ClientLimits, Weight

READ_EVERY_S = 1.0
_KEY_BYTES = 32
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_UNLIMITED: Mapping[str, object] = MappingProxyType({})
log = logging.getLogger("preceptor.keys")


class Scope(StrEnum):
    """What a key may open."""

    CHAT = "chat"
    REVISIONS = "revisions"
    PRINCIPLES = "principles"
    FEEDBACK = "feedback"
    METRICS = "metrics"


class Reload(StrEnum):
    """What became of a key file that had changed."""

    LOADED = "loaded"
    REFUSED = "refused"


class KeyFileError(ValueError):
    """The key file cannot be used; the message names the line, and quotes nothing of it."""


class Key(BaseModel):
    """One line of a key file. ``expires`` is the last day on which the key is good, in UTC.

    The limits are the client's: one of its lines is enough to say them, and no two may say different ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    client: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    digest: Annotated[str, StringConstraints(pattern=f"^{_DIGEST.pattern}$")] = Field(repr=False)
    scopes: frozenset[Scope] = Field(min_length=1)
    expires: date | None = None
    max_in_flight: Bound | None = None
    tokens_per_minute: Bound | None = None
    weight: Weight | None = None

    @property
    def limits(self) -> dict[str, int | float]:
        """The limits that this line says."""
        return self.model_dump(include=set(ClientLimits.model_fields), exclude_none=True)


def key_digest(key: str) -> str:
    """Return the form in which an API key is kept; a digest passes through unchanged."""
    return key if _DIGEST.fullmatch(key) else _sha256(key.encode())


def _sha256(key: bytes) -> str:
    """A fast digest is enough: keys have as many random bits as it has, so that none can be guessed from it."""
    return f"sha256:{hashlib.sha256(key).hexdigest()}"


def new_key(
    client: str, scopes: Iterable[str], expires: date | None = None, limits: Mapping[str, object] = _UNLIMITED
) -> tuple[str, str]:
    """Make a key; return it, and its line for the key file. Raises ``ValidationError``."""
    key = f"preceptor-{secrets.token_urlsafe(_KEY_BYTES)}"
    row = Key.model_validate(
        {"client": client, "digest": key_digest(key), "scopes": set(scopes), "expires": expires, **limits}
    )
    fields = row.model_dump(mode="json", exclude_none=True)
    return key, json.dumps({**fields, "scopes": sorted(fields["scopes"])}, separators=(",", ":"))


def today() -> date:
    """The day by which keys expire."""
    return datetime.now(UTC).date()


class Keyring:
    """Keys that are good together. A client may have several, so that one can take another's place in peace."""

    def __init__(self, keys: Sequence[Key], defaults: ClientLimits = NO_LIMITS) -> None:
        self.keys = tuple(keys)
        self._defaults = defaults
        said: dict[str, dict[str, int | float]] = {}
        for key in self.keys:
            said.setdefault(key.client, {}).update(key.limits)
        self._limits = {client: ClientLimits(**{**defaults.model_dump(), **own}) for client, own in said.items()}

    def limits(self, client: str) -> ClientLimits:
        """What a client may have: as its keys say, else the defaults."""
        return self._limits.get(client, self._defaults)

    def holder(self, presented: str | None, day: date) -> Key | None:
        """Find the key that was presented, in a time that does not tell which one, if any, it resembles."""
        digest = _sha256((presented or "").encode("latin-1", errors="replace"))
        found: Key | None = None
        for key in self.keys:
            if hmac.compare_digest(digest, key.digest):
                found = key
        return None if found is None or (found.expires is not None and found.expires < day) else found


def read_keys(raw: bytes) -> list[Key]:
    """Read JSON lines, one key in each; empty ones are passed over. Raises ``KeyFileError``."""
    keys: dict[str, Key] = {}
    said: dict[tuple[str, str], int | float] = {}
    for number, line in enumerate(raw.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            key = Key.model_validate_json(line)
        except ValidationError as error:
            fault = error.errors(include_input=False, include_url=False, include_context=False)[0]
            where = next((part for part in fault["loc"] if part in Key.model_fields), "unknown key or no JSON object")
            raise KeyFileError(f"key file, line {number}: {where}: {fault['type']}") from error
        if key.digest in keys:
            raise KeyFileError(f"key file, line {number}: a digest that stands above already")
        for name, limit in key.limits.items():
            if said.setdefault((key.client, name), limit) != limit:
                raise KeyFileError(f"key file, line {number}: {name}: not what stands above for this client")
        keys[key.digest] = key
    return list(keys.values())


class Keys:
    """The keys of a gateway: those of its settings, which open everything, and those of its key file as it stands.

    Raises ``KeyFileError`` where the file cannot be read at the start. What it becomes later is taken over once two
    readings in a row agree, so that a file that is being written is not; one that cannot be used changes nothing.
    """

    def __init__(
        self,
        digests: Sequence[str],
        file: Path | None,
        reloaded: Callable[[Reload], None] = lambda _: None,
        defaults: ClientLimits = NO_LIMITS,
    ) -> None:
        everything = frozenset(Scope)
        self._fixed = [Key(client=f"key-{n}", digest=digest, scopes=everything) for n, digest in enumerate(digests)]
        self._file = file
        self._reloaded = reloaded
        self._defaults = defaults
        self._fault: str | None = None
        self._taken = self._before = b"" if file is None else self._read(file)
        self.ring = Keyring([*self._fixed, *read_keys(self._taken)], defaults)

    @property
    def wanted(self) -> bool:
        """Say whether requests need a key; an empty key file lets nobody in."""
        return bool(self._fixed) or self._file is not None

    def opens_everything(self, key: Key) -> bool:
        """Say whether a key is one of the settings, which stand for the operator and not for one client."""
        return any(key is fixed for fixed in self._fixed)

    def refresh(self) -> None:
        """Read the file once, and take it over if it has changed and no longer does."""
        if self._file is None:
            return
        try:
            raw = self._read(self._file)
            self._fault = None
            settled, self._before = raw == self._before, raw
            if not settled or raw == self._taken:
                return
            self._taken = raw
            self.ring = Keyring([*self._fixed, *read_keys(raw)], self._defaults)
        except KeyFileError as error:
            self._refused(error)
        else:
            log.info("the key file has been read again: %d keys", len(self.ring.keys))
            self._reloaded(Reload.LOADED)

    async def watch(self, every_s: float = READ_EVERY_S) -> None:
        """Look after the file for ever."""
        while self._file is not None:
            await asyncio.sleep(every_s)
            await asyncio.to_thread(self.refresh)

    def _refused(self, error: KeyFileError) -> None:
        """Tell of a fault, once for as long as it lasts."""
        if str(error) != self._fault:
            self._fault = str(error)
            log.error("the keys stay as they were: %s", error)
            self._reloaded(Reload.REFUSED)

    @staticmethod
    def _read(file: Path) -> bytes:
        try:
            return file.read_bytes()
        except OSError as error:
            raise KeyFileError(f"key file: {error.strerror}") from error
