"""Scripts and languages that are written without spaces between words."""

import re

READ_AS = {"yue": "zh"}
"""Languages that follow the rules of another language."""
UNSPACED_LANGUAGES = frozenset({"zh", "yue", "ja", "th", "lo", "my", "km"})
"""Languages written without spaces between words, as Whisper names them."""
WIDE_LANGUAGES = frozenset({"zh", "yue", "ja", "ko"})
"""Languages whose characters are two columns wide."""

_HAN = r"\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KANA = r"\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_HANGUL = r"\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"
_THAI = r"\u0e00-\u0e7f"
_LAO_BURMESE_KHMER = r"\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff"
_FULL_WIDTH_MARKS = r"\u3000-\u303f\uff00-\uffef"

UNSPACED_LETTERS = _HAN + _KANA + _THAI + _LAO_BURMESE_KHMER
"""Scripts without spaces between words, as ranges of a regular expression."""
UNSEPARATED_LETTERS = UNSPACED_LETTERS + _HANGUL
"""The same plus Hangul: Korean writes spaces, but attaches endings to words."""
UNSPACED = re.compile(f"[{UNSPACED_LETTERS}{_FULL_WIDTH_MARKS}]")
"""A character next to which no space is written: a letter of such a script, or a full-width mark."""
DENSE_SCRIPT = re.compile(f"[{_HAN}{_KANA}{_HANGUL}]")
"""Chinese characters, kana and Hangul, each about one syllable."""
KANA = re.compile(f"[{_KANA}]")
CJK_RUN = f"[{_HAN}{_KANA}]+"
THAI_RUN = f"[{_THAI}]+"
