"""The first token's alternatives of a model's output, as `models.judge` reads verdicts from them."""

from inspect_ai.model import ModelOutput


def alternatives(output: ModelOutput) -> dict[str, float] | None:
    """Return log-probabilities by token text; None where the model gave none."""
    logprobs = output.choices[0].logprobs if output.choices else None
    if logprobs is None or not logprobs.content or not logprobs.content[0].top_logprobs:
        return None
    return {one.token: one.logprob for one in logprobs.content[0].top_logprobs}
