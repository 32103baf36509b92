"""The API's examples: whole exchanges, one file of them for each resource.

Invariant: what is asked is written by hand, what is answered came from a real gateway
(`python -m tests.service.api.record_examples`), and both are shown in the OpenAPI document as they are.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class Exchange(BaseModel):
    """One request and its answer: JSON as a value, anything else as text.

    ``excerpt`` names the lines of a long text that are shown, by how they begin.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    summary: str
    parameters: dict[str, str | int] = {}
    headers: dict[str, str] = {}
    body: dict[str, Any] | None = None
    status: int = 200
    media_type: str = "application/json"
    excerpt: tuple[str, ...] = ()
    answer: Any = None


Exchanges = Mapping[str, Sequence[Exchange]]
_FILE = TypeAdapter(dict[str, list[Exchange]])


def load_exchanges() -> Exchanges:
    """Every exchange by its operation, such as ``POST /v1/revisions``. Raises ``ValidationError``."""
    found: dict[str, list[Exchange]] = {}
    for file in sorted(files(__name__).iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".json"):
            found |= read_exchanges(file.read_bytes())
    return found


def read_exchanges(content: bytes) -> dict[str, list[Exchange]]:
    """One file's. Raises ``ValidationError``."""
    return _FILE.validate_json(content)
