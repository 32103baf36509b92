"""Disputes as files: JSONL for programs, and a CSV sheet in which experts write 是 or 否 and which is read back.

Invariant: a cell of a sheet can neither become a formula in a spreadsheet nor lose a character on its way back.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from training.evaluation.mlb.canonical import plain
from training.evaluation.mlb.disputes import Criterion, Decision, Dispute

KEY = ("dataset", "sample", "criterion", "answer_sha")
COLUMNS = (*KEY, "epoch", "reason", "question", "answer", "grader", "second_grader", "third_grader", "decision")
_DECISIONS: Mapping[str, bool] = {"是": True, "yes": True, "否": False, "no": False}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


@dataclass(frozen=True, slots=True)
class SheetFault:
    """A row of a sheet that cannot be read; ``line`` is the file's line on which the row ends."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


def write_jsonl(path: Path, disputes: Sequence[Dispute]) -> None:
    """Write one dispute a line."""
    lines = (json.dumps(asdict(dispute), ensure_ascii=False) + "\n" for dispute in disputes)
    path.write_text("".join(lines), encoding="utf-8")


def write_sheet(path: Path, disputes: Sequence[Dispute]) -> None:
    """Write a sheet for experts, in UTF-8 with the mark by which spreadsheets know it; ``decision`` is left empty."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        for dispute in disputes:
            raw = {judge["role"]: judge["raw"] for judge in dispute.judges}
            told = {"epoch": str(dispute.epoch), "reason": dispute.reason, "question": dispute.question}
            row = {**asdict(dispute.about), **told, "answer": dispute.answer, **raw}
            writer.writerow({name: _guarded(cell) for name, cell in row.items()})


def read_sheet(path: Path) -> tuple[list[Decision], list[SheetFault]]:
    """Read the decisions that experts filled in (是, 否, yes or no; an empty cell decides nothing) and the faults.

    A second row about the same criterion that decides otherwise is a fault, and then neither counts. Raises
    ``ValueError`` where a column is missing.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if missing := {*KEY, "decision"} - set(reader.fieldnames or ()):
            raise ValueError(f"{path.name} has no column {', '.join(sorted(missing))}")
        rows = [(reader.line_num, row) for row in reader]
    decisions: dict[Criterion, Decision] = {}
    faults: list[SheetFault] = []
    contradicted: set[Criterion] = set()
    for line, row in rows:
        about = Criterion(*(_bare(row[name] or "") for name in KEY))
        word = plain(row["decision"] or "").lower()
        if not word:
            continue
        if word not in _DECISIONS:
            faults.append(SheetFault(line, f"{row['decision']!r:.40} is none of {', '.join(_DECISIONS)}"))
        elif about in decisions and decisions[about].met != _DECISIONS[word]:
            faults.append(SheetFault(line, f"contradicts line {decisions[about].line}"))
            contradicted.add(about)
        else:
            decisions.setdefault(about, Decision(about, _DECISIONS[word], line))
    return [decision for about, decision in decisions.items() if about not in contradicted], faults


def _guarded(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _bare(cell: str) -> str:
    return cell[1:] if cell.startswith("'") else cell
