import pytest

from principles.schema import Applies, Scenario
from training.distil.scope import applies_to, base_rates, dimension_of


def scenario(urgency: str = "non_emergent", task: str = "information", expertise: str = "lay") -> Scenario:
    return Scenario.model_validate(
        {"urgency": urgency, "uncertainty": "none", "expertise": expertise, "task_type": task}
    )


ALL = [scenario()] * 60 + [scenario("emergent", "triage")] * 20 + [scenario("conditionally_emergent", "triage")] * 20
RATES = base_rates(ALL)


def test_rates_are_shares_of_all_questions() -> None:
    assert RATES["urgency"] == {"emergent": 0.2, "conditionally_emergent": 0.2, "non_emergent": 0.6}
    assert sum(RATES["task_type"].values()) == pytest.approx(1.0)


def test_a_dimension_that_its_questions_share_is_constrained_to_their_values() -> None:
    mine = [scenario("emergent", "triage")] * 12 + [scenario("conditionally_emergent", "triage")] * 10
    assert applies_to(mine, RATES) == Applies(urgency=("emergent", "conditionally_emergent"), task_type=("triage",))


def test_a_stray_question_does_not_widen_the_scope() -> None:
    mine = [scenario("emergent", "triage")] * 19 + [scenario()]
    assert applies_to(mine, RATES).urgency == ("emergent",)


def test_what_falls_as_the_rates_do_is_not_constrained() -> None:
    assert applies_to(ALL[::5], RATES) == Applies()


def test_too_few_questions_say_nothing() -> None:
    assert applies_to([scenario("emergent", "triage")] * 3, RATES) == Applies()
    assert applies_to([scenario("emergent", "triage")] * 5, RATES).urgency == ("emergent",)


def test_the_dimension_is_the_one_that_is_most_out_of_the_ordinary() -> None:
    assert dimension_of([scenario("emergent", "triage")] * 10, RATES) == "urgency"
    mixed = [scenario(urgency, "triage") for urgency in ("emergent", "conditionally_emergent", "non_emergent")] * 10
    assert dimension_of(mixed, RATES) == "task_type"


def test_rates_need_questions() -> None:
    with pytest.raises(ValueError, match="no questions"):
        base_rates([])
