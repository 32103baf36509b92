"""`preceptor-eval run` and `resume`: an evaluation from its recipe, into a folder that is gone on with after any end.

Invariant: everything that a run needs to go on stands in its folder: the resolved recipe, inspect's logs, and the cache
of what was asked, which no other run reads, so that no answer of another model is taken for this one's.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inspect_ai.model import Model

from models.registry import load_registry
from training.evaluation.asked.build import named_model, roles_of, target_of
from training.evaluation.plan import planned_tasks
from training.evaluation.recipe import BUNDLED, Endpoint, Evaluation, read_recipe
from training.evaluation.run import run_tasks
from training.export.serving import serve_checkpoint
from training.runs.folder import RunFolder
from training.trl_adapter.settings import SettingsError

CACHE = "cache"
SERVED = "served"
BUNDLED_FOLDER = Path(__file__).parents[2] / "models" / "bundled"


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what ``run`` takes."""
    parser.add_argument("recipe", type=Path, help="TOML; training/configs/evaluation has examples")
    parser.add_argument("--out", type=Path, required=True, help="the run's folder; the same one goes on")
    parser.add_argument("--url", help="the target's URL, in the place of the recipe's url or serve")
    parser.add_argument("--n", type=int, help="samples of each benchmark, in the place of the recipe's")


def run(arguments: argparse.Namespace) -> Path:
    """Run a recipe and return the run's folder. Raises what `cli` tells in one line."""
    recipe = read_recipe(arguments.recipe)
    given = recipe.model_dump()
    if arguments.url is not None:
        given["target"] |= {"url": arguments.url, "serve": None}
    if arguments.n is not None:
        for benchmark in given["benchmarks"]:
            benchmark["n"] = arguments.n
    folder = RunFolder.open(arguments.out, Evaluation.model_validate(given))
    return go_on(folder.path)


def go_on(path: Path) -> Path:
    """Run what a folder's recipe asks for and is not done yet."""
    recipe = Evaluation.model_validate(RunFolder.read(path).made_with["config"])
    os.environ["INSPECT_CACHE_DIR"] = str((path / CACHE).resolve())
    with _served(recipe, path) as url:
        target, roles = target_of(recipe, url), roles_of(recipe)
        if target.gateway is not None:
            roles["gateway"] = target.gateway
        told = recipe.target.serve or url
        planned = planned_tasks(recipe, target, told)
        run_tasks(planned, path, target.plain, roles, concurrent=recipe.concurrent)
    return path


def add_judge_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the judges of an audit."""
    parser.add_argument("--judge", metavar="NAME@URL", help="the judge; 'bundled' serves the bundled model")
    parser.add_argument("--second-judge", metavar="NAME@URL", help="another, to compare with")
    parser.add_argument("--api-key-file", type=Path, help="holds the judges' key alone")


@contextmanager
def judging(arguments: argparse.Namespace) -> Iterator[tuple[Model | None, Model | None]]:
    """The judges that an audit names, served while the block is entered where they are the bundled model.

    Raises ``SettingsError`` for a name without a URL.
    """
    if BUNDLED not in (arguments.judge, arguments.second_judge):
        yield _judge_at(arguments.judge, arguments), _judge_at(arguments.second_judge, arguments)
        return
    name = load_registry().bundled()[0]
    arguments.model = arguments.model or name
    with serve_checkpoint(BUNDLED_FOLDER, name, logs=arguments.out / SERVED, tell=_tell) as served:
        both = (
            f"{name}@{served.engine_url}" if judge == BUNDLED else judge
            for judge in (arguments.judge, arguments.second_judge)
        )
        first, second = (_judge_at(one, arguments) for one in both)
        yield first, second


def _judge_at(judge: str | None, arguments: argparse.Namespace) -> Model | None:
    if judge is None:
        return None
    name, at, url = judge.rpartition("@")
    if not (name and at):
        raise SettingsError(f"{judge!r} is no judge: NAME@URL, or {BUNDLED}")
    return named_model(Endpoint(url=url, model=name, api_key_file=arguments.api_key_file), arguments.concurrent)


@contextmanager
def _served(recipe: Evaluation, path: Path) -> Iterator[str]:
    """The target's URL; a checkpoint is served while the block is entered."""
    if recipe.target.serve is None:
        assert recipe.target.url is not None
        yield recipe.target.url
        return
    bundled = recipe.target.serve == BUNDLED
    checkpoint = BUNDLED_FOLDER if bundled else Path(recipe.target.serve)
    name = recipe.target.model or (load_registry().bundled()[0] if bundled else checkpoint.name)
    with serve_checkpoint(checkpoint, name, logs=path / SERVED, tell=_tell) as served:
        yield served.url


def _tell(line: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"engine: {line}\n")
