"""Gives back the connections of a run's models as each task ends, in the event loop that opened them.

Invariant: inspect gives every task a loop of its own, and a connection cannot outlive its loop.
"""

from inspect_ai.hooks import Hooks, RunEnd, hooks
from inspect_ai.model import Model


class _Open:
    """The models whose connections are to be given back; inspect makes one hook a process."""

    models: tuple[Model, ...] = ()


OPEN = _Open()


@hooks(name="preceptor_connections", description="Closes the connections of a task's models.")
class ConnectionHooks(Hooks):
    """Closes them where the task ends, and makes the models ready for another."""

    def enabled(self) -> bool:
        """Only while a run has models."""
        return bool(OPEN.models)

    async def on_run_end(self, data: RunEnd) -> None:
        """Close, and begin anew."""
        for model in OPEN.models:
            await model.api.aclose()
            model.api.initialize()
