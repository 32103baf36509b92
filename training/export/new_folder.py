"""A folder that is there whole, on the disk, or not at all.

Invariant: while it is written it has another name; after a kill, what is left of it is removed by the next attempt.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from training.export.headers import CheckpointError


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Give an empty folder to write into, which becomes ``out`` when the block ends without an error.

    Raises ``CheckpointError`` when ``out`` is there already or cannot be written, a full disk included.
    """
    if out.exists():
        raise CheckpointError(f"{out}: is there already; name another folder or remove it")
    partial = out.with_name(f".{out.name}.partial")
    try:
        if partial.exists():
            shutil.rmtree(partial)
        partial.mkdir(parents=True)
        yield partial
        for path in sorted(partial.rglob("*")):
            _sync(path)
        _sync(partial)
        partial.rename(out)
        _sync(out.parent)
    except OSError as error:
        raise CheckpointError(f"{error.filename or partial}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
