"""How pages write languages, errors and matched words."""

import math
import re
from dataclasses import dataclass

from markupsafe import Markup, escape

from pipeline.search import parse_query, terms_of

_LANGUAGE = re.compile(r"[a-z]{2,3}")
_LANGUAGES = {
    "ar": "Arabic", "bg": "Bulgarian", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian", "fi": "Finnish", "fr": "French",
    "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "ms": "Malay", "nl": "Dutch",
    "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak",
    "sl": "Slovenian", "sr": "Serbian", "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "th": "Thai",
    "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip

_WHAT_TO_DO = {
    "empty_file": "The file has no bytes. Copy it again from where it came.",
    "not_media": "Look what the file is, or take it out of the archive.",
    "no_streams": "There is neither picture nor sound in it. Export it again.",
    "corrupt": "It is damaged or cut off. Copy it again, or try to repair it with ffmpeg.",
    "unsupported": "Its format is not known here. Convert it, for example to MP4 with H.264 and AAC.",
    "refused": "It only names other files. Put those files in the archive themselves.",
    "too_large": "It is over a limit. Raise the limit in the section `limits` of the configuration, and run again.",
    "vanished": "It was gone when it was to be read. Run again to see what the archive holds now.",
    "unreadable": "It could not be read. Check permissions, disk and network, then run again.",
    "timeout": "It took too long. Raise `limits.timeout_s`, or run it with fewer workers at once.",
    "crashed": "It made its worker crash. Run again; if it happens again, please report the file's format.",
    "out_of_memory": "There was too little memory. Run again with fewer workers.",
    "internal": "This is a fault in Videolake. The traceback says where.",
}


def language_name(code: str | None) -> str:
    """Return a language's English name; the code itself if it is a rarer one."""
    return _LANGUAGES.get(code or "", code or "")


def lang(code: str | None) -> Markup:
    """Return the attribute that says in which language an element is; nothing where that is not known."""
    return Markup(' lang="{}"').format(code) if code and _LANGUAGE.fullmatch(code) else Markup("")


def alike(video_id: str, time_s: float) -> dict[str, str]:
    """Return the parameters of an address that shows moments like one."""
    # Never before the moment that it means: what is shown there may be another picture.
    seconds = f"{math.ceil(round(time_s * 100, 6)) / 100:.2f}"
    return {"like": f"{video_id}@{seconds.rstrip('0').rstrip('.')}"}


def what_to_do(kind: str) -> str:
    """Say what helps against an error of this kind."""
    return _WHAT_TO_DO.get(kind, "Run again; the message says what happened.")


@dataclass(frozen=True, slots=True)
class Words:
    """What of a query is marked where it is found."""

    whole: frozenset[str] = frozenset()
    """Words as `pipeline.search.terms` compares them."""
    beginnings: tuple[str, ...] = ()

    def match(self, term: str) -> bool:
        """Tell whether a word is among them."""
        return term in self.whole or bool(self.beginnings and term.startswith(self.beginnings))


def words_of(query: str, *, prefix: bool = False) -> Words:
    """Return the words of a query, to be marked where they are found.

    Args:
        query: What was searched for.
        prefix: Take the last word for the beginning of one that is being typed.
    """
    asked = parse_query(query, prefix=prefix)
    return Words(frozenset([*asked.terms, *(word for phrase in asked.phrases for word in phrase)]), asked.prefixes)


def marked(text: str, words: Words) -> Markup:
    """Escape a text and put `<mark>` around the words that match."""
    pieces: list[Markup] = []
    at = 0
    for term in terms_of(text) if words.whole or words.beginnings else ():
        if words.match(term.text) and term.end > at:
            start = max(at, term.start)
            pieces += [escape(text[at:start]), Markup("<mark>{}</mark>").format(text[start : term.end])]
            at = term.end
    return Markup("").join([*pieces, escape(text[at:])])
