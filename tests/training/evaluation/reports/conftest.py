"""One small run with two arms, made once: six samples each, one unscored, one that ends in an error."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.training.evaluation.reports.made import Made, logged

HOSTILE = '<script>alert("1")</script> \u202eoverride\u202c & <img src=x onerror=y>'
NAN = math.nan
DRAFT_SCORES = (0.5, 0.4, 0.9, 0.2, 0.3, 0.6)
GUIDED_SCORES = (0.7, 0.4, 0.6, NAN, 0.8, None)
TRACE = {
    "outcome": "revised",
    "reason": None,
    "rounds": 1,
    "draft": "Another draft.",
    "criteria": [
        {
            "number": 1,
            "text": "Names a red flag",
            "points": 5,
            "principle": None,
            "before": {"probability": 0.1, "met": False, "satisfied": False},
            "after": {"probability": None, "met": None, "satisfied": None},
        }
    ],
    "edits": [
        {"criterion": 1, "operation": "insert", "number": 1, "text": HOSTILE, "accepted": False, "reason": "too long"}
    ],
    "prompts": "p" * 1000,
}


def verdict(criterion: str, points: float, met: bool | None) -> dict[str, object]:
    return {"criterion": criterion, "points": points, "met": met, "raw": "r" * 500, "reason": f"since {met}"}


def draft_samples() -> list[Made]:
    return [
        Made(
            f"case-{number}",
            {"score": score, "axis:completeness": score / 2, "axis:communication_quality": 0.8},
            text="Zwei Wörter",
            question=HOSTILE if number == 2 else "A question?",
            tokens=100,
            seconds=1.0 + number,
            verdicts=[verdict("Names a red flag", 5, True), verdict("Is brief", 3, True)],
        )
        for number, score in enumerate(DRAFT_SCORES)
    ]


def guided_samples() -> list[Made]:
    return [
        Made(
            f"case-{number}",
            {
                "score": NAN if score is None else score,
                "axis:completeness": NAN if score is None else score,
                "axis:communication_quality": 0.5,
            },
            text="患者需要就医" if number == 2 else "three words here",
            question=HOSTILE if number == 2 else "A question?",
            tokens=300,
            seconds=2.0 * (1.0 + number),
            verdicts=[
                verdict("Names a red flag", 5, None if score is not None and math.isnan(score) else True),
                verdict("Is brief", 3, False),
            ],
            trace=TRACE,
            error="the engine is gone\nand more" if score is None else None,
        )
        for number, score in enumerate(GUIDED_SCORES)
    ]


@pytest.fixture(scope="session")
def made_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run's folder, to read only."""
    home = tmp_path_factory.mktemp("reports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INSPECT_CACHE_DIR", str(home / "cache"))
        patch.setenv("XDG_DATA_HOME", str(home / "data"))
        run = home / "run <b>1"
        logged(run, "healthbench", "draft", draft_samples(), notes=["Toy <model>: not for patients."])
        logged(run, "healthbench", "guided", guided_samples(), notes=["Toy <model>: not for patients."])
        yield run
