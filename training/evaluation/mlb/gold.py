"""Gold answers: checked against their dataset's form, and kept as the text that scorers read again.

Invariant: what ``gold_of`` returns is read without a fault by the scorer of its dataset.
"""

import json
from typing import Any

from service.revision.strict_json import NotStrictJSON, read_json
from training.evaluation.mlb.options import options_of
from training.evaluation.mlb.points import points_of
from training.evaluation.mlb.reading import items_of, letters, terms
from training.evaluation.mlb.specs import Format, Spec

_TRIPLE = frozenset({"关系", "头实体", "尾实体"})
_EVENT = frozenset({"主体词", "发生状态", "描述词", "解剖部位"})
_RECORD = ("性别", "年龄", "主诉", "现病史", "既往史", "个人史", "婚育史", "家族史")
FIELDS = {
    "MAInspection": frozenset({"推荐检查和检验", "解释依据"}),
    "MADiagnosis": frozenset({"诊断", "诊断依据"}),
    "MARecord": frozenset(_RECORD),
}
"""The fields of the published gold answers whose points are judged."""


class WrongForm(ValueError):
    """A value of an example that is not of its dataset's form; ``field`` is the example's field."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def gold_of(spec: Spec, question: str, answer: Any) -> str:
    """Return the gold answer as text: letters ``A,C``, terms, or JSON, which files write as JSON or as text.

    Raises ``WrongForm`` of ``answer``, and of ``question`` for a choice without options.
    """
    if spec.format in (Format.SAFETY, Format.RISK_QUALITY):
        if answer is not None:
            raise WrongForm("answer", "is given, but this dataset is judged without one")
        return ""
    if answer is None:
        raise WrongForm("answer", "is missing")
    if spec.format is Format.CHOICE:
        return _letters(question, answer)
    if spec.format is Format.TERMS:
        if not isinstance(answer, str) or not terms(answer):
            raise WrongForm("answer", "is no text with terms")
        return answer
    value = _json(answer)
    _check(spec, value)
    return json.dumps(value, ensure_ascii=False)


def _letters(question: str, answer: Any) -> str:
    options = options_of(question)
    if options is None:
        raise WrongForm("question", "has no options A, B, ...")
    found = letters(answer, options.texts) if isinstance(answer, str) else None
    if not found:
        raise WrongForm("answer", f"names none of the options {', '.join(options.texts)} only: {answer!r:.60}")
    return ",".join(sorted(found))


def _json(answer: Any) -> Any:
    if not isinstance(answer, str):
        return answer
    try:
        return read_json(answer)
    except NotStrictJSON as error:
        raise WrongForm("answer", f"is no JSON: {error}") from error


def _check(spec: Spec, value: Any) -> None:
    if spec.format is Format.POINTS:
        if not isinstance(value, dict) or value.keys() != FIELDS[spec.key]:
            raise WrongForm("answer", f"has not exactly the fields {', '.join(sorted(FIELDS[spec.key]))}")
        if not all(_is_texts(part) for part in value.values()) or not points_of(value):
            raise WrongForm("answer", "has a field that is neither text nor a list of texts, or no point at all")
        return
    if items_of(value, spec.format) is None:
        raise WrongForm("answer", f"is not of the form of {spec.format}")
    if spec.format is Format.ENTITIES:
        if not all(isinstance(span, str) for spans in value.values() for span in spans):
            raise WrongForm("answer", "has a span that is no text")
        return
    found = value["关系"] if isinstance(value, dict) else value
    if spec.format is Format.TRIPLES and not all(_is_triple(row) for row in found):
        raise WrongForm("answer", "has a triple that is not 关系, 头实体 and 尾实体")
    if spec.format is Format.EVENTS and not all(_is_event(row) for row in found):
        raise WrongForm("answer", "has an event that is not 主体词, 发生状态, 描述词 and 解剖部位")


def _is_triple(row: Any) -> bool:
    return isinstance(row, dict) and row.keys() == _TRIPLE and all(isinstance(part, str) for part in row.values())


def _is_event(row: Any) -> bool:
    if not isinstance(row, dict) or row.keys() != _EVENT:
        return False
    texts = isinstance(row["主体词"], str) and isinstance(row["发生状态"], str)
    lists = all(isinstance(row[name], list) and _is_texts(row[name]) for name in ("描述词", "解剖部位"))
    return texts and lists


def _is_texts(part: Any) -> bool:
    return isinstance(part, str) or (isinstance(part, list) and all(isinstance(text, str) for text in part))


def gold_items(spec: Spec, gold: str) -> frozenset[str]:
    """Return the canonical items of an extraction's gold text."""
    found = terms(gold) if spec.format is Format.TERMS else items_of(json.loads(gold), spec.format)
    assert found is not None
    return found
