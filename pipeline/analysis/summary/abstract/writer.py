"""The abstract of a video: a model writes it, and each of its sentences must rest on what was said or written."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.analysis.scenes import clean
from pipeline.analysis.summary.abstract.entailment import EntailmentModel
from pipeline.analysis.summary.abstract.generator import TextGenerator
from pipeline.analysis.summary.abstract.passages import Passage, passages, pieces, prompt
from pipeline.analysis.summary.abstract.support import Verdict, check_support, content_stems
from pipeline.analysis.summary.statements import Statement, spoken_statements, written_statements
from pipeline.analysis.text import TextEncoder
from pipeline.language import sentences, word_count
from schemas.config import SummaryConfig
from schemas.records import Keyframe, Shot, Summary, SummarySentence, Utterance

logger = logging.getLogger(__name__)

_TOKENS_A_SENTENCE = 40
_MAX_TOKENS = 512
_MAX_EVIDENCE = 4
_MAX_ROUNDS = 6
_ENTAILED = 0.5
_BULLET = re.compile(r"^(?:[-*•–]|\d{1,2}[.)])\s+")


@dataclass(frozen=True, slots=True, eq=False)
class _Claim:
    text: str
    evidence: tuple[Statement, ...]
    similarity: float
    verdict: Verdict


class AbstractWriter:
    """Writes abstracts with one loaded model. One thread at a time.

    Args:
        config: The `summary` section; `model` must be set.
        text: Finds the evidence of each sentence.
        device: `cpu` or `cuda`.
        threads: Threads of PyTorch in this process.

    Raises:
        ModelError: A model is not there or cannot be loaded.
    """

    def __init__(self, config: SummaryConfig, text: TextEncoder, *, device: str, threads: int) -> None:
        self._config, self._text = config, text
        self._generator = TextGenerator(config, device=device, threads=threads)
        self._entailment = EntailmentModel(config, device=device, threads=threads) if config.nli_model else None

    def add_abstract(
        self,
        summary: Summary,
        utterances: Sequence[Utterance],
        keyframes: Sequence[Keyframe],
        shots: Sequence[Shot],
        *,
        video_id: str,
        language: str | None,
    ) -> Summary:
        """Return the summary with an abstract; unchanged where nothing is said or written.

        Args:
            summary: The extractive one, for its chapters.
            utterances: With vectors.
            keyframes: With their text.
            shots: Tell when keyframes are shown.
            video_id: Names utterances and frames in the evidence.
            language: ISO 639-1, where it is known.
        """
        spoken = spoken_statements(utterances, keyframes, shots, video_id)
        written = written_statements(keyframes, video_id)
        encoder = self._text.for_language(language)
        pool = _comparable([*spoken, *written], encoder)
        read = passages(pool, summary.chapters)
        if not read:
            return summary
        claims = self._claims(self._write(read), pool, language, encoder)
        kept = [claim for claim in claims if claim.verdict.supported][: self._config.sentences]
        dropped = [claim for claim in claims if not claim.verdict.supported]
        for claim in dropped:
            logger.info("left out of the abstract for %s %s: %s", claim.verdict.fault, claim.verdict.about, claim.text)
        return replace(
            summary,
            abstract=tuple(_sentence(claim) for claim in kept),
            abstract_source=f"model:{self._generator.info.id}",
            abstract_dropped=len(dropped),
        )

    def _write(self, read: Sequence[Passage]) -> str:
        """Summarise pieces, then the summaries of pieces, until one is left (map and reduce)."""
        generator, count = self._generator, self._config.sentences
        new_tokens = min(_MAX_TOKENS, _TOKENS_A_SENTENCE * count)
        frame = generator.count(prompt("", count=count, partial=True, instructed=generator.instructed))
        room = max(generator.room(new_tokens) - frame - 8, 16)
        texts, partial = pieces(read, generator.count, room), False
        for _ in range(_MAX_ROUNDS):
            asked = [prompt(text, count=count, partial=partial, instructed=generator.instructed) for text in texts]
            written = [text for text in generator.write(asked, new_tokens) if text]
            if len(written) <= 1:
                return written[0] if written else ""
            texts = pieces([Passage("", (text,)) for text in written], generator.count, room)
            partial = True
            if len(texts) >= len(written):
                # The model does not make texts shorter: what it wrote of the parts has to do.
                break
        return "\n".join(written)

    def _claims(self, text: str, pool: Sequence[Statement], language: str | None, encoder: TextEncoder) -> list[_Claim]:
        lines = (_BULLET.sub("", line.strip()) for line in text.splitlines())
        split = (clean(sentence) for line in lines if line for sentence in sentences(line, language))
        claims = list(dict.fromkeys(sentence for sentence in split if word_count(sentence, language) >= 3))
        vectors = encoder.encode(claims)
        found = [_checked(claim, vector, pool, language) for claim, vector in zip(claims, vectors, strict=True)]
        return self._entailed(found)

    def _entailed(self, claims: list[_Claim]) -> list[_Claim]:
        if self._entailment is None:
            return claims
        asked = [claim for claim in claims if claim.verdict.supported]
        pairs = [(" ".join(each.text for each in claim.evidence), claim.text) for claim in asked]
        scores = dict(zip(map(id, asked), self._entailment.entailment(pairs), strict=True))
        return [
            replace(claim, verdict=Verdict(False, "entailment", f"{scores[id(claim)]:.2f}"))
            if scores.get(id(claim), 1.0) < _ENTAILED
            else claim
            for claim in claims
        ]


def _comparable(statements: Sequence[Statement], encoder: TextEncoder) -> list[Statement]:
    """Return statements with vectors of their text; those of what is written were vectors of pictures."""
    foreign = [each for each in statements if each.kind != "speech"]
    vectors = encoder.encode([each.text for each in foreign])
    texts = dict(zip(map(id, foreign), vectors, strict=True))
    return [replace(each, vector=texts.get(id(each), each.vector)) for each in statements]


def _checked(claim: str, vector: np.ndarray, pool: Sequence[Statement], language: str | None) -> _Claim:
    evidence, similarity = find_evidence(claim, vector, pool, language)
    verdict = check_support(claim, [each.text for each in evidence], similarity=similarity, language=language)
    return _Claim(claim, tuple(evidence), similarity, verdict)


def find_evidence(
    claim: str, vector: np.ndarray, pool: Sequence[Statement], language: str | None = None
) -> tuple[list[Statement], float]:
    """Find what a sentence rests on: what is nearest in meaning and words, then what has words that are still missing.

    Args:
        claim: The sentence.
        vector: Of the sentence, (d,) unit length.
        pool: What was said and written, with vectors of the same space.
        language: ISO 639-1, where it is known.

    Returns:
        At most four statements, in order of time; and the cosine of the nearest.
    """
    if not pool:
        return [], 0.0
    cosines = np.array([float(vector @ each.vector) for each in pool])
    content = content_stems(claim, language)
    words = [content & content_stems(each.text, language) for each in pool]
    chosen: list[int] = []
    missing = set(content)
    while len(chosen) < _MAX_EVIDENCE:
        gains = np.array([len(shared & missing) for shared in words]) / max(len(content), 1)
        gains = np.where(gains > 0, gains + cosines, -1.0) if chosen else gains + cosines
        gains[chosen] = -1.0
        best = int(np.argmax(gains))
        if gains[best] <= 0 and chosen:
            break
        chosen.append(best)
        missing -= words[best]
        if not missing:
            break
    return [pool[place] for place in sorted(chosen)], float(cosines.max())


def _sentence(claim: _Claim) -> SummarySentence:
    evidence = dict.fromkeys(each for statement in claim.evidence for each in statement.evidence)
    return SummarySentence(claim.text, round(float(np.clip(claim.similarity, 0.0, 1.0)), 4), tuple(evidence))
