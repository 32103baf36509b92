import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from principles.corpus import Corpus, load_corpus
from principles.embedding import BundledEmbedder
from tests.training.distil.scripted_engine import ScriptedEngine
from training.distil.evaluate import Evaluation, threshold_table
from training.distil.merge_prompt import load_merge_prompt
from training.distil.merged import render_merged
from training.distil.miniclinic import short_principle, true_principle
from training.distil.settings import Clustering, Settings
from training.miniclinic.knowledge import Knowledge, load_knowledge

KNOWLEDGE: Knowledge = load_knowledge()
CORPUS: Corpus = load_corpus()
COMPACT = load_merge_prompt("compact")


class Silent:
    """Watches nothing."""

    def step(self, name: str, total: int) -> Callable[[int], None]:
        return lambda _done: None


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return Evaluation(KNOWLEDGE, CORPUS, BundledEmbedder(), Settings(), 120)


def knowing(prompt: str) -> str:
    """The principle of most of the criteria listed."""
    listed = [line.removeprefix("- ") for line in prompt.splitlines() if line.startswith("- ")]
    counts = Counter(true_principle(KNOWLEDGE, text) for text in listed)
    return render_merged(short_principle(CORPUS.by_id(counts.most_common(1)[0][0])))


async def test_a_model_that_knows_recovers_what_the_clusters_allow(evaluation: Evaluation, tmp_path: Path) -> None:
    figures = await evaluation.with_merge(ScriptedEngine(knowing), COMPACT, tmp_path, Silent())
    assert figures["failed"] == 0
    assert figures["precision"] == 1.0
    assert figures["recall"] == evaluation.ceiling()
    assert figures["distilled"] == figures["recovered"]
    without = evaluation.without_merge()
    assert isinstance(without["recall"], float)
    assert without["recall"] < evaluation.ceiling() / 2
    assert isinstance(figures["v_measure"], float)
    assert isinstance(without["v_measure"], float)
    assert figures["v_measure"] > without["v_measure"] + 0.1


async def test_a_model_that_names_one_principle_for_all_is_found_out(evaluation: Evaluation, tmp_path: Path) -> None:
    always = json.dumps({"title": "Press on severe bleeding", "statement": "Presses on it.", "polarity": "do"})
    figures = await evaluation.with_merge(ScriptedEngine(lambda _: always), COMPACT, tmp_path, Silent())
    assert (figures["distilled"], figures["right"], figures["precision"], figures["recall"]) == (1, 0, 0.0, 0.0)


async def test_a_model_that_cannot_has_no_precision_and_its_reasons(evaluation: Evaluation, tmp_path: Path) -> None:
    figures = await evaluation.with_merge(ScriptedEngine(lambda _: "what?"), COMPACT, tmp_path, Silent())
    assert (figures["distilled"], figures["precision"], figures["recall"]) == (0, None, 0.0)
    assert figures["failed"] == len(evaluation.supported)
    assert figures["reasons"] == {"not JSON": len(evaluation.supported)}


def test_the_default_threshold_has_the_best_silhouette() -> None:
    table = threshold_table(KNOWLEDGE, BundledEmbedder(), Clustering())
    best = max(table, key=lambda row: float(str(row["silhouette"])))
    assert best["threshold"] == Clustering().threshold
    assert float(str(best["purity"])) > 0.9
