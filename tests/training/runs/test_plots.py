"""The plots and the report of a run."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from pydantic import BaseModel

from training.runs.folder import RunError, RunFolder
from training.runs.plots import main, plot

NAMES = {
    "reward": {"reward": 0.5, "reward/rubric": 0.6},
    "scores": {"score/accuracy": 0.5},
    "win_rates": {"win_rate/first draft": 0.25},
    "zero_variance": {"zero_variance_share": 0.1},
    "judge_failures": {"unscored_share": 0.0},
    "length": {"answer_tokens": 90.0},
    "kl": {"kl": 0.001},
    "loss": {"loss": 0.1, "eval/loss": 0.2},
    "evaluation": {"eval/kappa": 0.8},
}
Plotted = tuple[RunFolder, tuple[Path, ...]]


class Config(BaseModel):
    seed: int = 3
    judge: dict[str, str] = {"type": "miniclinic"}
    modules: tuple[str, ...] = ("q", "k")


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.open(tmp_path / "grpo", Config())


def filled(run: RunFolder, steps: int = 3) -> RunFolder:
    for step in range(1, steps + 1):
        for values in NAMES.values():
            run.append_metrics(step, {name: value * step for name, value in values.items()})
        rewards = [0.1 * n for n in range(8)]
        run.append_rollouts(
            step,
            [{"question": f"q{step}", "answer": f"<b>r{r:.1f}</b>", "reward": r, "answer_tokens": 9} for r in rewards],
        )
    run.mark_finished({"steps": steps, "eval": {"score": 0.75}})
    return run


@pytest.fixture(scope="module")
def plotted(tmp_path_factory: pytest.TempPathFactory) -> Plotted:
    """A run with every metric, plotted once; tests only look at it."""
    run = filled(RunFolder.open(tmp_path_factory.mktemp("plotted") / "grpo", Config()))
    return run, plot(run)


class Page(HTMLParser):
    """Tags in order, references, and the text of table cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.references: list[str] = []
        self.rows: list[list[str]] = []
        self.in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self.in_cell = self.in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.in_cell:
            self.rows[-1][-1] += data


def report(run: RunFolder) -> Page:
    return Page((run.path / "report.html").read_text())


def test_every_figure_is_drawn_where_its_series_are(plotted: Plotted) -> None:
    run, written = plotted
    assert [path.name for path in written] == [*(f"{name}.png" for name in NAMES), "report.html"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written[:-1])
    assert report(run).tags.count("svg") == len(NAMES)


@pytest.mark.parametrize("name", list(NAMES))
def test_a_figure_is_drawn_by_itself(run: RunFolder, name: str) -> None:
    run.append_metrics(1, NAMES[name])
    assert [path.name for path in plot(run)] == [f"{name}.png", "report.html"]


def test_the_report_needs_nothing_from_elsewhere(plotted: Plotted) -> None:
    run, _ = plotted
    page = report(run)
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert all(reference.startswith("#") for reference in page.references)
    text = (run.path / "report.html").read_text()
    assert "@import" not in text
    assert "prefers-color-scheme: dark" in text


def test_the_report_holds_the_last_figures_the_configuration_and_what_it_finished_with(plotted: Plotted) -> None:
    run, _ = plotted
    rows = report(run).rows
    assert ["win_rate/first draft", "3", "0.75"] in rows
    assert ["answer_tokens", "3", "270"] in rows
    assert ["eval.score", "0.75"] in rows
    assert ["judge.type", "miniclinic"] in rows
    assert ["modules", '["q", "k"]'] in rows
    assert ["seed", "3"] in rows


def test_the_report_shows_the_last_steps_best_and_worst_rollouts_as_text(plotted: Plotted) -> None:
    run, _ = plotted
    page = report(run)
    shown = [row for row in page.rows if row[0] in ("q1", "q2", "q3")]
    assert [row[1] for row in shown] == ["0.7", "0.6", "0.5", "0.2", "0.1", "0"]
    assert shown[0] == ["q3", "0.7", "9", "<b>r0.7</b>"]
    assert "b" not in page.tags


def test_an_unscored_rollout_is_neither_best_nor_worst(run: RunFolder) -> None:
    run.append_metrics(1, {"loss": 1.0})
    run.append_rollouts(1, [{"question": "q", "answer": "a", "reward": None}, {"question": "q", "reward": 0.5}])
    plot(run)
    assert [row[1:] for row in report(run).rows if row[0] == "q"] == [["0.5", "-", "-"]]


def test_a_step_written_twice_has_its_last_value(run: RunFolder) -> None:
    run.append_metrics(1, {"loss": 9.0})
    run.append_metrics(1, {"loss": 1.0, "kl": float("nan")})
    assert [path.name for path in plot(run)] == ["loss.png", "report.html"]
    assert ["loss", "1", "1"] in report(run).rows


def test_drawing_again_gives_the_same_bytes(plotted: Plotted) -> None:
    run, written = plotted
    before = {path: path.read_bytes() for path in written}
    assert {path: path.read_bytes() for path in plot(RunFolder.read(run.path))} == before


def test_a_run_without_metrics_is_an_error(run: RunFolder) -> None:
    with pytest.raises(RunError, match="no metrics to plot"):
        plot(run)


def test_the_command_says_what_it_wrote(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    run.append_metrics(1, {"loss": 1.0})
    assert main([str(run.path)]) == 0
    assert capsys.readouterr().out == f"{run.path}/plots/loss.png\n{run.path}/report.html\n"


def test_the_command_fails_on_a_folder_that_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"error: {tmp_path}: no config.json, so this is no run's folder\n"


def test_plots_that_cannot_be_written_are_named(run: RunFolder) -> None:
    run.append_metrics(1, {"loss": 1.0})
    (run.path / "plots").write_text("")
    with pytest.raises(RunError, match=r"plots: File exists"):
        plot(run)
