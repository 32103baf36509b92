"""The source's git revision, asked of the local checkout and never of a network."""

import subprocess
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]


def git_revision(source: Path = SOURCE) -> str | None:
    """Return the commit's hash, with ``-dirty`` where tracked files differ from it; None outside a checkout or git.

    A checkout is one whose top is ``source``: a package installed inside somebody else's checkout is not of its commit.
    """
    top = _git(source, "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != source.resolve():
        return None
    commit = _git(source, "rev-parse", "HEAD")
    changes = _git(source, "status", "--porcelain", "--untracked-files=no")
    return commit and (f"{commit}-dirty" if changes else commit)


def _git(source: Path, *arguments: str) -> str | None:
    """What git says, or None where it fails or is absent; it takes no locks beside a developer's own git."""
    command = ["git", "--no-optional-locks", "-C", str(source), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
