import pytest

from pipeline.language import language_code


@pytest.mark.parametrize(
    ("stated", "code"),
    [
        ("eng", "en"), ("ger", "de"), ("deu", "de"), ("de", "de"), ("pt-BR", "pt"), ("zh_Hant", "zh"), ("FRE", "fr"),
        ("nob", "no"), ("jav", "jw"), ("yue", "yue"), ("und", None), ("", None), (None, None),
        ("forced", None), ("2", None),
    ],
)  # fmt: skip
def test_languages_get_the_codes_of_the_lake(stated: str | None, code: str | None) -> None:
    assert language_code(stated) == code
