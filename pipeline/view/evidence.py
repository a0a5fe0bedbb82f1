"""When a sentence of a summary is said or shown."""

from schemas.records import SummarySentence


def evidence_start_s(sentence: SummarySentence) -> float:
    """Return when the first utterance behind a sentence starts, or else its first keyframe."""
    spoken = [evidence.start_s for evidence in sentence.evidence if evidence.kind == "utterance"]
    return min(spoken or [evidence.start_s for evidence in sentence.evidence], default=0.0)


def evidence_utterance(sentence: SummarySentence) -> int | None:
    """Return the index of the first utterance behind a sentence; None if only keyframes support it."""
    spoken = (evidence for evidence in sentence.evidence if evidence.kind == "utterance")
    first = min(spoken, key=lambda evidence: evidence.start_s, default=None)
    number = first.id.rpartition("-u")[2] if first else ""
    return int(number) if number.isdecimal() else None
