"""Scripts and marks: which languages write no spaces, what ends a sentence or a clause, and what only looks like it."""

# ruff: noqa: RUF001
import re

UNSPACED_LANGUAGES = frozenset({"zh", "yue", "ja", "th", "lo", "my", "km"})
"""Languages written without spaces between words, as Whisper names them."""
DENSE_SCRIPT = re.compile(r"[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
"""Chinese characters, kana and Hangul: about a syllable each."""
KANA = re.compile(r"[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
CJK_RUN = (
    r"[\u3005\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    r"\U00020000-\U0003ffff]+"
)
THAI_RUN = r"[\u0e00-\u0e7f]+"
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\uffef]")
"""A character beside which nobody writes a space: of a script without them, or a full-width mark."""

_CLOSING = r"[\"'”’»）)\]」』]*"
SENTENCE_END = re.compile(r"[.!?。！？…।؟۔։።။]+" + _CLOSING + "$")
CLAUSE_END = re.compile(r"[,;:，、；：،–—]+" + _CLOSING + "$")
ABBREVIATION = re.compile(
    r"^[\"'“‘(]*(?:[a-z]|mr|mrs|ms|dr|prof|st|sr|jr|vs|no|e\.g|i\.e|mme|mlle|gen|col|capt|lt|sgt|rev|hon|gov|sen|rep)\.$",
    re.IGNORECASE,
)
"""A word whose full stop ends no sentence; single letters are initials."""
TITLE = re.compile(r"\b(?:Mr|Mrs|Ms|Mme|Dr|Prof|St|Sr|Sra|Hr|Fr|Capt|Col|Gen|Lt|Sgt|Rev|Gov|Sen|vs|Fig)\.$")
"""What a name or a number always follows."""
