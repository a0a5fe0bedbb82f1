from pipeline.lake.reference import table_reference, type_name
from schemas.tables import TABLE_NAMES, WORD, table_schema


def test_every_table_and_column_is_explained() -> None:
    page = table_reference()
    for table in TABLE_NAMES:
        _, _, section = page.partition(f"\n## {table}\n")
        section = section.split("\n## ", 1)[0]
        for field in table_schema(table):
            assert f"| `{field.name}` |" in section
            assert field.metadata[b"description"].decode() in section


def test_units_and_nulls_are_documented() -> None:
    page = table_reference()
    assert "| `duration_s` | float64 | s | Duration, measured by decoding. |" in page
    assert "| `speaker` | string, null |  | The speaker; null if unknown. |" in page
    assert "| `embedding` | float32[d] |" in page


def test_every_row_of_the_page_has_four_cells() -> None:
    rows = [line for line in table_reference().splitlines() if line.startswith("| `")]
    assert {line.count(" | ") for line in rows} == {3}


def test_types_are_written_in_plain_form() -> None:
    assert type_name(WORD) == "struct<word: string, start_s: float64, end_s: float64, probability: float32>"
