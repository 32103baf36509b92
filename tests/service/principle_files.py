"""Small corpora on disk with ids of their own, and the way in which a kubelet exchanges a mounted folder."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from principles.corpus import Corpus, parse_corpus

NAME = "ours.yaml"


def principles(edition: str, count: int = 4) -> bytes:
    """A file of principles for every scenario, whose ids and statements name their edition."""
    rows = [
        {
            "id": f"urgency.{edition}-{number}",
            "dimension": "urgency",
            "title": "Names the urgent route",
            "applies": {},
            "polarity": "do",
            "statement": f"The reply names the urgent route {number} of edition {edition}.",
            "why": "Delay does harm.",
            "points": 9,
            "basis": "erc-first-aid",
        }
        for number in range(1, count + 1)
    ]
    return yaml.safe_dump(rows).encode()


def corpus(edition: str, count: int = 4) -> Corpus:
    """What the file holds."""
    return parse_corpus({NAME: principles(edition, count)})


def exchange(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put files into a mounted folder as a kubelet does: links through ``..data``, which is exchanged in one step."""
    folder.mkdir(exist_ok=True)
    versions = [path for path in folder.iterdir() if path.name.startswith("..v")]
    version = folder / f"..v{len(versions) + 1}"
    version.mkdir()
    for name, content in files.items():
        (version / name).write_bytes(content)
    new = folder / "..data_tmp"
    new.symlink_to(version.name)
    new.rename(folder / "..data")
    for name in files:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(Path("..data") / name)
    for path in folder.iterdir():
        if path.is_symlink() and not path.exists():
            path.unlink()
