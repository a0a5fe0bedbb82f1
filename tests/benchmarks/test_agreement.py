"""Whether two programs heard the same words: also where a text is repeated, and where one of them invents some."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.peers_loops.agreement import agreement


def output(folder: Path, **heard: str) -> Path:
    folder.mkdir(parents=True)
    tables = {
        "segments": [{"video": video, "start_s": 0.0, "text": text} for video, text in heard.items()],
        "shots": [{"video": video, "start_s": start_s} for video in heard for start_s in (0.0, 2.0)],
        "frames": [{"video": video, "time_s": 1.0} for video in heard],
    }
    for name, rows in tables.items():
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")
    return folder


def test_a_repeated_text_with_one_other_word_agrees_but_for_that_word(tmp_path: Path) -> None:
    talk = "the sea is deep and cold and most of it is dark"
    output(tmp_path / "skilled_loop", talk=" ".join([talk] * 4))
    ours = output(tmp_path / "ours", talk=" ".join([talk.replace("deep", "blue"), talk, talk, talk]))
    found = agreement(ours, tmp_path)
    assert found["words"] == pytest.approx(47 / 48, abs=1e-3)
    assert found["cuts"] == 1.0


def test_words_where_the_other_hears_none_are_counted_by_themselves(tmp_path: Path) -> None:
    output(tmp_path / "skilled_loop", talk="good morning", cartoon="4 4 4 4")
    found = agreement(output(tmp_path / "ours", talk="good morning", cartoon="", street="hello"), tmp_path)
    assert (found["words"], found["words_elsewhere"], found["skilled_words_elsewhere"]) == (1.0, 1, 4)
