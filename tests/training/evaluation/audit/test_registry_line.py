from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.registry import PACKAGED, RegistryError, load_registry
from training.evaluation.audit.registry_line import write_threshold

TEXT = """# What is known of models.
[default]
verdict_threshold = 0.4  # of all others

[models.first]  # small
prompts = "compact"
verdict_threshold = 0.3 # chosen by hand
notice = '''
verdict_threshold = 0.3
'''

# About the second.
[models."a/b"]
prompts = "full"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "registry.toml"
    path.write_bytes(TEXT.encode())
    return path


def test_one_line_changes_and_its_comment_stays(file: Path) -> None:
    assert write_threshold(file, "first", 0.625) == 0.3
    assert file.read_bytes().decode() == TEXT.replace("0.3 # chosen", "0.625 # chosen")
    assert load_registry(file).entry("first").verdict_threshold == 0.625


def test_a_threshold_of_the_default_gets_a_line_of_its_own(file: Path) -> None:
    assert write_threshold(file, "a/b", 0.7) == 0.4
    assert file.read_bytes().decode() == TEXT.replace('."a/b"]\n', '."a/b"]\nverdict_threshold = 0.7\n')


def test_line_ends_stay(file: Path) -> None:
    file.write_bytes(TEXT.replace("\n", "\r\n").encode())
    write_threshold(file, "first", 0.5)
    write_threshold(file, "a/b", 0.6)
    assert b"\n" not in file.read_bytes().replace(b"\r\n", b"")
    assert [load_registry(file).entry(name).verdict_threshold for name in ("first", "a/b")] == [0.5, 0.6]


def test_the_packaged_registry_changes_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "registry.toml"
    file.write_bytes(PACKAGED.read_bytes())
    name, _ = load_registry(file).bundled()
    write_threshold(file, name, 0.61)
    before, after = PACKAGED.read_text(encoding="utf-8").splitlines(), file.read_text(encoding="utf-8").splitlines()
    changed = [(one, other) for one, other in zip(before, after, strict=True) if one != other]
    assert changed == [("verdict_threshold = 0.5", "verdict_threshold = 0.61")]
    assert load_registry(file).default.verdict_threshold == 0.5


def test_the_same_threshold_leaves_the_file_alone(file: Path) -> None:
    assert write_threshold(file, "a/b", 0.4) == 0.4
    assert file.read_bytes() == TEXT.encode()


@pytest.mark.parametrize(
    ("text", "model", "threshold", "reason"),
    [
        (TEXT, "other", 0.5, "no entry models.other"),
        (TEXT, "first", 1.0, "between 0 and 1"),
        (TEXT, "first", float("nan"), "between 0 and 1"),
        ("[models]\nfirst = { verdict_threshold = 0.2 }\n", "first", 0.5, "edit it by hand"),
        ("[models.first]\nverdict_threshold = \n", "first", 0.5, "not TOML"),
    ],
)
def test_what_cannot_be_changed_is_left_alone(file: Path, text: str, model: str, threshold: float, reason: str) -> None:
    file.write_bytes(text.encode())
    with pytest.raises(RegistryError, match=reason):
        write_threshold(file, model, threshold)
    assert file.read_bytes() == text.encode()


@settings(max_examples=25, deadline=None)
@given(st.floats(0.0001, 0.9999), st.sampled_from(["first", "a/b"]))
def test_what_is_written_is_read_back_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, value: float, name: str
) -> None:
    file = tmp_path_factory.mktemp("registry") / "registry.toml"
    file.write_bytes(TEXT.encode())
    write_threshold(file, name, value)
    assert load_registry(file).entry(name).verdict_threshold == value
