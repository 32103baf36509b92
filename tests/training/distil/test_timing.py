from principles.embedding import BundledEmbedder
from training.distil.settings import Clustering
from training.distil.timing import against_exact, time_clustering
from training.miniclinic.knowledge import load_knowledge


def test_figures_of_a_small_set_agree_with_what_was_planted() -> None:
    embed, texts = BundledEmbedder(), list(load_knowledge().asked_by)[:300]
    settings = Clustering()
    left: list[int] = []
    figures = time_clustering(texts, embed, 2000, settings, left.append)
    assert figures["criteria"] == 2000
    assert figures["adjusted_rand"] > 0.9
    assert figures["clustering_seconds"] > 0
    assert left == sorted(left, reverse=True)
    assert left[-1] == figures["clusters"]
    assert against_exact(embed(texts), 1000, settings)["adjusted_rand"] > 0.9
