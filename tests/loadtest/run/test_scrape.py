import pytest

from loadtest.run.scrape import Scraped

TEXT = """# TYPE preceptor_in_flight_requests gauge
preceptor_in_flight_requests 3.0
preceptor_refused_total{reason="queue"} 2.0
preceptor_refused_total{reason="wait"} 5.0
something_else 9
"""


def test_named_series_are_summed_over_their_labels() -> None:
    scraped = Scraped()
    scraped.take(TEXT, 1.0)
    scraped.take(TEXT, 2.0)
    scraped.take(TEXT.replace("requests 3.0", "requests 6.0"), 3.0)
    assert scraped.series == {
        "preceptor_in_flight_requests": [(1.0, 3.0), (2.0, 3.0), (3.0, 6.0)],
        "preceptor_refused_total": [(1.0, 7.0), (2.0, 7.0), (3.0, 7.0)],
    }
    assert not scraped.simulated
    assert scraped.figures()["preceptor_in_flight_requests"] == {
        "first": 3.0,
        "last": 6.0,
        "least": 3.0,
        "greatest": 6.0,
        "mean": 4.0,
        "slope_per_hour": pytest.approx(3 * 3600.0),
        "slope_low": None,
        "slope_high": None,
    }


def test_a_stand_in_gives_itself_away() -> None:
    scraped = Scraped()
    scraped.take('loadtest_standin_info{speed="s"} 1\n', 0.0)
    assert scraped.simulated
