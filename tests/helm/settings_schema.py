"""The part of `helm/values.schema.json` that says which settings the gateway has, taken from the settings themselves.

Invariant: the chart takes a setting exactly where the gateway does. `python -m tests.helm.settings_schema` writes it.
"""

import json
from pathlib import Path
from typing import Any

from service.settings import Settings

SCHEMA = Path(__file__).parents[2] / "helm" / "values.schema.json"
# What the chart gives the gateway itself: from other values, from a Secret, or as a mounted file.
OF_THE_CHART = frozenset(
    {"engine_url", "engine_api_key", "api_keys", "key_file", "allow_without_keys", "registry", "corpus"}
    | {"feedback_database"}
)
_NOT_NEEDED = ("title", "default", "format", "discriminator")


def settings_schema() -> dict[str, Any]:
    """The object schema of `gateway.settings`, closed, with the gateway's own bounds and descriptions."""
    whole = Settings.model_json_schema()
    definitions = whole.get("$defs", {})
    properties = {
        name: _inlined(schema, definitions)
        for name, schema in sorted(whole["properties"].items())
        if name not in OF_THE_CHART
    }
    return {
        "type": "object",
        "description": "Settings of the gateway by their own names; those not given keep its defaults",
        "additionalProperties": False,
        "required": ["drain_s", "engine_priorities", "max_body_bytes", "port"],
        "properties": properties,
    }


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """Without titles and defaults, and with every reference replaced by what it refers to."""
    if isinstance(schema, list):
        return [_inlined(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        target = definitions[schema["$ref"].rsplit("/", 1)[-1]]
        return _inlined(target | {key: value for key, value in schema.items() if key != "$ref"}, definitions)
    kept = {key: value for key, value in schema.items() if key not in _NOT_NEEDED}
    if "properties" in kept:
        named = {name: _inlined(value, definitions) for name, value in kept.pop("properties").items()}
        return _inlined(kept, definitions) | {"properties": named}
    return {key: _inlined(value, definitions) for key, value in kept.items()}


def main() -> None:
    """Write the section anew and leave the rest of the file as it is."""
    whole = json.loads(SCHEMA.read_text(encoding="utf-8"))
    whole["properties"]["gateway"]["properties"]["settings"] = settings_schema()
    SCHEMA.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
