"""``python -m tests.service.api.record_examples``: has a running gateway answer every example anew.

Invariant: an answer is written as it came; where the gateway does not give the status that the example tells, the old
one stays, and the exit status is 1 unless ``--keep`` names the operation.
"""

import argparse
import json
import sys
from pathlib import Path

import httpx

from service.api.examples import Exchange, read_exchanges
from tests.service.api.exchanges import MADE_BY, asked, shown

FOLDER = Path(__file__).parents[3] / "service" / "api" / "examples"


def main() -> int:
    """Rewrite the files of ``service/api/examples``; 1 where something was not answered as it should be."""
    parser = argparse.ArgumentParser(description="Writes the answers of service/api/examples anew.")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="a gateway with the bundled model, without keys")
    parser.add_argument("--keep", action="append", default=[], help="an operation that this model does not answer")
    options = parser.parse_args()
    failed: list[str] = []
    with httpx.Client(base_url=options.url, timeout=120, trust_env=False) as client:
        for file in sorted(FOLDER.glob("*.json")):
            failed += record(client, file, options.keep)
    for told in failed:
        sys.stderr.write(f"{told}\n")
    return 1 if failed else 0


def record(client: httpx.Client, file: Path, kept: list[str]) -> list[str]:
    """Rewrite one file, in its order; what was not answered as it should be."""
    failed: list[str] = []
    made: dict[str, str] = {}
    written: dict[str, list[Exchange]] = {}
    for operation, exchanges in read_exchanges(file.read_bytes()).items():
        written[operation] = []
        for exchange in exchanges:
            current = exchange
            if operation not in kept:
                response = asked(client, operation, exchange, made)
                if response.status_code == exchange.status:
                    current = _with_answer(exchange, response, made, operation)
                else:
                    failed.append(f"{operation}, {exchange.name}: {response.status_code}, not {exchange.status}")
            written[operation].append(current)
            ids = {name: current.answer["id"] for name, maker in MADE_BY.items() if maker == operation}
            made = ids | made
    content = {
        operation: [exchange.model_dump(mode="json", exclude_unset=True) for exchange in exchanges]
        for operation, exchanges in written.items()
    }
    file.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return failed


def _with_answer(exchange: Exchange, response: httpx.Response, made: dict[str, str], operation: str) -> Exchange:
    """The exchange with this answer, and with the ids that were put into its path."""
    named = {name: id_ for name, id_ in made.items() if f"{{{name}}}" in operation}
    changes: dict[str, object] = {"answer": shown(exchange, response)}
    if named:
        changes["parameters"] = exchange.parameters | named
    return exchange.model_copy(update=changes)


if __name__ == "__main__":
    sys.exit(main())
