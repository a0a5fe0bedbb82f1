"""The figures of `benchmarks/quality.py`: each function compares what a lake says with what is known."""
