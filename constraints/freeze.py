"""`python constraints/freeze.py [REQUIREMENT ...]` writes an environment's versions as a pip constraint file.

With requirements, only what they need, extras and markers included. Invariant: names and versions only, no place to get
them from; local version labels and editable projects are left out.
"""

import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution, distributions

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

# The project itself, and what an environment brings along with its interpreter.
LEFT_OUT = frozenset({"pip", "preceptor", "setuptools", "wheel"})


def closure(wanted: Iterable[str]) -> set[NormalizedName]:
    """Return the canonical names of all that the requirements lead to. Those named themselves must be installed."""
    open_ends = [Requirement(text) for text in wanted]
    for requirement in open_ends:
        distribution(requirement.name)
    seen: set[tuple[NormalizedName, str]] = set()
    while open_ends:
        requirement = open_ends.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            try:
                needs = distribution(name).requires or []
            except PackageNotFoundError:
                continue
            open_ends += [
                need
                for need in map(Requirement, needs)
                if need.marker is None or need.marker.evaluate({"extra": extra})
            ]
    return {name for name, _ in seen}


def main(wanted: list[str]) -> None:
    """Write the file to standard output."""
    versions = {canonicalize_name(found.name): Version(found.version).public for found in distributions()}
    names = (closure(wanted) if wanted else set(versions)) & set(versions)
    sys.stdout.writelines(f"{name}=={versions[name]}\n" for name in sorted(names - LEFT_OUT))


if __name__ == "__main__":
    main(sys.argv[1:])
