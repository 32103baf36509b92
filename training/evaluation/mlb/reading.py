"""Reads what the model under test wrote: letters of a multiple choice, items of an extraction.

Invariant: nothing is guessed from prose. What cannot be read is None, which is the model's own failure and scores as
no letter and no item, unlike a judge's answer that cannot be read.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from service.revision.strict_json import NotStrictJSON, read_json
from training.evaluation.mlb.canonical import is_blank, item, plain
from training.evaluation.mlb.specs import Format

_BETWEEN = "[\\s,、;/&+|()\\[\\]'\"和与及]"
_AROUND = " \t\n.。,、;:!'\"*_`()[]{}【】《》<>"
_STATED = (
    "(?:(?<!错误)(?<!错误的)(?:答案|正确选项)|故选|(?<!不)应选|\\\\boxed|^\\W{0,9}选择?|"
    "(?<![a-z])(?:final |correct )?answer)"
    "(?:\\s|[:*_`'\"(\\[{【】\\])]|是|为|应|选项|选|is)*"
)
_AFTER = "(?=[\\s*_`'\"]*(?:\\Z|[\\n.。,、;:!?)}\\]】]))"
_FENCED = re.compile(r"^[ \t]*```[\w-]*[ \t]*\n(.*?)^[ \t]*```[ \t]*$", re.DOTALL | re.MULTILINE)


def without_thinking(text: str) -> str:
    """Return what follows the last ``</think>``; of a thought that was never closed nothing is left."""
    return text.rpartition("</think>")[2].partition("<think>")[0].strip()


def letters(text: str, options: Mapping[str, str]) -> frozenset[str] | None:
    r"""Return the letters that an answer chooses, as capitals; None where it states no choice.

    In any width, the first of these that holds:

    - the whole answer is a list of the question's letters, with or without separators (without: in capitals only);
    - a statement (答案, 正确选项, 故选, 应选, answer, \boxed; 选 and 选择 at a line's start only) followed by such a
      list and then by the end or a mark; the last statement counts;
    - every line repeats one of the options, letter and text.
    """
    said = unicodedata.normalize("NFKC", without_thinking(text))
    if listed := _listed(options):
        if whole := re.fullmatch(listed, said.strip(_AROUND)):
            return _capitals(whole.group(), options)
        stated = list(re.finditer(f"{_STATED}({listed}){_AFTER}", said, re.MULTILINE | re.IGNORECASE))
        if stated:
            return _capitals(stated[-1][1], options)
    return _repeated(said, options)


def json_of(text: str) -> Any | None:
    """Return the JSON that an answer is, or that its one fenced code block holds; None where there is none."""
    said = without_thinking(text)
    blocks = _FENCED.findall(said)
    try:
        return read_json(blocks[0] if len(blocks) == 1 else said)
    except NotStrictJSON:
        return None


def items(text: str, form: Format) -> frozenset[str] | None:
    """Return the canonical items of an answer to an extraction; None where it has not the form that was asked for."""
    if form is Format.TERMS:
        return terms(without_thinking(text))
    return items_of(json_of(text), form)


def terms(text: str) -> frozenset[str]:
    """Return the terms of ``术语##术语``."""
    return frozenset(term for term in map(plain, unicodedata.normalize("NFKC", text).split("##")) if term)


def items_of(value: Any, form: Format) -> frozenset[str] | None:
    """Return the canonical items of a JSON value; None where its form is another.

    Entities are (type, span) pairs; triples and events whole objects. Triples may stand under the one key 关系, as in
    the published files. What holds nothing is no item.
    """
    if form is Format.ENTITIES:
        return _entities(value)
    if form is Format.TRIPLES and isinstance(value, dict) and value.keys() == {"关系"}:
        value = value["关系"]
    if not isinstance(value, list):
        return None
    return frozenset(item(found) for found in value if not is_blank(found))


def _entities(value: Any) -> frozenset[str] | None:
    if not isinstance(value, dict) or not all(isinstance(spans, list) for spans in value.values()):
        return None
    return frozenset(item({name: span}) for name, spans in value.items() for span in spans if not is_blank(span))


def _listed(options: Mapping[str, str]) -> str:
    """A pattern of one letter or more, which never gives one back: half a list is not what was said."""
    if not options:
        return ""
    capital = f"(?-i:[{''.join(options)}])"
    either = f"[{''.join(options)}{''.join(options).lower()}]"
    return f"(?:{capital}(?:{_BETWEEN}*{capital})*+(?![A-Za-z])|{either}(?:{_BETWEEN}+{either})*+(?![A-Za-z]))"


def _capitals(listed: str, options: Mapping[str, str]) -> frozenset[str]:
    return frozenset(listed.upper()) & options.keys()


def _repeated(said: str, options: Mapping[str, str]) -> frozenset[str] | None:
    written = {plain(f"{letter}{text}"): letter for letter, text in options.items()}
    lines = [re.sub(r"\A[\W_]*([A-Za-z])[\s.、:)]*", r"\1", line) for line in said.splitlines() if line.strip()]
    found = [written.get(plain(line)) for line in lines]
    return frozenset(letter for letter in found if letter) if found and None not in found else None
