import asyncio
import io

from loadtest.run.profile import Slo
from loadtest.run.progress import Progress
from loadtest.run.row import End
from tests.loadtest.run.rows import row


def test_the_line_says_how_the_run_is_going() -> None:
    progress = Progress(Slo(e2e_seconds=3.0), 60.0, planned=9)
    assert progress.line(0.0) == "0/60 s  sent 0/9  in flight 0  good 0/0  first answer p50 -"
    for _ in range(5):
        progress.note_sent()
    for ended in (row(), row(first_answer=2.0, e2e=4.0), row(end=End.REFUSED, first_answer=None)):
        progress.note(ended)
    expected = "12/60 s  sent 5/9  in flight 2  good 1/3  first answer p50 1.50 s  refused 1"
    assert progress.line(12.3) == expected


async def test_it_is_shown_until_it_is_cancelled() -> None:
    stream = io.StringIO()
    showing = asyncio.create_task(Progress(Slo(e2e_seconds=3.0), 60.0, 9).show(stream))
    await asyncio.sleep(0)
    showing.cancel()
    await asyncio.wait([showing])
    assert (showing.cancelled(), stream.getvalue()) == (True, "")
