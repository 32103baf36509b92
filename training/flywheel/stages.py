"""Owns which stages one turn of the wheel has, in which order, and what each needs."""

from training.runs.stages import Stage

MODELS = ("start", "policy")
JUDGES = ("start", "judge")


def stages() -> tuple[Stage, ...]:
    """Return all stages in the order in which they are wanted."""
    return (
        Stage("collect", ()),
        Stage("export", ("collect",)),
        Stage("judge", ("export",)),
        Stage("policy", ("export",)),
        *(Stage(f"drafts:{model}", ("policy",)) for model in MODELS),
        *(Stage(f"guided:{model}", ("policy",)) for model in MODELS),
        *(Stage(f"verdicts:{judge}", ("judge",)) for judge in JUDGES),
        *(Stage(f"reviewers:{judge}", ("judge",)) for judge in JUDGES),
    )
