"""What the page's files may hold, and how large they are."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from service.api.web import FOLDER
from tests.web.examples import FILE, examples

TEXTS = sorted(path for path in FOLDER.rglob("*") if path.suffix in (".js", ".css", ".html", ".svg"))
MODULES = [path for path in TEXTS if path.suffix == ".js"]
NAMESPACE = "http://www.w3.org/2000/svg"


def test_the_whole_page_is_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 200_000


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.name))
def test_nothing_comes_from_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace(NAMESPACE, "")
    assert not re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text)
    assert "@import" not in text


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.name))
def test_modules_make_no_markup_from_text_and_no_code(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|\.style\b|srcdoc"
    )
    assert not re.findall(forbidden, text)
    assert len(text.splitlines()) <= 300
    assert text.startswith("// ")


def test_the_key_goes_into_no_lasting_store() -> None:
    users = {path.name for path in MODULES if "localStorage" in path.read_text(encoding="utf-8")}
    kept = {
        word for path in MODULES for word in re.findall(r"(?:keep|recall)\((\w+)", path.read_text(encoding="utf-8"))
    }
    assert (users, kept) == ({"words.js"}, {"KEPT", "THEME", "NAME", "name"})


def test_the_page_has_no_inline_script_and_no_inline_style() -> None:
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script[^>]*>(.*?)</script>", page) == [""]
    assert not re.findall(r"<style|\sstyle=|\son\w+=|javascript:", page)
    assert not [found for found in re.findall(r'(?:href|src)="([^"]+)"', page) if found.startswith("/")]


def test_every_module_is_asked_for_at_once() -> None:
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    preloaded = re.findall(r'modulepreload" href="static/js/([^"]+)"', page)
    assert preloaded == sorted(path.name for path in MODULES)


def test_the_example_cases_are_held_out_questions_of_the_miniclinic() -> None:
    assert json.loads(FILE.read_text(encoding="utf-8")) == examples()


def test_every_kind_of_file_is_packaged() -> None:
    project = tomllib.loads((FOLDER.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    packaged = project["tool"]["setuptools"]["package-data"]["*"]
    assert {f"*{path.suffix}" for path in FOLDER.rglob("*") if path.is_file()} <= set(packaged)
