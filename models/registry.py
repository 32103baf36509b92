"""What is known of each served model: which prompts it takes, from which probability a verdict counts as met.

Invariant: an unknown key is refused, and every model has an entry: its own or the default one.
"""

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGED = Path(__file__).with_name("registry.toml")


class RegistryError(ValueError):
    """The registry file cannot be read; the message names the key."""


class ModelEntry(BaseModel):
    """One model. A criterion is met from `verdict_threshold` on; `max_model_len` is in tokens.

    `constrained`: rubrics and edits are decoded under their JSON schema. A model trained on these very formats does
    without, and each token costs the engine less.

    `text_only`: the model reads no images, sounds or files; where that is not known, the engine says it.

    `path` is where a bundled checkpoint lies, relative to the repository; `notice` is told to whoever uses the model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompts: Literal["compact", "full"] = "full"
    constrained: bool = True
    verdict_threshold: float = Field(default=0.5, gt=0.0, lt=1.0)
    max_model_len: int | None = Field(default=None, ge=1)
    text_only: bool = False
    path: Path | None = None
    bundled: bool = False
    notice: str = ""

    @property
    def checkpoint(self) -> Path | None:
        """The checkpoint's folder, absolute."""
        return None if self.path is None else REPOSITORY / self.path


class Registry(BaseModel):
    """The entries by served model name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default: ModelEntry = ModelEntry()
    models: dict[str, ModelEntry] = Field(default_factory=dict)

    def entry(self, model: str) -> ModelEntry:
        """Return the model's own entry, or the default one."""
        return self.models.get(model, self.default)

    def bundled(self) -> tuple[str, ModelEntry]:
        """Return name and entry of the model that comes with the repository. Raises `RegistryError` without one."""
        for name, entry in self.models.items():
            if entry.bundled:
                return name, entry
        raise RegistryError("no bundled model in the registry")


def load_registry(file: Path | None = None) -> Registry:
    """Read `file`, or the packaged registry. Raises `RegistryError`."""
    where = file or PACKAGED
    try:
        values: dict[str, Any] = tomllib.loads(where.read_text(encoding="utf-8"))
        default = values.get("default", {})
        for name, entry in values.get("models", {}).items():
            values["models"][name] = {**default, **entry}
        return Registry.model_validate(values)
    except OSError as error:
        raise RegistryError(f"{where}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RegistryError(f"{where}: not TOML: {error}") from error
    except ValidationError as error:
        faults = ("{}: {}".format(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors())
        raise RegistryError(f"{where}: {'; '.join(faults)}") from error
