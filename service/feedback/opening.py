"""Makes the store that the settings ask for. Invariant: nothing is opened or made on disk before it is used."""

import logging

from service.feedback.address import database_url, file_of
from service.feedback.database import Database, Operation
from service.feedback.series import FeedbackSeries
from service.feedback.store import FeedbackStore
from service.revision.feedback import Content
from service.settings import Settings

log = logging.getLogger("preceptor.feedback")


def open_store(settings: Settings, series: FeedbackSeries) -> FeedbackStore | None:
    """The store; None where feedback is off."""
    url = database_url(settings.feedback_database)
    if url is None:
        return None
    file = file_of(url)
    log.info("feedback goes to %s, content %s", "a server" if file is None else file, content_of(settings).value)

    def observe(operation: Operation, seconds: float) -> None:
        series.latency.labels(operation.value).observe(seconds)

    return FeedbackStore(Database(url, observe, lambda reason: series.failures.labels(reason.value).inc()))


def content_of(settings: Settings) -> Content:
    """What is done with the texts of a feedback."""
    if not settings.feedback_content:
        return Content.WITHHELD
    return Content.DEIDENTIFIED if settings.feedback_deidentify else Content.STORED
