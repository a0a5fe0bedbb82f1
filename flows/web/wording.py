"""How pages write languages, errors and matched words."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from pipeline.search import parse_query, terms_of
from schemas.entities import ENTITY_KINDS, EntityKind
from schemas.records import Entity

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
    "empty_file": "The file is empty. Copy it again from its source.",
    "not_media": "Check what the file is, or remove it from the archive.",
    "no_streams": "The file has neither video nor audio. Export it again.",
    "corrupt": "The file is damaged or incomplete. Copy it again, or try to repair it with ffmpeg.",
    "encrypted": "The file is encrypted. Add a copy without copy protection.",
    "unsupported": "The format is not supported. Convert the file, for example to MP4 with H.264 and AAC.",
    "refused": "The file only refers to other files. Put those files in the archive instead.",
    "too_large": "The file exceeds a limit. Raise it in the section `limits` of the configuration, and run again.",
    "vanished": "The file disappeared before it could be read. Run again to rescan the archive.",
    "unreadable": "The file could not be read. Check permissions, disk and network, then run again.",
    "timeout": "The analysis took too long. Raise `limits.timeout_factor`, or run with fewer workers.",
    "crashed": "A worker crashed on this file. Run again; if it crashes again, please report the file's format.",
    "out_of_memory": "A worker ran out of memory. Run again with fewer workers.",
    "model": "A model returned something invalid; the message says what. Repair it or choose another, then run again.",
    "internal": "This is a bug in Videolake. The traceback shows where.",
}


def language_name(code: str | None) -> str:
    """Return the English name of a language, or its code if the name is not listed here."""
    return _LANGUAGES.get(code or "", code or "")


def lang(code: str | None) -> Markup:
    """Return the `lang` attribute of an element; empty if the language is unknown."""
    return Markup(' lang="{}"').format(code) if code and _LANGUAGE.fullmatch(code) else Markup("")


def similar_params(video_id: str, time_s: float) -> dict[str, str]:
    """Return the URL parameters that find moments similar to one."""
    # Rounded up: just before the moment there may be another frame.
    seconds = f"{math.ceil(round(time_s * 100, 6)) / 100:.2f}"
    return {"like": f"{video_id}@{seconds.rstrip('0').rstrip('.')}"}


def what_to_do(kind: str) -> str:
    """Return advice for an error of this kind."""
    return _WHAT_TO_DO.get(kind, "Run again. The message says what happened.")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a query that are marked in texts."""

    whole: frozenset[str] = frozenset()
    """Words, folded by `pipeline.search.terms`."""
    prefixes: tuple[str, ...] = ()

    def match(self, term: str) -> bool:
        """Return whether a folded word matches."""
        return term in self.whole or bool(self.prefixes and term.startswith(self.prefixes))


def words_of(query: str, *, prefix: bool = False) -> Words:
    """Return the words of a query, to mark them in texts.

    Args:
        query: The text of the query.
        prefix: Treat the last word as a prefix.
    """
    parsed = parse_query(query, prefix=prefix)
    return Words(frozenset([*parsed.terms, *(word for phrase in parsed.phrases for word in phrase)]), parsed.prefixes)


def marked(text: str, words: Words) -> Markup:
    """Escape a text and put `<mark>` around the words that match."""
    pieces: list[Markup] = []
    at = 0
    for term in terms_of(text) if words.whole or words.prefixes else ():
        if words.match(term.text) and term.end > at:
            start = max(at, term.start)
            pieces += [escape(text[at:start]), Markup("<mark>{}</mark>").format(text[start : term.end])]
            at = term.end
    return Markup("").join([*pieces, escape(text[at:])])


_ENTITY_KINDS: dict[EntityKind, str] = {
    "person": "People",
    "place": "Places",
    "organisation": "Organisations",
    "date": "Dates",
    "work": "Works",
}


def by_kind(entities: Sequence[Entity]) -> list[tuple[str, list[Entity]]]:
    """Return the names of a video by kind, with its heading, the most frequent names first."""
    groups = [(_ENTITY_KINDS[kind], [each for each in entities if each.kind == kind]) for kind in ENTITY_KINDS]
    return [(title, sorted(group, key=lambda each: -len(mention_times(each)))) for title, group in groups if group]


def mention_times(entity: Entity) -> list[float]:
    """Return the times at which a name is mentioned, in order; several within one second are one."""
    times: dict[int, float] = {}
    for each in entity.occurrences:
        times.setdefault(int(each.start_s), each.start_s)
    return [times[second] for second in sorted(times)]
