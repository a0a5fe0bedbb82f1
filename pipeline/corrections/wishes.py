"""What people say is right, by time and name, as edits."""

from collections.abc import Sequence

from pipeline.corrections.edits import Edit, chapter_at, utterance_at
from pipeline.lake import VideoRecord
from pipeline.language import parse_time
from schemas.corrections import Span
from schemas.errors import ConfigurationError


def edits_of(
    video: VideoRecord,
    *,
    at: str | float | None = None,
    text: str | None = None,
    speakers: Sequence[tuple[str, str]] = (),
    spoken_by: str | None = None,
    headline: str | None = None,
    chapter_title: str | None = None,
    topics: Sequence[str] = (),
    no_topics: Sequence[str] = (),
) -> list[Edit]:
    """Return the edits that values mean.

    Args:
        video: The video with its utterances.
        at: Time of the utterance or chapter, in seconds or like `1:23`.
        text: What is said there.
        speakers: Pairs of an automatic or present name and the right one, for the whole video.
        spoken_by: Who speaks at `at`, in that utterance only.
        headline: The headline.
        chapter_title: The title of the chapter at `at`.
        topics: Topics that are missing.
        no_topics: Topics that do not apply.

    Raises:
        ConfigurationError: A time is missing, or nothing is there.
    """
    edits = []
    for name, value in (("text", text), ("spoken-by", spoken_by), ("chapter-title", chapter_title)):
        if value is not None and at is None:
            raise ConfigurationError(f"{name} needs the time `at`, such as 1:23.")
    if at is not None:
        time_s = parse_time(at) if isinstance(at, str) else float(at)
        if text is None and spoken_by is None and chapter_title is None:
            raise ConfigurationError("A time alone changes nothing. Give a text, a speaker or a chapter title, too.")
        if text is not None or spoken_by is not None:
            said = utterance_at(video, time_s)
            place = Span(said.start_s, said.end_s)
            edits += [Edit("text", text, place)] if text is not None else []
            edits += [Edit("speaker", spoken_by, place)] if spoken_by is not None else []
        if chapter_title is not None:
            chapter = chapter_at(video, time_s)
            edits.append(Edit("chapter_title", chapter_title, Span(chapter.start_s, chapter.end_s)))
    edits += [Edit("speaker", name, name=voice) for voice, name in speakers]
    edits += [Edit("headline", headline)] if headline is not None else []
    edits += [Edit("topics", topic) for topic in topics]
    return edits + [Edit("topics", None, name=topic) for topic in no_topics]
