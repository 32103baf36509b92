from time import process_time

from loadtest.pace import pace_ms


def test_the_pace_is_the_cpu_time_of_the_work() -> None:
    started = process_time()
    pace = pace_ms()
    assert 0 < pace <= (process_time() - started) * 1000
