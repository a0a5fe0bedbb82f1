"""The same work as Videolake's, written the way others would write it. `benchmarks/peers.py` runs and compares them.

Each module is a program: `python -m benchmarks.peers_loops.<name> ARCHIVE OUT WEIGHTS THREADS`. OUT gets three Parquet
files: `shots` (video, start_s), `frames` (video, time_s, label, text, embedding) and `segments` (video, start_s, end_s,
text, embedding). WEIGHTS is the folder that `peers.py` makes of the same weights, in the format of each library.
"""
