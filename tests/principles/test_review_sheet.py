import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from principles.corpus import CorpusError, load_corpus
from principles.review_sheet import APPLIES, COLUMNS, CONTENT, joined, read_review_sheet, sheet_text
from principles.schema import Principle

FIRST, SECOND, THIRD = load_corpus().principles[:3]


def row(principle: Principle, **cells: str) -> dict[str, str]:
    content = {name: str(getattr(principle, name)) for name in CONTENT}
    applies = {f"applies_{name}": joined(getattr(principle.applies, name)) for name in APPLIES}
    evidence = {"support": "12", "same_as": "", "similarity": "", "examples": "Asks when\nRests"}
    return {**content, **applies, **evidence, **cells}


def decided(principle: Principle, decision: str, **cells: str) -> dict[str, str]:
    return row(principle, **{"decision": decision, "reviewer": "dr-1", "date": "2026-11-24", **cells})


def write(folder: Path, *rows: dict[str, str]) -> Path:
    path = folder / "review.csv"
    path.write_text(sheet_text(rows), encoding="utf-8", newline="")
    return path


def refused(path: Path) -> str:
    with pytest.raises(CorpusError) as refusal:
        read_review_sheet(path)
    return str(refusal.value)


def test_decisions_become_the_review(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        decided(FIRST, "accept"),
        decided(SECOND, "Edit", title="Stay on the line"),
        decided(THIRD, "reject", title="no matter"),
        row(load_corpus().principles[3]),
    )
    found = read_review_sheet(path)
    assert [p.review.status for p in found.corpus.principles] == ["accepted", "edited"]
    assert found.corpus.principles[0].model_copy(update={"review": FIRST.review, "basis": FIRST.basis}) == FIRST
    assert found.corpus.principles[1].title == "Stay on the line"
    assert str(found.corpus.principles[0].review.date) == "2026-11-24"
    assert (found.rejected, found.undecided) == (1, 1)
    asked = read_review_sheet(path, unreviewed=True)
    assert [p.review.status for p in asked.corpus.principles] == ["accepted", "edited", "unreviewed"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_spreadsheet_may_save_it_in_its_own_way(tmp_path: Path, delimiter: str) -> None:
    rows = list(csv.reader(io.StringIO(sheet_text([decided(FIRST, "accept")]).removeprefix("\ufeff"), newline="")))
    order = sorted(range(len(COLUMNS)), reverse=True)
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerows([[*(cells[at] for at in order), "", ""] for cells in rows])
    writer.writerow([""] * (len(COLUMNS) + 2))
    path = tmp_path / "saved.csv"
    path.write_text(out.getvalue(), encoding="utf-8", newline="")
    assert read_review_sheet(path).corpus.principles[0].statement == FIRST.statement


@given(st.text(alphabet=st.sampled_from("=+-@'\t\rab 1,;\"\n\uff1d\u2028\u00e9"), max_size=12))
def test_no_cell_is_a_formula_and_every_cell_comes_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    principle = FIRST.model_copy(update={"statement": f"{text}x"})
    sheet = sheet_text([decided(principle, "accept", examples=text)])
    cells = list(csv.reader(io.StringIO(sheet.removeprefix("\ufeff"), newline="")))[1]
    assert not any(cell.startswith(("=", "+", "@", "\t", "\r", "\uff1d")) for cell in cells)
    path = tmp_path_factory.mktemp("sheet") / "review.csv"
    path.write_text(sheet, encoding="utf-8", newline="")
    assert read_review_sheet(path).corpus.principles[0].statement == f"{text}x".strip()


def test_every_fault_is_named_by_row_and_column(tmp_path: Path) -> None:
    message = refused(
        write(
            tmp_path,
            decided(FIRST, "accept"),
            decided(SECOND, "yes"),
            row(SECOND, decision="edit", reviewer="dr-1"),
            decided(SECOND, "accept", title="Short", points="many", applies_urgency="soon", why=""),
            decided(FIRST, "accept"),
            row(THIRD, reviewer="dr-1"),
            decided(THIRD, "accept", date="24/11/2026"),
        )
    )
    assert message.splitlines() == [
        "review.csv: row 3: decision: 'yes' is none of accept, edit, reject, or empty",
        "review.csv: row 4: date: empty beside the decision edit",
        *[line for line in message.splitlines() if ": row 5: " in line],
        "review.csv: row 7: decision: empty beside a reviewer",
        *[line for line in message.splitlines() if ": row 8: date: " in line],
        f"review.csv: row 6: id: {FIRST.id} is taken by row 2",
    ]
    for column in ("title", "why", "points", "applies_urgency.0"):
        assert f"review.csv: row 5: {column}: " in message


def test_a_sheet_of_another_form_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    path.write_bytes("décision".encode("latin-1"))
    assert refused(path) == "review.csv: not UTF-8 at byte 1; save as CSV UTF-8"
    path.write_text("")
    assert refused(path) == "review.csv: row 1: the header is missing"
    path.write_text("decision,title,title,colour\n")
    assert "row 1: reviewer: the column is missing" in refused(path)
    assert "row 1: colour: no such column" in refused(path)
    assert "row 1: title: the column is repeated" in refused(path)
    path.write_text(sheet_text([row(FIRST)]).rstrip() + ",more\n")
    assert f"row 2: {len(COLUMNS) + 1} cells for {len(COLUMNS)} columns" in refused(path)
    path.write_text(sheet_text([]) + '"open')
    assert "row 2: not CSV" in refused(path)
