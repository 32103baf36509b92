"""What the README points at is there, and what it tells people to type is understood."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    """Our own commands, each once, without the comment behind."""
    lines = [line.split(" #")[0].strip() for _, text in BLOCKS for line in text.splitlines()]
    return sorted({line for line in lines if line.startswith(".venv/bin/")})


def program(words: list[str]) -> list[str]:
    """How a command is begun: the module or the script, and the subcommands that it names first."""
    head = words[:3] if words[0].endswith("python") else words[:1]
    rest = words[len(head) :]
    subcommands = []
    for word in rest:
        if not re.fullmatch(r"[a-z]+", word):
            break
        subcommands.append(word)
    return [*head, *subcommands]


def test_every_relative_link_leads_to_a_file() -> None:
    links = re.findall(r"!?\[[^\]]*\]\(([^)#]+)\)", README)
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_every_picture_says_what_it_shows() -> None:
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", README)
    assert {Path(path).suffix for _, path in pictures} == {".png"}
    assert [path for told, path in pictures if len(told) < 10] == []


def test_the_values_for_one_gpu_are_those_of_the_chart() -> None:
    """There a test renders them."""
    (values,) = [text for language, text in BLOCKS if language == "yaml"]
    assert values in (ROOT / "helm" / "README.md").read_text(encoding="utf-8")


def test_every_file_that_a_command_names_is_there() -> None:
    named = [
        word for line in commands() for word in shlex.split(line) if re.match(r"(training|models)/\S+\.toml$", word)
    ]
    assert named
    assert [word for word in named if not (ROOT / word).is_file()] == []


@pytest.mark.parametrize("line", commands())
def test_every_option_of_a_command_is_known(line: str) -> None:
    words = shlex.split(line.split(" -- ")[0])
    start = program(words)
    if start[0].endswith("python"):
        start[0] = sys.executable
    else:
        start[0] = str(Path(sys.executable).with_name(Path(start[0]).name))
    asked = subprocess.run([*start, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert asked.returncode == 0, asked.stderr
    options = [word for word in words[1:] if word.startswith("--")]
    assert [option for option in options if not re.search(rf"{option}\b", asked.stdout)] == []
