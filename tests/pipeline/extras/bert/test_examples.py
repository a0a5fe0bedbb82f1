"""Examples as people's tables have them."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.extras.bert import Example, read_examples
from schemas.errors import ConfigurationError


def test_labels_of_csv_are_what_is_written_there(tmp_path: Path) -> None:
    path = tmp_path / "examples.csv"
    path.write_text("text,label\n7,01\n8.0,NA\nNULL,true\n")
    assert read_examples(path) == [Example("7", "01"), Example("8.0", "NA"), Example("NULL", "true")]


def test_texts_of_csv_may_have_several_lines(tmp_path: Path) -> None:
    path = tmp_path / "examples.csv"
    path.write_text("text,label\n" + '"A slide,\nof two lines, with ""marks""",slide\n' * 40_000)
    assert set(read_examples(path)) == {Example('A slide,\nof two lines, with "marks"', "slide")}


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_row_without_a_label_is_named_and_no_class_of_its_own(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"examples.{ending}"
    if ending == "csv":
        path.write_text("text,label\nRain.,weather\nTax.,\n")
    elif ending == "jsonl":
        path.write_text('{"text": "Rain.", "label": "weather"}\n{"text": "Tax.", "label": null}\n')
    else:
        pq.write_table(pa.table({"text": ["Rain.", "Tax."], "label": ["weather", None]}), path)
    with pytest.raises(ConfigurationError, match="no `label` in row 2"):
        read_examples(path)
