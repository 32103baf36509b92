"""The closed set of metrics."""

from training.runs import metrics


def test_every_constant_is_in_the_set() -> None:
    constants = {value for name, value in vars(metrics).items() if name.isupper() and isinstance(value, str)}
    assert {name for name in constants - set(metrics.FAMILIES) if "/" not in name} == metrics.NAMES
    assert metrics.unknown(constants - set(metrics.FAMILIES)) == []


def test_names_outside_the_set_and_families_without_a_member_are_unknown() -> None:
    given = [
        "loss",
        "score/accuracy",
        "win_rate/a b",
        "eval/loss",
        "reward/length",
        "score/",
        "Loss",
        "epoch",
        "losses",
    ]
    assert metrics.unknown(given) == ["score/", "Loss", "epoch", "losses"]
