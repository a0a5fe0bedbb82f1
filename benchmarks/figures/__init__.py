"""The parts of `benchmarks/quality.py`: each compares films with the lake and returns figures."""
