"""The parts of `benchmarks/quality.py`: each turns films and what a lake says of them into figures."""
