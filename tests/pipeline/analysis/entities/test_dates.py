"""Dates that are written out, and their form in ISO 8601."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.entities.dates import explicit_dates, is_calendar_date, iso_date


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("3 March 2020", "2020-03-03"),
        ("March 3rd, 2020", "2020-03-03"),
        ("the 7th of November 1867", "1867-11-07"),
        ("Nov. 7, 1867", "1867-11-07"),
        ("29.05.2024", "2024-05-29"),
        ("2024-05-29", "2024-05-29"),
        ("January 2021", "2021-01"),
        ("in March 2021", "2021-03"),
        ("2009", "2009"),
        ("the 29th of May", "--05-29"),
        ("October", "--10"),
        ("the 1860s", "186X"),
        ("19th century", "18XX"),
        ("1914-1918", "1914/1918"),
        ("from 1914 to 1918", "1914/1918"),
        ("29 February 2020", "2020-02-29"),
    ],
)
def test_a_date_is_written_as_in_iso_8601(text: str, iso: str) -> None:
    assert iso_date(text) == iso


@pytest.mark.parametrize(
    "text",
    ["", "30 February 2020", "29 February 2021", "45.13.2020", "last Tuesday", "summer of 2015", "1918-1914", "12"],
)
def test_what_has_no_such_form_is_left_as_it_is(text: str) -> None:
    assert iso_date(text) is None


@given(
    st.dates(date(1000, 1, 1), date(2099, 12, 31)), st.sampled_from(["%d %B %Y", "%B %d, %Y", "%b %d %Y", "%Y-%m-%d"])
)
def test_every_day_is_read_back(day: date, form: str) -> None:
    text = day.strftime(form)
    assert iso_date(text) == day.isoformat()
    assert [f"on {text}."[start:end] for start, end in explicit_dates(f"on {text}.")] in ([text], [])


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("On the 7th of November 1867, and in May 1952", ["the 7th of November 1867", "May 1952"]),
        ("It may 12 times", []),
        ("They march 20 miles", []),
        ("version 2.3.2020.1", []),
        ("We sold 2009 cars", []),
    ],
)
def test_only_what_can_be_nothing_else_is_found_without_a_model(text: str, dates: list[str]) -> None:
    assert [text[start:end] for start, end in explicit_dates(text)] == dates


@pytest.mark.parametrize(
    "text", ["three years", "last week", "Thursday", "tonight", "the same months of last year", "fall"]
)
def test_a_time_without_a_place_in_the_calendar_is_no_date(text: str) -> None:
    assert not is_calendar_date(text)


@pytest.mark.parametrize(
    "text", ["2019", "May", "summer of 2015", "the 1960s", "the 19th century", "early June", "the year 1905"]
)
def test_a_time_with_a_place_in_the_calendar_is_a_date(text: str) -> None:
    assert is_calendar_date(text)
