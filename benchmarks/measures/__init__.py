"""Measures that compare the results of a lake with known content."""
