"""vLLM's scheduler in small: what each step computes, who waits, who is put back when the KV cache is full.

Invariant: no clock and no chance; ``plan`` and ``complete`` alternate, and the same calls in the same order give the
same steps. Waiting sequences start by (priority, arrival), lower first; a running one is never overtaken.
"""

import heapq
from collections.abc import Sequence as Many
from dataclasses import dataclass, field

from loadtest.standin.blocks import Blocks
from loadtest.standin.speed import BLOCK_TOKENS, Limits, Speed


@dataclass(slots=True, eq=False)
class Sequence:
    """One call: ``keys`` of the full blocks of prompt and answer, and how far it has come (in tokens).

    ``tokens`` are prompt and answer so far; ``shared`` and ``private`` are the blocks that it holds.
    """

    keys: Many[int]
    prompt_tokens: int
    output_tokens: int
    priority: int = 0
    number: int = -1
    tokens: int = 0
    computed: int = 0
    generated: int = 0
    cached_tokens: int = 0
    gone: bool = False
    shared: list[int] = field(default_factory=list)
    private: int = 0

    def __post_init__(self) -> None:
        self.tokens = self.prompt_tokens

    @property
    def finished(self) -> bool:
        """Say whether the last token is there."""
        return self.generated >= self.output_tokens

    @property
    def order(self) -> tuple[int, int]:
        """Its place among those that wait."""
        return self.priority, self.number


@dataclass(frozen=True, slots=True)
class Step:
    """One pass of the model: who decodes a token, who prefills how many, and how long that takes."""

    decoding: list[Sequence]
    prefilling: list[tuple[Sequence, int]]
    seconds: float

    @property
    def sequences(self) -> int:
        """How many there are in the batch."""
        return len(self.decoding) + len(self.prefilling)


@dataclass(slots=True)
class Tally:
    """Counted since the start, in tokens where it says so."""

    prefix_queries_tokens: int = 0
    prefix_hits_tokens: int = 0
    prompt_tokens: int = 0
    generation_tokens: int = 0
    preemptions: int = 0
    finished: int = 0
    aborted: int = 0


class Scheduler:
    """One replica."""

    def __init__(self, speed: Speed, limits: Limits | None = None) -> None:
        self.speed, self.limits = speed, limits or speed.limits
        self.blocks = Blocks(self.limits.kv_blocks)
        self.running: list[Sequence] = []
        self.tally = Tally()
        self._waiting: list[tuple[tuple[int, int], Sequence]] = []
        self._next_number = 0

    @property
    def waiting(self) -> int:
        """How many sequences have not begun, or were put back."""
        return sum(not sequence.gone for _, sequence in self._waiting)

    def add(self, sequence: Sequence) -> None:
        """Have a sequence wait. Raises ``ValueError`` where it could never fit."""
        if -(-(sequence.prompt_tokens + sequence.output_tokens) // BLOCK_TOKENS) > self.blocks.capacity:
            raise ValueError("a sequence longer than the whole KV cache")
        sequence.number, self._next_number = self._next_number, self._next_number + 1
        heapq.heappush(self._waiting, (sequence.order, sequence))

    def abort(self, sequence: Sequence) -> None:
        """Forget a sequence whose caller has left; one that is finished stays so."""
        if sequence.gone or sequence.finished:
            return
        self.tally.aborted += 1
        self._remove(sequence)

    def plan(self) -> Step | None:
        """The next step; None where nothing is to be done."""
        left, preempted = self.limits.max_num_batched_tokens, self.tally.preemptions
        decoding: list[Sequence] = []
        prefilling: list[tuple[Sequence, int]] = []
        for sequence in list(self.running):
            number = min(sequence.tokens - sequence.computed, left)
            needs_block = number != 1 or not sequence.computed % BLOCK_TOKENS
            if not number or (needs_block and not self._grow(sequence, number)):
                continue
            left -= number
            if number == 1:
                decoding.append(sequence)
            else:
                prefilling.append((sequence, number))
        if self.tally.preemptions == preempted:
            self._admit(prefilling, left)
        else:
            # Who was put back after it had been planned computes nothing; nobody comes in beside that.
            decoding = [sequence for sequence in decoding if sequence.computed]
            prefilling = [part for part in prefilling if part[0] in self.running]
        if not decoding and not prefilling:
            return None
        prefill_tokens = sum(number for _, number in prefilling)
        return Step(decoding, prefilling, self.speed.step_seconds(len(decoding), prefill_tokens))

    def complete(self, step: Step) -> list[Sequence]:
        """Apply a step at its end and return the sequences that got a token."""
        emitted = []
        for sequence in step.decoding:
            if not sequence.gone:
                sequence.computed += 1
                if not sequence.computed % BLOCK_TOKENS:
                    self._fill(sequence, sequence.computed // BLOCK_TOKENS - 1)
                emitted.append(sequence)
        for sequence, number in step.prefilling:
            if sequence.gone:
                continue
            before = sequence.computed // BLOCK_TOKENS
            sequence.computed += number
            for place in range(before, sequence.computed // BLOCK_TOKENS):
                self._fill(sequence, place)
            if sequence.computed == sequence.tokens:
                emitted.append(sequence)
        self.tally.generation_tokens += len(emitted)
        for sequence in emitted:
            sequence.generated += 1
            sequence.tokens += 1
            if sequence.generated == sequence.output_tokens:
                self.tally.finished += 1
                self._remove(sequence)
        return emitted

    def _admit(self, prefilling: list[tuple[Sequence, int]], left: int) -> None:
        while self._waiting and left > 0 and len(self.running) < self.limits.max_num_seqs:
            sequence = self._waiting[0][1]
            if sequence.gone:
                heapq.heappop(self._waiting)
                continue
            # The last token is always computed, since its logits are what is asked for.
            known = sequence.keys[: (sequence.tokens - 1) // BLOCK_TOKENS]
            shared = known[: self.blocks.known(known)]
            hit = len(shared) * BLOCK_TOKENS
            number = min(sequence.tokens - hit, left)
            private = -(-(hit + number) // BLOCK_TOKENS) - len(shared)
            if not self.blocks.room_for(shared, private):
                return
            heapq.heappop(self._waiting)
            self.blocks.share(shared)
            self.blocks.take(private)
            sequence.shared, sequence.private, sequence.computed = list(shared), private, hit
            self._count_prompt(sequence, hit)
            self.running.append(sequence)
            prefilling.append((sequence, number))
            left -= number

    def _count_prompt(self, sequence: Sequence, hit: int) -> None:
        self.tally.prefix_queries_tokens += sequence.tokens
        self.tally.prefix_hits_tokens += hit
        if not sequence.generated:
            self.tally.prompt_tokens += sequence.prompt_tokens
            sequence.cached_tokens = hit

    def _grow(self, sequence: Sequence, number: int) -> bool:
        """Have blocks for so many more tokens, putting back others where there is no room; False if put back itself."""
        held = len(sequence.shared) + sequence.private
        if not held:
            return False  # put back in this very step
        needed = -(-(sequence.computed + number) // BLOCK_TOKENS) - held
        while needed > 0 and not self.blocks.take(needed):
            victim = max(self.running, key=lambda one: one.order)
            self._put_back(victim)
            if victim is sequence:
                return False
        sequence.private += max(needed, 0)
        return True

    def _put_back(self, victim: Sequence) -> None:
        self.tally.preemptions += 1
        self.running.remove(victim)
        self._let_go(victim)
        victim.computed = 0
        heapq.heappush(self._waiting, (victim.order, victim))

    def _fill(self, sequence: Sequence, place: int) -> None:
        if place < len(sequence.keys) and self.blocks.fill(sequence.keys[place]):
            sequence.shared.append(sequence.keys[place])
            sequence.private -= 1

    def _remove(self, sequence: Sequence) -> None:
        """Take a sequence out; one that waits is passed over when its turn comes."""
        sequence.gone = True
        if sequence in self.running:
            self.running.remove(sequence)
        self._let_go(sequence)

    def _let_go(self, sequence: Sequence) -> None:
        self.blocks.release(sequence.shared, sequence.private)
        sequence.shared, sequence.private = [], 0
