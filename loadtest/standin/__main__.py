"""``python -m loadtest.standin --port N`` runs the stand-in engine until it is told to stop."""

import argparse
import asyncio
import signal
import sys

import uvloop

from loadtest.standin.server import Delays, listening


def main() -> int:
    """Serve on the loopback interface and return 0 once stopped."""
    parser = argparse.ArgumentParser(prog="loadtest.standin", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token-gap-ms", type=float, default=0.0, help="before each token of a stream")
    parser.add_argument("--answer-delay-ms", type=float, default=0.0, help="before each answer in one piece")
    options = parser.parse_args()
    delays = Delays(options.token_gap_ms / 1000, options.answer_delay_ms / 1000)
    uvloop.run(_serve(options.port, delays))
    return 0


async def _serve(port: int, delays: Delays) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with listening(port, delays):
        await stopped.wait()


if __name__ == "__main__":
    sys.exit(main())
