"""The ``preceptor`` command: serve, ask, keys, feedback, principles, version."""

import argparse
import signal
import sys
from collections.abc import Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import ValidationError

from service.keys import Scope, new_key
from service.limits import ClientLimits
from service.settings import PREFIX, Settings, SettingsError, load_settings

DEFAULT_URL = "http://127.0.0.1:8000"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 failed, 2 wrongly asked."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["principles"]:
        from principles.cli import main as principles_main

        return principles_main(words[1:])
    options = _parser().parse_args(words)
    if options.command == "serve":
        return _serve(options)
    if options.command == "ask":
        return _ask(options)
    if options.command == "keys":
        return _new_key(options)
    if options.command == "feedback":
        return _feedback(options)
    sys.stdout.write(f"preceptor {installed_version()}\n")
    return 0


def installed_version() -> str:
    """The version of the installed package."""
    try:
        return version("preceptor")
    except PackageNotFoundError:
        return "not installed"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="preceptor", description="Has medical answers checked and revised.")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_serve(commands.add_parser("serve", help="run the gateway"))
    _add_ask(commands.add_parser("ask", help="ask a running gateway and watch it revise"))
    _add_keys(commands.add_parser("keys", help="make API keys"))
    _add_feedback(commands.add_parser("feedback", help="look after the feedback database"))
    commands.add_parser("principles", help="list, check and import principles", add_help=False)
    commands.add_parser("version", help="print the version")
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    """One option for each setting, but for keys, which do not belong on a command line; a list's may be repeated."""
    parser.description = f"Options go before {PREFIX}* variables, which go before the file; keys are never options."
    parser.add_argument("--config", type=Path, help="settings as TOML")
    for name, field in Settings.model_fields.items():
        if field.repr:
            several = isinstance(field.default, tuple)
            default = ",".join(field.default) if several else field.default
            told = field.description if default is None else f"{field.description} (default: {default})"
            option = f"--{name.replace('_', '-')}"
            action = "append" if several else "store"
            parser.add_argument(option, metavar=name.upper(), action=action, help=told)


def _add_ask(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("question")
    parser.add_argument("--url", default=DEFAULT_URL, help=f"a running gateway (default {DEFAULT_URL})")
    parser.add_argument("--draft", type=Path, metavar="FILE", help="revise this answer, not a draft of the model's")
    parser.add_argument("--api-key", help="API key of the gateway")
    parser.add_argument("--json", action="store_true", help="print the whole revision as JSON")


def _add_keys(parser: argparse.ArgumentParser) -> None:
    new = parser.add_subparsers(dest="action", required=True).add_parser("new", help="make a key for a client")
    new.description = "Shows the key on standard error, once, and writes its line for the key file: >> keys.jsonl"
    new.add_argument("--client", required=True, help="whose key it is; a client may have several")
    scopes = [scope.value for scope in Scope]
    new.add_argument("--scope", required=True, action="append", choices=scopes, help="what it opens; may be repeated")
    new.add_argument("--expires", type=date.fromisoformat, metavar="YYYY-MM-DD", help="last day on which it is good")
    new.add_argument("--max-in-flight", type=int, help="slots that the client may hold at once")
    new.add_argument("--tokens-per-minute", type=int, help="tokens that the client may spend in a minute")
    new.add_argument("--weight", type=float, help="the client's share beside others, from 0.01 to 100 (default: 1)")


def _add_feedback(parser: argparse.ArgumentParser) -> None:
    parser.description = f"The database is that of {PREFIX}FEEDBACK_DATABASE, or of --config."
    parser.add_argument("--config", type=Path, help="settings as TOML")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("status", help="print the revision of the schema, and the newest one")
    actions.add_parser("migrate", help="bring the schema up to date")
    down = actions.add_parser("downgrade", help="bring the schema down to a revision")
    down.add_argument("revision", help="a revision, or base: drops the tables with all that they hold, the audit too")
    actions.add_parser("audit", help="print who listed, read, exported and erased, as JSON lines")


def _new_key(options: argparse.Namespace) -> int:
    limits = {name: vars(options)[name] for name in ClientLimits.model_fields}
    try:
        key, line = new_key(options.client, options.scope, options.expires, limits)
    except ValidationError as error:
        sys.stderr.write(f"preceptor: {_wrong(error)}\n")
        return 2
    sys.stderr.write(f"{key}\n")
    sys.stdout.write(f"{line}\n")
    return 0


def _wrong(error: ValidationError) -> str:
    fault = error.errors(include_input=False)[0]
    if fault["loc"] == ("client",):
        return "a client's name has letters, digits, dots and dashes, at most 64"
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"


def _serve(options: argparse.Namespace) -> int:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the server can make something of it
    from service.server import serve

    words = {name: value for name, value in vars(options).items() if name not in ("command", "config")}
    given = {name: ",".join(value) if isinstance(value, list) else value for name, value in words.items()}
    try:
        settings = load_settings(given, file=options.config)
    except SettingsError as error:
        sys.stderr.write(f"preceptor: {error}\n")
        return 2
    return serve(settings)


def _feedback(options: argparse.Namespace) -> int:
    try:
        settings = load_settings(file=options.config)
    except SettingsError as error:
        sys.stderr.write(f"preceptor: {error}\n")
        return 2
    from service.feedback.cli import run

    return run(options, settings)


def _ask(options: argparse.Namespace) -> int:
    from service.ask import AskError, ask

    try:
        draft = options.draft.read_text(encoding="utf-8") if options.draft else None
        ask(options.url, options.question, draft=draft, api_key=options.api_key, as_json=options.json)
    except (AskError, OSError) as error:
        sys.stderr.write(f"preceptor: {error}\n")
        return 1
    return 0
