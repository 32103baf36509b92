"""`python constraints/sbom.py > constraints/gateway.cdx.json` writes what the gateway's image holds, as CycloneDX 1.6.

Packages are those of gateway.txt with the licences that their own metadata state; the encoder that the image holds and
the model that it does not (the engine's) are machine-learning models with their digests. Invariant: the same tree gives
the same bytes: no time, no random number, nothing of this machine.
"""

import hashlib
import re
import sys
import tomllib
import uuid
from email.message import Message
from importlib.metadata import distribution
from pathlib import Path
from typing import cast

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from license_expression import get_spdx_licensing
from packageurl import PackageURL

ROOT = Path(__file__).parents[1]
NAMESPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")  # RFC 9562's for object identifiers
PLACE = "preceptor:place"
IN_IMAGE, AT_ENGINE = "gateway image", "engine; not in the gateway image"
_LICENCES = LicenseFactory()
# Classifiers and free words that stand for an SPDX expression; metadata that says neither is refused.
SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}


class UnknownLicence(ValueError):
    """A package states no licence that is known here."""


def pins(constraints: str) -> dict[str, str]:
    """Names and versions of a constraint file. Raises ``ValueError`` for a line that is no exact pin."""
    found: dict[str, str] = {}
    for line in constraints.splitlines():
        match = re.fullmatch(r"([a-z0-9][a-z0-9.-]*)==([0-9][A-Za-z0-9.]*)", line)
        if match is None:
            raise ValueError(f"no exact pin: {line}")
        found[match[1]] = match[2]
    return found


def licence(metadata: Message) -> str:
    """The SPDX expression that a package's metadata state. Raises ``UnknownLicence``."""
    stated = metadata.get("License-Expression")
    words = (metadata.get("License") or "").strip()
    if stated or (words and not get_spdx_licensing().validate(words).errors):
        return stated or words
    rows = metadata.get_all("Classifier") or []
    classifiers = [row.rpartition(" :: ")[2] for row in rows if row.startswith("License")]
    known = list(dict.fromkeys(SPDX[word] for word in (*classifiers, words) if word in SPDX))
    if not known:
        raise UnknownLicence(f"{metadata['Name']}: {[*classifiers, words]}")
    return " OR ".join(sorted(known))


def package(name: str, version: str) -> Component:
    """A package of the image. Raises ``ValueError`` where another version is installed here than is pinned."""
    installed = distribution(name)
    if installed.version.partition("+")[0] != version:
        raise ValueError(f"{name} {installed.version} is installed, {version} is pinned")
    url = PackageURL("pypi", name=name, version=version)
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=version,
        purl=url,
        bom_ref=str(url),
        licenses=[_LICENCES.make_from_string(licence(cast(Message, installed.metadata)))],
        properties=[Property(name=PLACE, value=IN_IMAGE)],
    )


def model(name: str, version: str, path: str, place: str, description: str) -> Component:
    """Weights of this repository, with their SHA-256 digest."""
    digest = hashlib.sha256((ROOT / path).read_bytes()).hexdigest()
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        name=name,
        version=version,
        bom_ref=f"model:{name}",
        description=description,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        licenses=[_LICENCES.make_from_string("Apache-2.0")],
        properties=[Property(name=PLACE, value=place), Property(name="preceptor:path", value=path)],
    )


def bill() -> Bom:
    """The bill of materials."""
    constraints = (ROOT / "constraints" / "gateway.txt").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    image = Component(
        type=ComponentType.APPLICATION,
        name=project["name"],
        version=project["version"],
        bom_ref="preceptor",
        licenses=[_LICENCES.make_from_string(project["license"])],
    )
    parts = [package(name, version) for name, version in pins(constraints).items()]
    encoder = model(
        "preceptor-encoder", project["version"], "principles/encoder/model.onnx", IN_IMAGE,
        "MiniLM as one int8 ONNX graph: embeds questions for retrieval and routing",
    )  # fmt: skip
    toy = model(
        "preceptor-miniclinic", project["version"], "models/bundled/model.safetensors", AT_ENGINE,
        "Toy model of one synthetic world, for trying and testing; never for patients",
    )  # fmt: skip
    content = "\n".join([constraints, *(str(h.content) for c in (encoder, toy) for h in c.hashes), project["version"]])
    made = Bom(components=[*parts, encoder, toy], serial_number=uuid.uuid5(NAMESPACE, content))
    made.metadata = BomMetaData(component=image)
    made.register_dependency(image, [*parts, encoder])
    return made


def written() -> str:
    """The bill as JSON, valid by the published schema. Raises ``ValueError`` where it would not be."""
    made = bill()
    made.metadata.timestamp = None  # type: ignore[assignment]  # the library fills it in; the bytes must not change
    text = JsonV1Dot6(made).output_as_string(indent=1) + "\n"
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault is not None:
        raise ValueError(str(fault))
    return text


if __name__ == "__main__":
    sys.stdout.write(written())
