"""How a judge fails: on one question, which stays unscored, or for good, which ends a run."""


class JudgeUnreachable(Exception):
    """The judge's engines do not answer; the message names URL, model, attempts and reason."""


class Unanswerable(Exception):
    """The engine refuses this one question: it stays unscored."""
