"""Owns the vectors of texts on disk, in one folder for each embedder, named by the text's own hash.

Invariant: a shard is there whole or not at all, so that an interrupted run embeds only what is still missing.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from principles.embedding import Embedder
from training.runs.files import RunError, naming, replace_whole

Halves = npt.NDArray[np.float16]
SHARD_TEXTS = 1024
_HASH_BYTES = 16
_PROBE = "Tells the reader what to do now."


class VectorStore:
    """Unit vectors of texts, kept as 16-bit floats: at 2,688 numbers each, 100,000 texts take 540 MB."""

    def __init__(self, folder: Path, embed: Embedder) -> None:
        """``folder`` is made; what another embedder left in it is not touched. Raises ``RunError``."""
        probe = np.round(embed([_PROBE])[0], 2) + np.float32(0.0)
        self._folder = folder / f"vectors-{sha256(probe.tobytes()).hexdigest()[:8]}"
        self._embed = embed
        self._width = len(probe)
        with naming(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)

    def of(self, texts: Sequence[str], tell: Callable[[int], None] = lambda _done: None) -> Halves:
        """Vectors of shape (texts, width). ``tell`` is given the number of texts that are done. Raises ``RunError``."""
        hashes = [sha256(text.encode()).digest()[:_HASH_BYTES] for text in texts]
        rows: dict[bytes, int] = {}
        for row, found in enumerate(hashes):
            rows.setdefault(found, row)
        vectors = np.empty((len(texts), self._width), dtype=np.float16)
        missing = set(rows)
        for path in sorted(self._folder.glob("*.npz")):
            for found, vector in zip(*_read(path), strict=True):
                if found in missing:
                    vectors[rows[found]] = vector
                    missing.discard(found)
        tell(len(rows) - len(missing))
        self._add([(found, row) for found, row in rows.items() if found in missing], texts, vectors, tell)
        tell(len(rows))
        return vectors[[rows[found] for found in hashes]] if len(rows) < len(texts) else vectors

    def _add(
        self, wanted: list[tuple[bytes, int]], texts: Sequence[str], vectors: Halves, tell: Callable[[int], None]
    ) -> None:
        before = len({*texts}) - len(wanted)
        for start in range(0, len(wanted), SHARD_TEXTS):
            part = wanted[start : start + SHARD_TEXTS]
            made = self._embed([texts[row] for _, row in part]).astype(np.float16)
            vectors[[row for _, row in part]] = made
            _write(self._folder, [found for found, _ in part], made)
            tell(before + start + len(part))


def _write(folder: Path, hashes: list[bytes], vectors: Halves) -> None:
    buffer = BytesIO()
    np.savez(buffer, hashes=np.frombuffer(b"".join(hashes), dtype=np.uint8), vectors=vectors)
    name = sha256(b"".join(hashes)).hexdigest()[:16]
    replace_whole(folder / f"{name}.npz", [buffer.getvalue()])


def _read(path: Path) -> tuple[list[bytes], Halves]:
    with naming(path):
        try:
            with np.load(BytesIO(path.read_bytes())) as file:
                joined, vectors = file["hashes"].tobytes(), file["vectors"]
        except (BadZipFile, KeyError, ValueError) as error:
            raise RunError(f"{path}: no vectors; remove the file to have them made again: {error}") from error
    return [joined[start : start + _HASH_BYTES] for start in range(0, len(joined), _HASH_BYTES)], vectors
