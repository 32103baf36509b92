"""The page of a run: its numbers, its words, and nothing of what others wrote as markup."""

import base64
import json
from pathlib import Path

import pytest

from tests.training.evaluation.reports.made import FIGURES, Made, figures, logged
from tests.training.evaluation.reports.parsed import Page
from tests.training.evaluation.reports.rows_made import arm, row
from training.evaluation.reports.document import document_of
from training.evaluation.reports.reading import Arm, Failure, PassedOver, Run, read_run
from training.evaluation.reports.run_page import run_page
from training.evaluation.reports.summaries import Report, report_of
from training.runs.files import RunError


@pytest.fixture(scope="module")
def report(made_run: Path) -> Report:
    return report_of(read_run(made_run), FIGURES)


@pytest.fixture(scope="module")
def code(report: Report) -> str:
    return run_page(report)


def of_arms(*arms: Arm) -> Report:
    by_name = {one.facts.arm: one for one in arms}
    return report_of(Run(Path("/runs/made"), {"config": {}}, {"mlb": by_name}, ()), FIGURES)


def test_the_page_parses_runs_nothing_and_fetches_nothing(code: str) -> None:
    page = Page(code)
    assert page.tags.count("svg") == 4
    assert "Evaluation run <b>1" in page.texts
    assert "script-src" not in code
    assert "default-src 'none'" in code


def test_what_others_wrote_stays_text_and_acts_on_nothing(code: str) -> None:
    assert "<script>" not in code
    assert "\u202e" not in code
    shown = Page(code).text
    assert '<script>alert("1")</script> <U+202E>override<U+202C> & <img src=x onerror=y>' in shown
    assert "Toy <model>: not for patients." in shown
    assert "患者需要就医" in shown
    assert 'dir="auto"' in code


def test_the_headline_stands_with_its_n_what_is_missing_and_what_it_cost(code: str) -> None:
    rows = {cells[0]: cells[1:] for cells in table_after(code, "<th>arm</th>")}
    assert rows["draft"][1:] == ["6", "0", "0", "0", "100", "100", "3.50 / 5.50", "1.0"]
    assert rows["guided"][1:] == ["4", "1", "1", "0", "300", "300", "6.00 / 9.20", "2.0"]
    assert rows["guided"][0].startswith("0.625\u00a0[")


def test_it_is_said_in_words_what_was_compared_and_what_is_missing(code: str) -> None:
    text = Page(code).text
    assert "healthbench, guided: 1 error, 1 unscored sample of 6 planned." in text
    assert "healthbench, guided: 1 of 10 verdicts were unreadable; none counts as not met." in text
    assert "healthbench: world miniclinic; judged by exact." in text
    assert "4 pairs: 2 higher, 1 the same, 1 lower; at 3.0\u00a0[no\u00a0interval] times the tokens, " in text
    assert "guided: not told apart (n = 4)." in text
    assert "lower, but not once adjusted: communication quality (\u22120.300, n = 5)" in text
    assert "Of 4 pairs with both scores, 1 fell from draft to guided" in text
    assert "adjusted within the figure's family, axis (2)" in text


def test_the_regression_shows_both_answers_both_verdicts_and_the_gateway_s_own(code: str) -> None:
    assert ["Is brief", "3", "met", "not\u00a0met", "no longer met", "since False"] in table_after(
        code, "<th>criterion</th>"
    )
    text = Page(code).text
    for shown in ("Zwei Wörter", "Another draft.", "not\u00a0met (0.10)", "unscored", "refused: too long"):
        assert shown in text
    assert "case-2: 0.900 \u2192 0.600 (\u22120.300), revised" in text


def test_the_figures_come_along_as_strict_json(report: Report, code: str) -> None:
    [link] = Page(code).links
    document = json.loads(base64.b64decode(link.removeprefix("data:application/json;base64,")), parse_constant=refuse)
    assert document == json.loads(json.dumps(document_of(report)))
    found = document["benchmarks"]["healthbench"]
    guided = found["arms"]["guided"]
    assert guided["figures"]["score"]["n"] == 4
    assert guided["figures"]["score"]["value"] == pytest.approx(0.625)
    assert (guided["unscored"], guided["missing"], guided["verdicts"]) == (1, 0, {"asked": 10, "unscored": 1})
    assert [one["id"] for one in guided["errors"]] == ["case-5"]
    assert guided["outcomes"] == {"revised": 5}
    compared = found["against_draft"]["guided"]
    assert compared["figures"]["score"]["difference"]["value"] == pytest.approx(0.1)
    assert compared["headline_p_holm"] == compared["figures"]["score"]["p"]
    assert compared["costs"]["tokens"]["ratio_median"] == {"value": 3.0, "low": None, "high": None, "n": 5}
    assert found["worst"][0]["id"] == "case-2"


def test_the_same_run_gives_the_same_page(made_run: Path, code: str) -> None:
    assert run_page(report_of(read_run(made_run), FIGURES)) == code


def test_without_a_draft_nothing_is_compared_and_the_page_says_so() -> None:
    rows = [row(str(n), {"score": n / 4}) for n in range(4)]
    report = of_arms(arm("guided", rows), arm("no_principles", rows))
    text = Page(run_page(report)).text
    assert "there is no arm draft, so nothing is compared with it" in text
    assert "Guided against its controls" in text
    assert "Every arm against the draft" not in text


def test_an_arm_alone_an_empty_arm_and_an_unfinished_one() -> None:
    rows = [row(str(n), {"score": n / 4, "axis:completeness": 0.5}) for n in range(4)]
    Page(run_page(of_arms(arm("plain", rows))))
    stopped = arm("guided", [], status="error", problem="HTTP 429\u202e", planned=4)
    failed = Arm(arm("draft", rows, planned=9).facts, tuple(rows), (Failure("x", 1, "boom"),) * 7)
    text = Page(run_page(of_arms(failed, stopped))).text
    assert "mlb, guided: not finished, its log says error (HTTP 429<U+202E>)" in text
    assert "mlb, guided: 4 missing samples of 4 planned." in text
    assert "The first 5 of 7." in text


def test_what_a_benchmark_says_beside_its_figures_stands_once() -> None:
    rows = [row("a", {"score": 0.5})]
    run = of_arms(arm("draft", rows), arm("guided", rows)).run
    report = report_of(run, FIGURES, notes_of={"mlb": lambda found: [f"{len(found)} of 22 <datasets>"]})
    assert report.benchmarks[0].notes == ("1 of 22 <datasets>",)
    assert "1 of 22 <datasets>" in Page(run_page(report)).texts


def test_four_arms_are_adjusted_together() -> None:
    def made(name: str, shift: float) -> Arm:
        return arm(name, [row(str(n), {"score": n / 20 + shift * (1 + n % 3)}) for n in range(12)])

    report = of_arms(made("draft", 0.0), made("guided", 0.1), made("no_principles", 0.0), made("best_of_n", 0.1))
    document = document_of(report)["benchmarks"]["mlb"]
    against = {
        name: (one["figures"]["score"]["p"], one["headline_p_holm"]) for name, one in document["against_draft"].items()
    }
    p = against["guided"][0]
    assert p < 0.002
    assert against["guided"] == (p, pytest.approx(3 * p))
    assert against["best_of_n"] == (p, pytest.approx(3 * p))
    assert against["no_principles"] == (1.0, 1.0)
    assert set(document["guided_against"]) == {"no_principles", "best_of_n"}


def test_long_and_hostile_names_neither_break_the_page_nor_its_drawings() -> None:
    word = "W" * 100_000
    rows = [row(f"<i>{word}", {"score": 0.5}, question=word, text=word), row("二", {"score": 0.25})]
    report = of_arms(
        arm("draft", rows, target=word, judge="<b>裁判</b>", notes=(word,)),
        arm("</svg><script>\x00\u202e", rows),
        arm("完整", rows),
    )
    code = run_page(
        Report(
            Run(report.run.path, {"config": {"x": word}}, report.run.arms, (PassedOver(Path("<a>"), word),)),
            report.benchmarks,
        )
    )
    assert "<script>" not in code
    text = Page(code).text
    assert "完整" in text
    assert "more characters)" in text


def test_a_benchmark_without_figures_is_refused_by_name(made_run: Path) -> None:
    with pytest.raises(RunError, match="no figures are known of benchmark 'healthbench'; known: mlb"):
        report_of(read_run(made_run), {"mlb": figures})


def test_a_labelled_benchmark_has_the_figures_of_its_kind(tmp_path: Path, inspect_home: Path) -> None:
    logged(tmp_path / "run", "mlb-zh", "plain", [Made("a", {"score": 1.0})])
    [found] = report_of(read_run(tmp_path / "run"), FIGURES).benchmarks
    assert (found.name, found.headline, found.arms["plain"].figures["score"].mean) == ("mlb-zh", "score", 1.0)


def table_after(code: str, mark: str) -> list[list[str]]:
    """The cells of the first table that has the mark in its head."""
    body = code[code.index(mark) :]
    body = body[body.index("<tbody>") : body.index("</tbody>")]
    return [[strip(cell) for cell in line.split("</td>")[:-1]] for line in body.split("</tr>") if "<td" in line]


def strip(cell: str) -> str:
    return cell[cell.rindex(">") + 1 :]


def refuse(constant: str) -> None:
    raise AssertionError(constant)
