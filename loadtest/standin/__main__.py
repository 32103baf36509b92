"""``python -m loadtest.standin --port N`` runs the stand-in engine until it is told to stop."""

import argparse
import asyncio
import signal
import sys
from dataclasses import replace

import uvloop

from loadtest.standin.scheduler import Scheduler
from loadtest.standin.server import Delays, Paced, listening
from loadtest.standin.speed import SPEEDS


def main() -> int:
    """Serve on the loopback interface and return 0 once stopped."""
    parser = argparse.ArgumentParser(prog="loadtest.standin", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token-gap-ms", type=float, default=0.0, help="before each token of a stream")
    parser.add_argument("--answer-delay-ms", type=float, default=0.0, help="before each answer in one piece")
    parser.add_argument("--speed", choices=sorted(SPEEDS), help="tokens as this model and GPU have them come")
    parser.add_argument("--max-num-seqs", type=int, help="with --speed: sequences at once (default: the speed's own)")
    parser.add_argument("--draft-tokens", type=int, default=300, help="with --speed: mean of drafts (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="with --speed: of the drafts' lengths")
    parser.add_argument("--ledger", action="store_true", help="with --speed: tell at /ledger whose calls were served")
    options = parser.parse_args()
    if options.speed and (options.token_gap_ms or options.answer_delay_ms):
        parser.error("--speed has its own delays")
    uvloop.run(_serve(options.port, _paced(options) if options.speed else _delays(options)))
    return 0


def _delays(options: argparse.Namespace) -> Delays:
    return Delays(options.token_gap_ms / 1000, options.answer_delay_ms / 1000)


def _paced(options: argparse.Namespace) -> Paced:
    speed = SPEEDS[options.speed]
    limits = replace(speed.limits, max_num_seqs=options.max_num_seqs or speed.limits.max_num_seqs)
    return Paced(Scheduler(speed, limits), options.draft_tokens, options.seed, options.ledger)


async def _serve(port: int, pace: Delays | Paced) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with listening(port, pace):
        await stopped.wait()


if __name__ == "__main__":
    sys.exit(main())
