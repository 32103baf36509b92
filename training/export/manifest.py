"""SHA256SUMS of a checkpoint folder, in the form that ``sha256sum -c`` reads.

Invariant: it lists every file of the folder but itself, and a folder with a manifest that fits has not been altered.
"""

import hashlib
from pathlib import Path

from training.export.headers import CheckpointError

MANIFEST = "SHA256SUMS"


def write_manifest(folder: Path) -> None:
    """Write the digests of all files of the folder, sorted by name."""
    lines = (f"{_digest(folder / name)}  {name}\n" for name in _names(folder))
    (folder / MANIFEST).write_text("".join(lines), encoding="utf-8")


def check_manifest(folder: Path) -> None:
    """Raise ``CheckpointError`` naming each file that differs, is missing or is not listed."""
    try:
        lines = (folder / MANIFEST).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise CheckpointError(f"{folder / MANIFEST}: {error.strerror}") from error
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    present = set(_names(folder))
    wrong = sorted(listed.keys() ^ present)
    wrong += [name for name in sorted(listed.keys() & present) if listed[name] != _digest(folder / name)]
    if wrong:
        raise CheckpointError(f"{folder}: not as its {MANIFEST} says: {', '.join(wrong)}")


def _names(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in files if path.name != MANIFEST)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
