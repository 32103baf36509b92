"""The folder's promise: one method a file, short, with its definition and its source in the docstring."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "training" / "methods"
FILES = sorted(path for path in FOLDER.glob("*.py") if path.name != "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_short_and_names_its_source(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(text)) or ""
    assert 14 <= text.count("\n") <= 110
    assert len(docstring.splitlines()) <= 5
    assert any(word in docstring for word in ("arXiv", "Source:", "HealthBench", "Published:"))


def test_the_readme_has_one_line_for_each() -> None:
    lines = (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()
    assert sorted(line.split("`")[1] for line in lines if line.startswith("| `")) == [path.name for path in FILES]


def test_nothing_heavy_is_loaded() -> None:
    names = ", ".join(f"training.methods.{path.stem}" for path in FILES)
    heavy = "{'torch', 'trl', 'verl', 'ray', 'transformers', 'fastapi'}"
    code = f"import {names}, sys; print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=FOLDER.parents[1], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"
