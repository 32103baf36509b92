"""The KV cache in blocks, as vLLM's prefix cache keeps them: shared while used, kept while there is room, oldest out.

Invariant: private, used and spare blocks together are never more than the capacity.
"""

from collections import OrderedDict
from collections.abc import Sequence


class Blocks:
    """Blocks by key; a key stands for a block's tokens and all before them. A private block has no key yet."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.private = 0
        self._users: dict[int, int] = {}
        self._spare: OrderedDict[int, None] = OrderedDict()

    @property
    def used(self) -> int:
        """Blocks that some sequence holds."""
        return self.private + len(self._users)

    def known(self, keys: Sequence[int]) -> int:
        """How many keys from the first on are cached."""
        for number, key in enumerate(keys):
            if key not in self._users and key not in self._spare:
                return number
        return len(keys)

    def room_for(self, shared: Sequence[int], private: int) -> bool:
        """Say whether ``shared`` cached blocks can be held and ``private`` new ones be had beside them."""
        revived = sum(key in self._spare for key in shared)
        return self.used + revived + private <= self.capacity

    def share(self, keys: Sequence[int]) -> None:
        """Hold cached blocks."""
        for key in keys:
            self._spare.pop(key, None)
            self._users[key] = self._users.get(key, 0) + 1

    def take(self, number: int = 1) -> bool:
        """Hold so many new blocks, pushing out spare ones, oldest first; False, and nothing held, without room."""
        if self.used + number > self.capacity:
            return False
        self.private += number
        while self.used + len(self._spare) > self.capacity:
            self._spare.popitem(last=False)
        return True

    def fill(self, key: int) -> bool:
        """Give a private block that is now full its key; False where the same block is cached already."""
        if key in self._users or key in self._spare:
            return False
        self.private -= 1
        self._users[key] = 1
        return True

    def release(self, keys: Sequence[int], private: int) -> None:
        """Let go of blocks; those with keys stay spare, a prefix longer than what follows it."""
        self.private -= private
        for key in reversed(keys):
            self._users[key] -= 1
            if not self._users[key]:
                del self._users[key]
                self._spare[key] = None
