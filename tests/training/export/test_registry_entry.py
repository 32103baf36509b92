from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.registry import PACKAGED, ModelEntry, RegistryError, load_registry
from training.export.registry_entry import entry_text, register

TEXT = """# What is known of models.
[default]
verdict_threshold = 0.4

# About the first.
[models.first]
prompts = "compact"  # small

# About the second.
[models."a/b"]
verdict_threshold = 0.3
"""
ENTRY = ModelEntry(prompts="compact", constrained=False, verdict_threshold=0.45, max_model_len=4096, notice='Says "no"')


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "registry.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_a_new_entry_is_added_and_nothing_else_changes(file: Path) -> None:
    register(file, "new.model", ENTRY)
    assert file.read_text(encoding="utf-8") == TEXT + "\n" + entry_text("new.model", ENTRY)
    assert load_registry(file).entry("new.model") == ENTRY
    assert [path.name for path in file.parent.iterdir()] == ["registry.toml"]


def test_an_entry_is_replaced_in_its_place_only_when_asked(file: Path) -> None:
    with pytest.raises(RegistryError, match=r"models\.first is there already"):
        register(file, "first", ENTRY)
    assert file.read_text(encoding="utf-8") == TEXT
    register(file, "first", ENTRY, replace=True)
    text = file.read_text(encoding="utf-8")
    assert text == TEXT.replace('[models.first]\nprompts = "compact"  # small\n', entry_text("first", ENTRY))
    register(file, "a/b", ENTRY, replace=True)
    assert load_registry(file).models == {"first": ENTRY, "a/b": ENTRY}
    assert "# About the second.\n" in file.read_text(encoding="utf-8")


def test_values_of_the_files_default_are_written_against(file: Path) -> None:
    plain = ModelEntry()
    register(file, "plain", plain)
    assert load_registry(file).entry("plain") == plain
    file.write_text("[default]\ntext_only = true\n", encoding="utf-8")
    register(file, "plain", plain)
    assert load_registry(file).entry("plain") == plain


def test_the_bundled_models_entry_can_be_replaced(tmp_path: Path) -> None:
    file = tmp_path / "registry.toml"
    file.write_bytes(PACKAGED.read_bytes())
    name, entry = load_registry(file).bundled()
    register(file, name, entry.model_copy(update={"verdict_threshold": 0.6}), replace=True)
    assert load_registry(file).bundled()[1].verdict_threshold == 0.6
    assert file.read_text(encoding="utf-8") == PACKAGED.read_text(encoding="utf-8").replace(
        "constrained = false\nverdict_threshold = 0.5", "constrained = false\nverdict_threshold = 0.6"
    )


def test_an_entry_in_another_form_is_left_alone(file: Path) -> None:
    file.write_text("[models]\nfirst = { verdict_threshold = 0.2 }\n", encoding="utf-8")
    before = file.read_bytes()
    with pytest.raises(RegistryError, match=r"models\.first"):
        register(file, "first", ENTRY, replace=True)
    assert file.read_bytes() == before


@settings(max_examples=20)
@given(name=st.text(min_size=1).filter(lambda text: text.isprintable()), notice=st.text().filter(str.isprintable))
def test_any_printable_name_and_notice_come_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, notice: str
) -> None:
    file = tmp_path_factory.mktemp("registry") / "registry.toml"
    file.write_text(TEXT, encoding="utf-8")
    entry = ENTRY.model_copy(update={"notice": notice})
    for _ in range(2):
        register(file, name, entry, replace=True)
        assert load_registry(file).models == {**_models(), name: entry}


def _models() -> dict[str, ModelEntry]:
    first = ModelEntry(prompts="compact", verdict_threshold=0.4)
    return {"first": first, "a/b": ModelEntry(verdict_threshold=0.3)}
