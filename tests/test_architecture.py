"""What the house looks like: which part may import which, who reads the environment, how long a file may be."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("service", "principles", "models", "training", "loadtest")
MAX_LINES = 300
MAX_FUNCTION_LINES = 60


def sources() -> Iterator[Path]:
    for part in PARTS:
        yield from sorted((ROOT / part).rglob("*.py"))


def test_imports_run_one_way() -> None:
    # In a process of its own: import-linter switches off every logger that is there, and other tests listen to theirs.
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_contracts_name_every_part_of_the_service() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    parts = {f"service.{path.stem}" for path in (ROOT / "service").glob("[!.]*") if path.suffix in ("", ".py")}
    expected = {name for name in parts if name not in ("service.__init__", "service.__pycache__", "service.revision")}
    for contract in contracts:
        if contract["source_modules"] in (["training"], ["service.revision"]):
            assert expected - {"service.web"} <= set(contract["forbidden_modules"])


def test_only_the_settings_read_the_environment() -> None:
    readers = [path for path in sources() if reads_environment(path.read_text(encoding="utf-8"))]
    assert [str(path.relative_to(ROOT)) for path in readers] == ["service/settings.py"]


@pytest.mark.parametrize(
    ("code", "reads"),
    [
        ("import os\nos.environ['A']", True),
        ("import os\nos.getenv('A')", True),
        ("from os import environ\n", True),
        ("import os as o\no.environb", True),
        ("import os\nos.getpid()", False),
        ("environ = {}\nenviron['A']", False),
        ("import os\nos.environ['A'] = 'set for a library'", False),
    ],
)
def test_a_reader_of_the_environment_is_recognised(code: str, reads: bool) -> None:
    assert reads_environment(code) is reads


def test_no_file_and_no_function_is_too_long() -> None:
    long_files = [f"{path.relative_to(ROOT)}" for path in sources() if line_count(path) > MAX_LINES]
    long_functions = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert (long_files, long_functions) == ([], [])


def reads_environment(code: str) -> bool:
    names = {"environ", "environb", "getenv", "getenvb"}
    tree = list(ast.walk(ast.parse(code)))
    set_here = {id(node.value) for node in tree if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)}
    for node in tree:
        if isinstance(node, ast.Attribute) and node.attr in names and id(node) not in set_here:
            return True
        if isinstance(node, ast.ImportFrom) and node.module == "os" and names & {alias.name for alias in node.names}:
            return True
    return False


def line_count(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n")
