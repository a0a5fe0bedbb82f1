"""Marks and phrases by which text is joined, split and doubted, for the scripts that Whisper writes."""

# ruff: noqa: RUF001
import re

PREPENDED = "\"'“¿([{-"
"""Marks that belong to the word after them."""
APPENDED = "\"'.。,，!！?？:：”)]}、"
"""Marks that belong to the word before them."""

SENTENCE_END = re.compile(r"[.!?。！？…।؟۔։።]+[\"'”’»）)\]」』]*$")
CLAUSE_END = re.compile(r"[,;:，、；：،–—]+[\"'”’»）)\]」』]*$")
ABBREVIATION = re.compile(
    r"^[\"'“‘(]*(?:[a-z]|mr|mrs|ms|dr|prof|st|sr|jr|vs|no|e\.g|i\.e|mme|mlle|gen|col|capt|lt|sgt|rev|hon|gov|sen|rep)\.$",
    re.IGNORECASE,
)
"""A word whose full stop ends no sentence; single letters are initials."""

UNSPACED_LANGUAGES = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Languages written without spaces; their words are whatever tokens make up whole characters."""
DENSE_SCRIPT = re.compile(r"[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
"""Chinese characters, kana and Hangul: about a syllable each."""

EDGE_MARKS = " .!?。！？♪"
STOCK_PHRASE = re.compile(
    r"^(?:"
    r"thank(?:s| you)(?: (?:so|very) much)?(?: for (?:watching|listening|viewing))?|"
    r"(?:please )?(?:like and )?subscribe\b.*|"
    r"you|bye(?:[ -]bye)*|music(?: playing)?|see you (?:next time|in the next video)|.*\bamara\.org\b.*|"
    r"sous-titr\w+ .*|untertitel\w* .*|subtitles? by .*|subtítulos .*|sottotitoli .*|legendas .*|napisy .*|"
    r"редактор субтитров.*|субтитры .*|продолжение следует|ご視聴ありがとうございました|字幕.*|請不吝點[讚贊].*|"
    r"请不吝点赞.*|시청해 ?주셔서 감사합니다"
    r")$",
    re.IGNORECASE,
)
"""What captions say where nobody speaks, and so Whisper too; people say it as well: a reason to doubt, no more."""
