"""Punctuation that joins to words, and stock phrases that Whisper hallucinates."""

# ruff: noqa: RUF001
import re

PREPENDED = "\"'“¿([{-"
"""Punctuation that belongs to the next word."""
APPENDED = "\"'.。,，!！?？:：”)]}、"
"""Punctuation that belongs to the previous word."""

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
"""What captions, and so Whisper, say where nobody speaks. People say these too, so a match only raises doubt."""
