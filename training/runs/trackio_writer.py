"""A process of its own that writes what it reads, one JSON object a line, into trackio's local database.

Invariant: it imports nothing of ours and reaches no network: trackio's remotes are unset by whoever starts it, and its
storage is used directly, since `trackio.init` asks the hub who one is.
"""

import json
import sys

from trackio.sqlite_storage import SQLiteStorage


def main(project: str, run: str) -> None:
    """Start the run over with the first line's config, then add every line's rows."""
    config = None
    for line in sys.stdin:
        message = json.loads(line)
        if "config" in message:
            SQLiteStorage.delete_run(project, run)
            config = message["config"]
        if rows := message["rows"]:
            # trackio takes a config together with rows, and drops it when there are none.
            SQLiteStorage.bulk_log(
                project, run, [values for _, values in rows], steps=[step for step, _ in rows], config=config
            )
            config = None


if __name__ == "__main__":
    main(*sys.argv[1:])
