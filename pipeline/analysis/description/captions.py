"""Captions composed from what is seen, written and said, used when no captioning model runs."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from pipeline.analysis.description.evidence import Confirmed, Sight, best_guess, find_sights, sights_of
from pipeline.analysis.description.look import look_of
from pipeline.analysis.description.screen_titles import (
    is_caption,
    is_legible,
    legible_line,
    screen_title,
    title_block,
    without_running_lines,
)
from pipeline.analysis.description.sights import describe_test_pattern, how_it_looks, what_is_shown
from pipeline.language import shortened
from schemas.config import COMPOSED
from schemas.records import Embedding, Keyframe, Utterance

_TITLE_LENGTH, _QUOTE_LENGTH = 110, 80
_MIN_GUESS = 0.6
"""Minimum score of labels that nothing confirms; they are called possible."""
NOTHING = "Nothing was recognised"


def compose_caption(frames: Sequence[Keyframe], sights: Sequence[Sight], speech: str = "") -> str:
    """Describe frames that show the same: what is seen for certain, what is written, and what is said.

    Args:
        frames: A frame, or the frames of a scene. Their lines of text are without headers and logos.
        sights: What they show for certain, the most prominent first.
        speech: Quoted in the caption, but not in that of a slide.

    Returns:
        `Slide:` and its title, or one to three short sentences; never empty.
    """
    slides = [frame for frame in frames if is_slide(frame)]
    if slides and 2 * len(slides) >= len(frames):
        return f"Slide: {shortened(_written(slides[0]), _TITLE_LENGTH)}"
    written = max((_written(frame) for frame in frames), key=len, default="")
    seen = describe_test_pattern(frames) or what_is_shown(sights, frames)
    seen = f"{seen}{how_it_looks(frames)}" if seen else _guessed(frames)
    parts = [
        seen,
        f"On screen: “{shortened(written, _TITLE_LENGTH)}”" if written else "",
        f"Heard: {_quoted(speech)}" if speech.strip() else "",
    ]
    return ". ".join(part for part in parts if part) + "." if any(parts) else f"{NOTHING}."


def caption_keyframes(keyframes: Sequence[Keyframe], utterances: Sequence[Utterance]) -> tuple[Keyframe, ...]:
    """Compose the captions of frames, with the speech at their times; captions by a model stay unchanged.

    A frame says what the evidence of its shot, or of the whole video, confirms.

    Args:
        keyframes: Of a whole video, in order of time.
        utterances: In order of time; doubtful ones are not quoted.
    """
    quotable = [utterance for utterance in utterances if not utterance.flags]
    starts = [utterance.start_s for utterance in quotable]
    cleaned = without_running_lines(keyframes)
    of_video = Confirmed.of(find_sights(cleaned))
    captioned = []
    for frame, clean_frame in zip(keyframes, cleaned, strict=True):
        if frame.caption_source != COMPOSED:
            captioned.append(frame)
            continue
        index = bisect_right(starts, frame.time_s) - 1
        speech = quotable[index].text if index >= 0 and frame.time_s < quotable[index].end_s else ""
        caption = compose_caption([clean_frame], sights_of([clean_frame], of_video), speech)
        captioned.append(replace(frame, caption=caption))
    return tuple(captioned)


def caption_scene(
    frames: Sequence[Keyframe], of_video: Confirmed, vision: Embedding, speech: str, *, has_images: bool
) -> str:
    """Describe a scene: the model's caption of its most typical frame, or a composed caption.

    Args:
        frames: Keyframes of the scene, without headers and logos in their text.
        of_video: What the video shows for certain.
        vision: (d,) unit vector of the scene's frames; the most typical frame is nearest to it.
        speech: The scene's most typical speech; quoted in a composed caption.
        has_images: False for audio alone. A scene with images may still have no keyframe.
    """
    by_model = [frame for frame in frames if frame.caption_source != COMPOSED and frame.caption]
    if by_model:
        return max(by_model, key=lambda frame: float(frame.embedding @ vision)).caption
    if frames or has_images:
        return compose_caption(frames, sights_of(frames, of_video), speech)
    return f"Audio only. Heard: {_quoted(speech)}." if speech.strip() else "Audio only."


def is_slide(frame: Keyframe) -> bool:
    """Tell whether a frame is a slide or a title card: large text on even areas of few colours."""
    look = look_of(frame)
    drawn = look is not None and look.drawn and not frame.objects
    return drawn and bool(screen_title(frame)) and not is_caption(frame)


def _written(frame: Keyframe) -> str:
    """Return the title on a frame, or its most prominent line that is words."""
    block = title_block(frame.text_lines)
    if block is None or is_legible(block.text):
        return screen_title(frame) or (block.text if block is not None else "")
    return legible_line(frame.text_lines)


def _guessed(frames: Sequence[Keyframe]) -> str:
    """Return what a single frame may show, called possible; empty if it is too doubtful."""
    guess = best_guess(frames[0], _MIN_GUESS) if len(frames) == 1 else None
    return f"Possibly {guess.one}" if guess is not None else ""


def _quoted(speech: str) -> str:
    return f"“{shortened(speech, _QUOTE_LENGTH).rstrip('.。')}”"
