"""Which part of an answer cannot change any more while edits to it are still being written.

Invariant: every text returned is a prefix of every answer that the undecided edits can still lead to.
"""

from collections.abc import Hashable, Iterable, Sequence

from service.revision.edits import Edit, Operation, pieces


class Release:
    """Follows the undecided edits of one answer.

    An edit is undecided from the start, and nothing can be released until its place is known. Trailing white space is
    held back: whether it stays depends on what follows. Accepted edits must be handed over in a constant order.
    """

    def __init__(self, units: Sequence[str], undecided: Iterable[Hashable]) -> None:
        self._units = units
        self._fixed_pieces: dict[Hashable, int] = dict.fromkeys(undecided, 0)

    def place(self, key: Hashable, operation: Operation, number: int) -> None:
        """Note where an undecided edit will be. What stands before an insertion is fixed, its own sentence included."""
        self._fixed_pieces[key] = number + 1 if operation == "insert_after" else number

    def decide(self, key: Hashable) -> None:
        """Note that an edit has been accepted or refused."""
        del self._fixed_pieces[key]

    def fixed(self, accepted: Sequence[Edit]) -> str:
        """Return the answer as far as it is fixed."""
        edited = pieces(self._units, accepted)
        count = min(self._fixed_pieces.values(), default=len(edited))
        return "".join(edited[:count]).rstrip()
