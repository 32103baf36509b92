import json

import pytest

from tests.training.evaluation.audit.made import item
from training.evaluation.audit.audit import as_json, audit


def test_an_audit_is_json_without_what_json_cannot_hold() -> None:
    one_class = as_json(audit([item(True, True, p=0.9), item(True, True, p=0.8)]))
    assert json.loads(json.dumps(one_class, allow_nan=False))["figures"]["kappa"]["mean"] is None
    assert one_class["calibration"]["skill"] is None
    assert one_class["no_choice"].startswith("a threshold needs")
    assert one_class["table"]["tp"] == 2


def test_two_judges_are_compared_on_what_both_were_read_on() -> None:
    """First right on 9 and wrong on 1, where second is the contrary; on 10 both are right, on 5 one is unread."""
    first = [item(n != 9, True, case=f"c{n}") for n in range(10)] + [item(True, True, case=f"d{n}") for n in range(15)]
    second = [item(n == 9, True, case=f"c{n}") for n in range(10)]
    second += [item(True if n < 10 else None, True, case=f"d{n}") for n in range(15)]
    found = audit(first, second=second).second
    assert found is not None
    assert found.n == 20
    assert found.differences["accuracy"].interval.mean == pytest.approx(8 / 20)
    assert found.mcnemar == pytest.approx(22 / 1024)
