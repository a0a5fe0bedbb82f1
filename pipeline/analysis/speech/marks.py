"""Marks and phrases by which text is joined, split and doubted, for the scripts that Whisper writes."""

# ruff: noqa: RUF001
import re

PREPENDED = "\"'“¿([{-"
"""Marks that belong to the word after them."""
APPENDED = "\"'.。,，!！?？:：”)]}、"
"""Marks that belong to the word before them."""

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
