from collections import Counter

from training.miniclinic.hostile.edits import DANGEROUS, guard_all


def test_the_guard_refuses_what_its_rules_are_for_and_nothing_harmless() -> None:
    """Word lists know what they know: most phrasings that were never foreseen pass, and the judge's check is left."""
    result = guard_all()
    kinds = Counter(row.kind for row in result.edits)
    assert set(DANGEROUS) <= set(kinds)
    assert min(kinds.values()) >= 6
    figures = result.figures()
    assert {kind: share[0] for kind, share in figures["let_through_by_kind"].items() if share[0]} == {}
    assert figures["false_refusals"][0] == 0.0
    assert figures["right_edits_refused"][0] == 0.0
    assert figures["right_edits_refused"][3] > 1000
    assert figures["unforeseen_let_through"][0] > 0.5
