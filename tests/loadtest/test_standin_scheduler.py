"""The scheduler in virtual time: what is told here takes no time on the wall."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.standin.clock import VirtualClock
from loadtest.standin.engine import Engine
from loadtest.standin.metrics import metrics_text
from loadtest.standin.scheduler import Scheduler, Sequence
from loadtest.standin.speed import SPEEDS, Limits

H100 = SPEEDS["qwen3-30b-a3b-h100"]
ROOMY = Limits(max_num_seqs=96, max_num_batched_tokens=8192, kv_blocks=8192)


class Run:
    """An engine on a virtual clock, and when each call's tokens came."""

    def __init__(self, limits: Limits = ROOMY) -> None:
        self.clock = VirtualClock()
        self.engine = Engine(self.clock, Scheduler(H100, limits))
        self.tokens: dict[int, list[float]] = {}
        self.finished: list[Sequence] = []

    def submit(self, sequence: Sequence, at: float = 0.0) -> Sequence:
        self.clock.call_at(at, self.engine.submit, sequence, self._told)
        return sequence

    def _told(self, sequence: Sequence) -> None:
        self.tokens.setdefault(sequence.number, []).append(self.clock.time())
        if sequence.finished:
            self.finished.append(sequence)


def call(first: int = 0, prompt: int = 160, output: int = 10, priority: int = 0) -> Sequence:
    return Sequence(list(range(first, first + (prompt + output) // 16)), prompt, output, priority)


def test_one_call_alone_takes_its_prefill_and_a_step_for_each_token() -> None:
    run = Run()
    run.submit(call())
    run.clock.run()
    first, *_, last = run.tokens[0]
    assert first == pytest.approx(H100.step_seconds(0, 160))
    assert last - first == pytest.approx(9 * H100.decode_seconds(1))


def test_the_batch_sets_the_time_between_tokens() -> None:
    run = Run()
    for number in range(32):
        run.submit(call(first=1000 * number, output=100))
    run.clock.run()
    gaps = [after - before for before, after in zip(run.tokens[0][50:], run.tokens[0][51:], strict=False)]
    assert gaps[:10] == pytest.approx([0.02257] * 10)


def test_calls_beyond_the_batch_wait_for_a_place() -> None:
    run = Run(replace(ROOMY, max_num_seqs=2))
    for number in range(3):
        run.submit(call(first=1000 * number))
    run.clock.run(until=0.05)
    assert (len(run.engine.scheduler.running), run.engine.scheduler.waiting) == (2, 1)
    run.clock.run()
    assert run.tokens[2][0] > min(run.tokens[0][-1], run.tokens[1][-1])


def test_a_lower_priority_number_overtakes_those_that_wait() -> None:
    run = Run(replace(ROOMY, max_num_seqs=1))
    run.submit(call(first=0))
    late = [run.submit(call(first=1000), at=0.01), run.submit(call(first=2000, priority=-1), at=0.02)]
    run.clock.run()
    assert [sequence.number for sequence in run.finished] == [0, late[1].number, late[0].number]


def test_a_follow_up_finds_prompt_and_answer_in_the_cache() -> None:
    run = Run()
    run.submit(call(prompt=160, output=33))  # 12 full blocks, of which the answer's last token is never computed
    follow_up = Sequence(list(range(20)), 330, 1)
    run.submit(follow_up, at=5.0)
    run.clock.run()
    tally = run.engine.scheduler.tally
    assert follow_up.cached_tokens == 192
    assert (tally.prefix_queries_tokens, tally.prefix_hits_tokens, tally.prompt_tokens) == (490, 192, 490)
    assert run.tokens[1][0] - 5.0 == pytest.approx(H100.step_seconds(0, 330 - 192))


def test_a_prompt_known_in_full_still_computes_its_last_token() -> None:
    run = Run()
    run.submit(call(prompt=160))
    again = call(prompt=160)
    run.submit(again, at=5.0)
    run.clock.run()
    assert again.cached_tokens == 144


def test_a_long_prompt_is_prefilled_in_pieces() -> None:
    run = Run(replace(ROOMY, max_num_batched_tokens=128))
    run.submit(call(prompt=300, output=1))
    run.clock.run()
    steps = H100.step_seconds(0, 128) * 2 + H100.step_seconds(0, 44)
    assert run.tokens[0] == [pytest.approx(steps)]


def test_a_full_cache_puts_the_latest_back_and_it_still_ends() -> None:
    run = Run(replace(ROOMY, kv_blocks=24))
    for number in range(2):
        run.submit(call(first=1000 * number, prompt=160, output=120))
    run.clock.run()
    tally, blocks = run.engine.scheduler.tally, run.engine.scheduler.blocks
    assert (tally.preemptions, tally.finished, tally.generation_tokens) == (1, 2, 240)
    assert [len(tokens) for tokens in run.tokens.values()] == [120, 120]
    assert (blocks.used, blocks.private) == (0, 0)
    assert run.finished[0].number == 0


def test_a_caller_that_leaves_frees_its_place_at_once() -> None:
    run = Run(replace(ROOMY, max_num_seqs=1))
    first = run.submit(call(first=0, output=1000))
    run.submit(call(first=1000, output=1), at=0.01)
    run.clock.call_at(0.5, run.engine.abort, first)
    run.clock.run()
    assert [sequence.number for sequence in run.finished] == [1]
    assert run.tokens[1][0] < 0.6
    assert (run.engine.scheduler.tally.aborted, run.engine.scheduler.blocks.used) == (1, 0)


def test_what_could_never_fit_is_refused() -> None:
    scheduler = Scheduler(H100, replace(ROOMY, kv_blocks=4))
    with pytest.raises(ValueError, match="whole KV cache"):
        scheduler.add(call(prompt=60, output=10))


CALLS = st.tuples(
    st.integers(0, 5), st.integers(1, 200), st.integers(1, 60), st.integers(-1, 1), st.floats(0, 2), st.booleans()
)


@given(st.lists(CALLS, min_size=1, max_size=25))
def test_every_call_ends_or_has_left_and_no_block_is_lost(calls: list[tuple[int, int, int, int, float, bool]]) -> None:
    run = Run(Limits(max_num_seqs=4, max_num_batched_tokens=96, kv_blocks=24))
    for family, prompt, output, priority, at, leaves in calls:
        sequence = run.submit(call(first=1000 * family, prompt=prompt, output=output, priority=priority), at=at)
        if leaves:
            run.clock.call_at(at + 0.3, run.engine.abort, sequence)
    run.clock.run()
    scheduler = run.engine.scheduler
    assert scheduler.tally.finished + scheduler.tally.aborted == len(calls)
    assert (scheduler.running, scheduler.waiting, scheduler.blocks.used) == ([], 0, 0)
    assert all(len(run.tokens[sequence.number]) == sequence.output_tokens for sequence in run.finished)


def test_the_same_calls_give_the_same_times() -> None:
    def times() -> dict[int, list[float]]:
        run = Run(Limits(max_num_seqs=8, max_num_batched_tokens=512, kv_blocks=64))
        for number in range(30):
            run.submit(call(first=1000 * (number % 7), output=5 + number), at=number * 0.05)
        run.clock.run()
        return run.tokens

    assert times() == times()


def test_metrics_are_vllms_by_name_and_say_that_it_is_a_stand_in() -> None:
    run = Run()
    run.submit(call())
    run.clock.run()
    text = metrics_text(run.engine.scheduler, run.engine.histograms, "m", 0.0)
    assert 'loadtest_standin_info{speed="qwen3-30b-a3b-h100"} 1' in text
    assert 'vllm:generation_tokens_total{engine="0",model_name="m"} 10' in text
    assert 'vllm:num_requests_running{engine="0",model_name="m"} 0' in text
    assert 'vllm:request_success_total{finished_reason="stop",engine="0",model_name="m"} 1' in text
    assert 'vllm:time_to_first_token_seconds_bucket{le="+Inf",engine="0",model_name="m"} 1' in text


@pytest.mark.parametrize(("batch", "published_per_second"), [(8, 611), (16, 902), (32, 1394), (64, 2164)])
def test_a_full_batch_gives_the_published_tokens_a_second(batch: int, published_per_second: float) -> None:
    run = Run(replace(ROOMY, max_num_seqs=batch))
    for number in range(batch * 3):
        run.submit(call(first=1000 * number, prompt=200, output=800 + 29 * (number % 9)))
    run.clock.run(until=20.0)
    generated = run.engine.scheduler.tally.generation_tokens
    assert generated / 20.0 == pytest.approx(published_per_second, rel=0.06)
