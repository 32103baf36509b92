from pathlib import Path

import pytest

from models.registry import load_registry
from tests.training.export.tiny import NOTICE, write_model, write_run
from training.export.cli import main


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    return write_run(folder / "run", write_model(folder / "base"))


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    file = tmp_path / "registry.toml"
    file.write_text("[default]\nverdict_threshold = 0.5\n", encoding="utf-8")
    return file


def test_a_run_is_exported_and_entered(run: Path, registry: Path, tmp_path: Path) -> None:
    asked = ["--name", "toy", "--out", str(tmp_path / "out"), "--registry", str(registry), "--prompts", "compact"]
    more = ["--verdict-threshold", "0.45", "--no-constrained", "--max-model-len", "256", "--notice", NOTICE]
    assert main([str(run), *asked, *more]) == 0
    entry = load_registry(registry).entry("toy")
    assert (entry.prompts, entry.verdict_threshold, entry.constrained) == ("compact", 0.45, False)
    assert (entry.max_model_len, entry.notice) == (256, NOTICE)
    assert (tmp_path / "out" / "SHA256SUMS").is_file()


def test_an_entry_that_may_not_be_replaced_is_refused_before_any_work(
    run: Path, registry: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.write_text('[models.toy]\nverdict_threshold = 0.3\nnotice = "Mine"\n', encoding="utf-8")
    asked = [str(run), "--name", "toy", "--registry", str(registry)]
    assert main([*asked, "--out", str(tmp_path / "out")]) == 2
    assert "models.toy is there already" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main([*asked, "--out", str(tmp_path / "out"), "--replace", "--prompts", "compact"]) == 0
    entry = load_registry(registry).entry("toy")
    assert (entry.prompts, entry.verdict_threshold, entry.notice) == ("compact", 0.3, "Mine")


def test_without_a_registry_the_entry_is_shown(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(run), "--name", "a.b", "--out", str(tmp_path / "out"), "--notice", NOTICE]) == 0
    assert '[models."a.b"]\nprompts = "full"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changed", "named"),
    [(["--verdict-threshold", "1.5"], "verdict_threshold"), ([], "must not be used for")],
)
def test_what_cannot_be_exported_is_named(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: list[str], named: str
) -> None:
    assert main([str(run), "--name", "toy", "--out", str(tmp_path / "out"), *changed]) == 2
    assert named in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
