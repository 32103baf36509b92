"""What the gateway is made of: exact pins, no library for weights, known licences, a bill of materials that is true."""

import hashlib
import json
import re
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from constraints.sbom import UnknownLicence, licence, pins, written

ROOT = Path(__file__).parents[1]
CONSTRAINTS = ROOT / "constraints"
# Terms that a hospital's legal department has nothing to do for: permissive ones, and MPL's, which bind changed files.
ALLOWED = {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "MIT", "MPL-2.0", "PSF-2.0", "Zlib"}
HEAVY = re.compile(r"torch|cuda|nvidia|triton|vllm|transformers|tensorflow|jax")


def kept() -> dict[str, Any]:
    found = json.loads((CONSTRAINTS / "gateway.cdx.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("path", sorted(CONSTRAINTS.glob("*.txt")), ids=lambda path: path.stem)
def test_every_constraint_is_an_exact_pin(path: Path) -> None:
    names = list(pins(path.read_text(encoding="utf-8")))
    assert names == sorted(set(names))


@pytest.mark.parametrize(
    "line", ["a>=1", "a==1.*", "a", "-r other.txt", "a @ https://x", "a==1 ; python_version > '3'", ""]
)
def test_anything_else_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="no exact pin"):
        pins(f"ok==1\n{line}\n")


def test_the_gateway_needs_nothing_that_holds_weights() -> None:
    assert [name for name in pins((CONSTRAINTS / "gateway.txt").read_text()) if HEAVY.search(name)] == []


def test_the_gateway_is_what_development_runs() -> None:
    gateway, dev = (pins((CONSTRAINTS / f"{name}.txt").read_text()) for name in ("gateway", "dev"))
    assert gateway.items() <= dev.items()


def test_the_bill_is_up_to_date_and_made_alike_every_time() -> None:
    assert (CONSTRAINTS / "gateway.cdx.json").read_text(encoding="utf-8") == written(), "make sbom"


def test_the_bill_is_valid_and_holds_nothing_of_this_machine() -> None:
    text = (CONSTRAINTS / "gateway.cdx.json").read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert "timestamp" not in text
    assert str(ROOT) not in text


def test_the_bill_lists_every_package_once() -> None:
    libraries = {part["name"]: part["version"] for part in kept()["components"] if part["type"] == "library"}
    assert libraries == pins((CONSTRAINTS / "gateway.txt").read_text())


def test_the_models_are_in_the_bill_with_digest_and_place() -> None:
    models = [part for part in kept()["components"] if part["type"] == "machine-learning-model"]
    assert [part["name"] for part in models] == ["preceptor-encoder", "preceptor-miniclinic"]
    for part in models:
        told = {row["name"]: row["value"] for row in part["properties"]}
        digest = hashlib.sha256((ROOT / told["preceptor:path"]).read_bytes()).hexdigest()
        assert part["hashes"] == [{"alg": "SHA-256", "content": digest}]
        assert part["licenses"] == [{"license": {"id": "Apache-2.0"}}]
        assert told["preceptor:place"].startswith("gateway image") is (part["name"] == "preceptor-encoder")


def test_every_licence_is_one_that_may_be_used() -> None:
    refused = {
        part["name"]: expression
        for part in kept()["components"]
        for row in part["licenses"]
        for expression in [row.get("expression") or row["license"]["id"]]
        if not is_allowed(expression)
    }
    assert refused == {}


def is_allowed(expression: str) -> bool:
    """Every alternative has to be allowed: stricter than SPDX, and simpler."""
    return set(re.findall(r"[A-Za-z0-9.-]+", expression)) - {"AND", "OR"} <= ALLOWED


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"License-Expression": "MIT AND PSF-2.0", "License": "else"}, "MIT AND PSF-2.0"),
        ({"Classifier": "License :: OSI Approved :: Apache Software License"}, "Apache-2.0"),
        ({"License": "3-Clause BSD License"}, "BSD-3-Clause"),
        ({"License": "MPL-2.0 AND MIT"}, "MPL-2.0 AND MIT"),
    ],
)
def test_a_licence_is_read_from_metadata(headers: dict[str, str], found: str) -> None:
    assert licence(metadata(headers)) == found


@pytest.mark.parametrize("headers", [{}, {"License": "as is"}, {"Classifier": "License :: OSI Approved"}])
def test_a_licence_that_is_not_known_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(UnknownLicence):
        licence(metadata(headers))


def metadata(headers: dict[str, str]) -> Any:
    message = Message()
    for name, value in {"Name": "x", **headers}.items():
        message[name] = value
    return message
