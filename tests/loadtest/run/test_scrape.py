import pytest

from loadtest.run.scrape import Scraped, slope_per_hour

TEXT = """# TYPE preceptor_in_flight_requests gauge
preceptor_in_flight_requests 3.0
preceptor_refused_total{reason="queue"} 2.0
preceptor_refused_total{reason="wait"} 5.0
something_else 9
"""


def test_named_series_are_summed_over_their_labels() -> None:
    scraped = Scraped()
    scraped.take(TEXT, 1.0)
    scraped.take(TEXT.replace("requests 3.0", "requests 5.0"), 3.0)
    assert scraped.series == {
        "preceptor_in_flight_requests": [(1.0, 3.0), (3.0, 5.0)],
        "preceptor_refused_total": [(1.0, 7.0), (3.0, 7.0)],
    }
    assert not scraped.simulated
    assert scraped.figures()["preceptor_in_flight_requests"] == {
        "first": 3.0,
        "last": 5.0,
        "least": 3.0,
        "greatest": 5.0,
        "mean": 4.0,
        "slope_per_hour": pytest.approx(3600.0),
    }


def test_a_stand_in_gives_itself_away() -> None:
    scraped = Scraped()
    scraped.take('loadtest_standin_info{speed="s"} 1\n', 0.0)
    assert scraped.simulated


def test_the_slope_is_that_of_the_line_through_all_points() -> None:
    assert slope_per_hour([(0.0, 100.0), (1800.0, 103.0), (3600.0, 104.0)]) == pytest.approx(4.0)
    assert slope_per_hour([(5.0, 1.0)]) is None
