from pathlib import Path

import pytest

from models.registry import REPOSITORY, ModelEntry, RegistryError, load_registry


def test_packaged_registry_knows_the_bundled_model() -> None:
    registry = load_registry()
    name, entry = registry.bundled()
    assert name == "preceptor-miniclinic"
    assert (entry.prompts, entry.verdict_threshold, entry.max_model_len) == ("compact", 0.5, 2048)
    assert not entry.constrained
    assert entry.checkpoint == REPOSITORY / "models" / "bundled"
    assert "Never use it for patients" in entry.notice


def test_any_other_model_has_the_default_entry() -> None:
    assert load_registry().entry("qwen") == ModelEntry(prompts="full", verdict_threshold=0.5)


def test_an_entry_inherits_from_the_default(tmp_path: Path) -> None:
    file = tmp_path / "registry.toml"
    file.write_text('[default]\nverdict_threshold = 0.3\n[models.a]\nprompts = "compact"\n', encoding="utf-8")
    assert load_registry(file).entry("a") == ModelEntry(prompts="compact", verdict_threshold=0.3)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[default]\nthreshold = 0.5\n", "default.threshold"),
        ("[models.a]\nverdict_threshold = 1.5\n", "models.a.verdict_threshold"),
        ("[model.a]\n", "model"),
        ("[models", "not TOML"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "registry.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RegistryError, match=named):
        load_registry(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"none\.toml"):
        load_registry(tmp_path / "none.toml")


def test_a_registry_without_bundled_model_says_so(tmp_path: Path) -> None:
    file = tmp_path / "registry.toml"
    file.write_text("", encoding="utf-8")
    with pytest.raises(RegistryError, match="no bundled model"):
        load_registry(file).bundled()
