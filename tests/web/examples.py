"""The playground's example cases: held-out questions of the miniclinic. ``python -m tests.web.examples`` writes them.

Invariant: the gateway never imports the miniclinic; it serves what was written here, and a test holds both together.
"""

import json
import random
from pathlib import Path
from typing import Any

from training.miniclinic.answers import confused_answer, text_of
from training.miniclinic.cases import make_case
from training.miniclinic.knowledge import load_knowledge

FILE = Path(__file__).parents[2] / "service/web/examples.json"
SEEDS = {"chest-pain": 53, "burn": 7, "hives": 10, "child-stomach": 20, "flu-vaccine": 12, "nosebleed": 34}
WITH_DRAFT = {"own-draft": 15}


def examples() -> list[dict[str, Any]]:
    """Name, messages and, for one whose draft is the user's own, a draft by someone who mistakes circumstances."""
    knowledge = load_knowledge()
    rows: list[dict[str, Any]] = []
    for name, seed in (SEEDS | WITH_DRAFT).items():
        case = make_case(knowledge, seed, "heldout")
        row: dict[str, Any] = {"name": name, "case": f"heldout-{seed}", "messages": list(case.messages)}
        if name in WITH_DRAFT:
            row["draft"] = text_of(confused_answer(knowledge, case, random.Random(f"playground:{seed}")))
        rows.append(row)
    return rows


if __name__ == "__main__":
    FILE.write_text(json.dumps(examples(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
