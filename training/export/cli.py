"""`python -m training export RUN`, `export fp8 CHECKPOINT`, `export gate CANDIDATE`: from a run to what is served.

Invariant: exit status 0 is done or passed, 1 is refused by the gate, 2 says that it could not be done and why.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from models.registry import ModelEntry, RegistryError, load_registry
from training.export import gate_command
from training.export.checkpoint import DTYPES
from training.export.fp8 import SCHEMES, Scheme, quantise
from training.export.headers import CheckpointError
from training.export.registry_entry import entry_text, register, require_place
from training.export.stopping import stopping_on_sigterm
from training.runs.files import RunError

DONE, FAILED = 0, 2
FP8_SUFFIX = "-FP8"


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    given = sys.argv[1:] if argv is None else argv
    if given[:1] == ["gate"]:
        return gate_command.main(given[1:])
    parser, work = (_fp8_parser(), _fp8) if given[:1] == ["fp8"] else (_parser(), _export)
    options = parser.parse_args(given[1:] if work is _fp8 else given)
    try:
        with stopping_on_sigterm():
            work(options)
    except (CheckpointError, RegistryError, RunError) as error:
        sys.stderr.write(f"error: {error}\n")
        return FAILED
    return DONE


def _export(options: argparse.Namespace) -> None:
    from training.export.write import Wanted, export_run

    entry = chosen_entry(options)
    if options.registry is not None:
        for name in (options.name, options.name + FP8_SUFFIX)[: 1 if options.fp8 is None else 2]:
            require_place(options.registry, name, replace=options.replace)
    wanted = Wanted(options.name, entry, options.dtype, options.base)
    tensors = export_run(options.run, options.out, wanted)
    _say(f"wrote {options.out}: {len(tensors)} tensors, {options.dtype}")
    _enter(options, options.name, entry)
    if options.fp8 is not None:
        _quantise(options.out, options.out.with_name(options.out.name + FP8_SUFFIX), options.fp8)
        _enter(options, options.name + FP8_SUFFIX, entry.model_copy(update={"path": None, "bundled": False}))


def chosen_entry(options: argparse.Namespace) -> ModelEntry:
    """Return the model's entry as it stands in the registry, or the default one, with what the options change.

    Raises ``RegistryError`` for a value out of range.
    """
    names = ("prompts", "verdict_threshold", "max_model_len", "constrained", "text_only", "notice")
    changes = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    old = load_registry(options.registry).entry(options.name)
    try:
        return ModelEntry.model_validate(old.model_dump() | changes)
    except ValidationError as error:
        faults = ("{}: {}".format(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors())
        raise RegistryError(f"models.{options.name}: {'; '.join(faults)}") from error


def _enter(options: argparse.Namespace, name: str, entry: ModelEntry) -> None:
    if options.registry is None:
        _say(f"its entry, for a registry file:\n\n{entry_text(name, entry)}")
        return
    register(options.registry, name, entry, replace=options.replace)
    _say(f"entered {name} in {options.registry}")


def _fp8(options: argparse.Namespace) -> None:
    _quantise(options.checkpoint, options.out, options.scheme)


def _quantise(checkpoint: Path, out: Path, scheme: Scheme) -> None:
    tensors = quantise(checkpoint, out, scheme)
    count = sum(tensor.dtype == "F8_E4M3" for tensor in tensors.values())
    _say(f"wrote {out}: {count} weights in {SCHEMES[scheme]}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training export", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="folder of a finished run (with model/ in it)")
    parser.add_argument("--name", required=True, help="the name under which it is to be served")
    parser.add_argument("--out", type=Path, required=True, help="folder to write; must not be there")
    parser.add_argument(
        "--base", type=Path, help="folder of the base (default: the adapter's, or what the run began from)"
    )
    parser.add_argument(
        "--dtype", choices=list(DTYPES), default="bfloat16", help="of the weights (default: %(default)s)"
    )
    parser.add_argument("--fp8", choices=list(SCHEMES), help=f"write OUT{FP8_SUFFIX} as well; needs make fp8")
    parser.add_argument("--registry", type=Path, help="enter the model here (default: print its entry)")
    parser.add_argument("--replace", action="store_true", help="put the entry in the place of an old one")
    parser.add_argument("--prompts", choices=("compact", "full"), help="prompt set (default: the entry's)")
    parser.add_argument("--verdict-threshold", type=float, help="probability from which a criterion is met")
    parser.add_argument("--max-model-len", type=int, help="tokens")
    _flag(parser, "--constrained", "decode rubrics and edits under their JSON schema")
    _flag(parser, "--text-only", "the model reads no images")
    parser.add_argument("--notice", help="what users are told, such as what it must not be used for")
    return parser


def _fp8_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training export fp8", description="Quantise a checkpoint to FP8.")
    parser.add_argument("checkpoint", type=Path, help="folder of an exported checkpoint")
    parser.add_argument("--out", type=Path, required=True, help="folder to write; must not be there")
    parser.add_argument("--scheme", choices=list(SCHEMES), default="dynamic", help="(default: %(default)s)")
    return parser


def _flag(parser: Any, option: str, text: str) -> None:
    parser.add_argument(option, action=argparse.BooleanOptionalAction, default=None, help=text)
