import json
import sys
from pathlib import Path

import pytest

from training.runs.schedule import StageFailed, run
from training.runs.stages import Results, Stage

STAGES = (Stage("a", ()), Stage("b", ("a",)), Stage("c", ()), Stage("d", ("b", "c")))
WORK = """
import json, pathlib, sys
folder, name, fails = sys.argv[1:]
with open(f"{folder}/order", "a") as file:
    file.write(name + " ")
if name == fails:
    sys.exit(3)
path = pathlib.Path(folder, "stages")
(path / f"{name}.json").write_text(json.dumps({"figures": name}))
"""


def go(folder: Path, fails: str = "-", workers: int = 2) -> list[str]:
    def command(stage: Stage) -> list[str]:
        return [sys.executable, "-c", WORK, str(folder), stage.name, fails]

    run(STAGES, Results(folder), command, workers, folder)
    return (folder / "order").read_text().split()


def test_stages_run_after_what_they_need(tmp_path: Path) -> None:
    order = go(tmp_path, workers=1)
    assert sorted(order) == ["a", "b", "c", "d"]
    assert order.index("a") < order.index("b") < order.index("d") == 3
    assert Results(tmp_path).of("d") == {"figures": "d"}


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    Results(tmp_path).put("a", {"figures": "before"})
    assert sorted(go(tmp_path)) == ["b", "c", "d"]
    assert json.loads((tmp_path / "stages" / "a.json").read_text()) == {"figures": "before"}


def test_a_failure_stops_what_needs_it_and_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match=r"^b: see .*stages/b\.log$"):
        go(tmp_path, fails="b")
    assert sorted((tmp_path / "order").read_text().split()) == ["a", "b", "c"]


def test_after_a_failure_the_same_command_goes_on(tmp_path: Path) -> None:
    with pytest.raises(StageFailed):
        go(tmp_path, fails="b")
    assert go(tmp_path)[3:] == ["b", "d"]
