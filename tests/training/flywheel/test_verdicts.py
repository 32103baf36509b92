from pathlib import Path

from models.registry import load_registry
from training.flywheel.verdicts import Verdicts, load_verdicts, read_verdicts, write_verdicts
from training.miniclinic.datasets import write_labels
from training.miniclinic.knowledge import load_knowledge


def test_the_bundled_model_is_read_as_it_is_served(tmp_path: Path) -> None:
    labels, (_, entry) = tmp_path / "labels.jsonl", load_registry().bundled()
    written = write_labels(labels, load_knowledge(), "heldout", range(3000, 3003))
    found = read_verdicts(Path("models/bundled"), labels, entry.prompts, entry.verdict_threshold)
    flags = [flag for of in found.right.values() for flag in of]
    assert len(found.right) == 3
    assert len(flags) == written
    assert sum(flags) / len(flags) > 0.7
    assert found.unread == 0


def test_what_is_written_is_read(tmp_path: Path) -> None:
    found = Verdicts({"a": [True, False]}, 1)
    write_verdicts(tmp_path / "deep" / "verdicts.json", found)
    assert load_verdicts(tmp_path / "deep" / "verdicts.json") == found
