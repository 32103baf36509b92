"""Progress of an evaluation: a bar with rate and remaining time, fed by inspect's hooks.

Invariant: samples that a resumed run takes over from its logs count as done at once.
"""

from inspect_ai.hooks import Hooks, ModelRetry, SampleEnd, hooks
from tqdm import tqdm


class Progress:
    """One bar over the samples of all tasks."""

    def __init__(self, total: int) -> None:
        self._bar = tqdm(total=total, unit="sample", mininterval=1, dynamic_ncols=True)

    def begin(self, task: str) -> None:
        """Show which task is at work."""
        self._bar.set_description(task)

    def done(self, samples: int = 1) -> None:
        """Count samples."""
        self._bar.update(samples)

    def waiting(self, model: str) -> None:
        """Show that a server has to be asked again."""
        self._bar.set_postfix_str(f"asking {model} again", refresh=True)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()


class _Current:
    """The bar that hooks feed: inspect makes one hook a process, before any run has a bar."""

    bar: Progress | None = None


CURRENT = _Current()


@hooks(name="preceptor_progress", description="Feeds the progress bar of preceptor-eval.")
class ProgressHooks(Hooks):
    """Counts samples as they end, and shows retries."""

    def enabled(self) -> bool:
        """Only while there is a bar."""
        return CURRENT.bar is not None

    async def on_sample_end(self, data: SampleEnd) -> None:
        """Count a sample, unless it ended in an error."""
        if CURRENT.bar is not None and data.sample.error is None:
            CURRENT.bar.done()

    async def on_model_retry(self, data: ModelRetry) -> None:
        """Show that a model is asked again."""
        if CURRENT.bar is not None:
            CURRENT.bar.waiting(data.model_name)
