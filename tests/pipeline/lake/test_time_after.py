"""Rows that replace others are newer, whatever the clocks of two machines say."""

from datetime import UTC, datetime, timedelta

from pipeline.lake import time_after


def test_rows_are_newer_than_those_they_replace_even_if_another_clock_was_ahead() -> None:
    ahead = datetime.now(UTC) + timedelta(hours=1)
    assert time_after(ahead) > ahead
    assert datetime.now(UTC) - timedelta(minutes=1) < time_after(None) <= datetime.now(UTC)
    assert time_after(datetime.now(UTC) - timedelta(hours=1)) > datetime.now(UTC) - timedelta(minutes=1)
