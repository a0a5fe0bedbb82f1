from hypothesis import given
from hypothesis import strategies as st

from pipeline.analysis.vision.reading_order import reading_order
from schemas.records import TextLine

fraction = st.floats(0, 1, allow_nan=False)
lines = st.lists(st.builds(TextLine, text=st.text(max_size=3), box=st.tuples(*[fraction] * 4), score=fraction))


def line(text: str, x0: float, y0: float, x1: float, y1: float) -> TextLine:
    return TextLine(text=text, box=(x0, y0, x1, y1), score=1.0)


def test_rows_go_down_and_words_of_a_row_go_right_though_they_are_not_quite_level():
    page = [
        line("below", 0.1, 0.20, 0.3, 0.25),
        line("right", 0.6, 0.10, 0.8, 0.15),
        line("left", 0.1, 0.11, 0.3, 0.16),
        line("middle", 0.4, 0.095, 0.5, 0.145),
    ]
    assert [found.text for found in reading_order(page)] == ["left", "middle", "right", "below"]


@given(lines)
def test_every_line_is_kept_once(page: list[TextLine]):
    assert sorted(reading_order(page), key=repr) == sorted(page, key=repr)
