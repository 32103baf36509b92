"""The revision, asked of real checkouts."""

import subprocess
from pathlib import Path

from training.runs.revision import git_revision


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def checkout(folder: Path) -> str:
    git(folder, "init", "-q")
    (folder / "a.txt").write_text("one\n")
    git(folder, "add", "a.txt")
    git(folder, "commit", "-q", "-m", "one")
    return git(folder, "rev-parse", "HEAD")


def test_a_clean_checkout_is_its_commit(tmp_path: Path) -> None:
    commit = checkout(tmp_path)
    (tmp_path / "untracked.txt").write_text("x")
    assert git_revision(tmp_path) == commit


def test_a_changed_file_makes_it_dirty(tmp_path: Path) -> None:
    commit = checkout(tmp_path)
    (tmp_path / "a.txt").write_text("two\n")
    assert git_revision(tmp_path) == f"{commit}-dirty"


def test_a_folder_outside_or_below_a_checkout_has_none(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    assert git_revision(outside) is None
    checkout(inside)
    (inside / "installed").mkdir()
    assert git_revision(inside / "installed") is None


def test_a_checkout_without_a_commit_has_none(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert git_revision(tmp_path) is None
