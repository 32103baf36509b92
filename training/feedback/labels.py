"""Owns judge labels from feedback: a reviewer's own verdict on one criterion of one answer.

Invariant: silence is no label. A verdict that a reviewer did not speak of says nothing of the judge.
"""

from collections.abc import Iterator

from training.data.judge_labels import JudgeLabel
from training.feedback.usable import LeftOut, Reviewed, Unusable


def judge_labels(found: Reviewed) -> Iterator[JudgeLabel]:
    """One label for each verdict that the reviewer gave. Raises ``Unusable`` for a criterion that was not judged."""
    criteria = {criterion.number: criterion for criterion in found.criteria}
    for given in found.record.verdicts:
        if (criterion := criteria.get(given.criterion)) is None:
            raise Unusable(LeftOut.RUBRIC)
        yield JudgeLabel.model_validate(
            {
                "id": f"{found.record.id}-{given.subject}-{given.criterion}",
                "prompt": [message.model_dump() for message in found.prompt],
                "answer": found.answers["draft"] if given.subject == "draft" else found.revised,
                "criterion": criterion.text,
                "points": criterion.points or None,
                "met": given.met,
                "labelled_by": found.reviewer,
            }
        )
