"""The abstract of a video: a model writes it, and speech or on-screen text must support each of its sentences."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.analysis.scenes import VideoContent
from pipeline.analysis.summary.abstract.entailment import EntailmentModel
from pipeline.analysis.summary.abstract.generator import TextGenerator
from pipeline.analysis.summary.abstract.passages import Passage, passages, pieces, prompt
from pipeline.analysis.summary.abstract.support import Verdict, check_support, content_stems
from pipeline.analysis.summary.statements import Statement, spoken_statements, written_statements
from pipeline.analysis.text import TextEncoder
from pipeline.language import clean, sentences, word_count
from schemas.config import SummaryConfig
from schemas.records import Chapter, SummarySentence

logger = logging.getLogger(__name__)

_TOKENS_A_SENTENCE = 40
_MAX_TOKENS = 512
_MAX_EVIDENCE = 4
_MAX_ROUNDS = 6
_ENTAILED = 0.5
_BULLET = re.compile(r"^(?:[-*•–]|\d{1,2}[.)])\s+")


@dataclass(frozen=True, slots=True)
class Abstract:
    """A summary in a model's own words."""

    sentences: tuple[SummarySentence, ...] = ()
    source: str = ""
    """`model:<id>`; empty if there is no abstract."""
    dropped: int = 0
    """Number of sentences that were left out because the evidence does not support them."""


@dataclass(frozen=True, slots=True, eq=False)
class _Claim:
    text: str
    evidence: tuple[Statement, ...]
    similarity: float
    verdict: Verdict


class AbstractWriter:
    """Writes abstracts with one loaded model. Not thread-safe.

    Args:
        config: The `summary` section; `model` must be set.
        device: `cpu` or `cuda`.
        threads: Threads of PyTorch in this process.

    Raises:
        ModelError: A model is missing or cannot be loaded.
    """

    def __init__(self, config: SummaryConfig, *, device: str, threads: int) -> None:
        self._config = config
        self._generator = TextGenerator(config, device=device, threads=threads)
        self._entailment = EntailmentModel(config, device=device, threads=threads) if config.nli_model else None
        self.runs_on = self._generator.runs_on
        """Device, precision and prompts at once, for the log."""

    def write(
        self,
        chapters: Sequence[Chapter],
        video: VideoContent,
        *,
        encoder: TextEncoder,
        video_id: str,
        language: str | None,
    ) -> Abstract:
        """Write the abstract of a video; empty if nothing is said or written.

        Args:
            chapters: They cover the video.
            video: What was seen and heard.
            encoder: The one that made the vectors of its texts; it finds the evidence of each sentence.
            video_id: Part of the ids of utterances and frames in the evidence.
            language: ISO 639-1; None if unknown.
        """
        spoken = spoken_statements(video.utterances, video.keyframes, video.shots, video_id)
        written = written_statements(video.keyframes, video_id)
        pool = _comparable([*spoken, *written], encoder)
        read = passages(pool, chapters)
        if not read:
            return Abstract()
        claims = self._claims(self._summarize(read), pool, language, encoder)
        kept = [claim for claim in claims if claim.verdict.supported][: self._config.sentences]
        dropped = [claim for claim in claims if not claim.verdict.supported]
        for claim in dropped:
            logger.info("left out of the abstract for %s %s: %s", claim.verdict.fault, claim.verdict.detail, claim.text)
        return Abstract(tuple(map(_sentence, kept)), f"model:{self._generator.info.id}", len(dropped))

    def _summarize(self, read: Sequence[Passage]) -> str:
        """Summarise pieces, then the summaries of pieces, until one is left (map and reduce)."""
        generator, count = self._generator, self._config.sentences
        new_tokens = min(_MAX_TOKENS, _TOKENS_A_SENTENCE * count)
        task = generator.count(prompt("", count=count, partial=True, instructed=generator.instructed))
        max_tokens = max(generator.max_input_tokens(new_tokens) - task - 8, 16)
        texts, partial = pieces(read, generator.count, max_tokens), False
        for _ in range(_MAX_ROUNDS):
            prompts = [prompt(text, count=count, partial=partial, instructed=generator.instructed) for text in texts]
            written = [text for text in generator.write(prompts, new_tokens) if text]
            if len(written) <= 1:
                return written[0] if written else ""
            texts = pieces([Passage("", (text,)) for text in written], generator.count, max_tokens)
            partial = True
            if len(texts) >= len(written):
                # The model does not shorten the text, so keep its summaries of the parts.
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
        supported = [claim for claim in claims if claim.verdict.supported]
        pairs = [(" ".join(each.text for each in claim.evidence), claim.text) for claim in supported]
        scores = dict(zip(map(id, supported), self._entailment.entailment(pairs), strict=True))
        return [
            replace(claim, verdict=Verdict(False, "entailment", f"{scores[id(claim)]:.2f}"))
            if scores.get(id(claim), 1.0) < _ENTAILED
            else claim
            for claim in claims
        ]


def _comparable(statements: Sequence[Statement], encoder: TextEncoder) -> list[Statement]:
    """Return the statements with text vectors; on-screen statements come with the vectors of their frames."""
    written = [each for each in statements if each.kind != "speech"]
    vectors = encoder.encode([each.text for each in written])
    texts = dict(zip(map(id, written), vectors, strict=True))
    return [replace(each, vector=texts.get(id(each), each.vector)) for each in statements]


def _checked(claim: str, vector: np.ndarray, pool: Sequence[Statement], language: str | None) -> _Claim:
    evidence, similarity = find_evidence(claim, vector, pool, language)
    verdict = check_support(claim, [each.text for each in evidence], similarity=similarity, language=language)
    return _Claim(claim, tuple(evidence), similarity, verdict)


def find_evidence(
    claim: str, vector: np.ndarray, pool: Sequence[Statement], language: str | None = None
) -> tuple[list[Statement], float]:
    """Find the evidence of a sentence: the nearest statement in meaning and words, then those with still missing words.

    Args:
        claim: The sentence.
        vector: (d,) unit vector of the sentence.
        pool: Speech and on-screen text, with vectors of the same space.
        language: ISO 639-1; None if unknown.

    Returns:
        Up to four statements, in order of time; and the cosine of the nearest.
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
    return [pool[index] for index in sorted(chosen)], float(cosines.max())


def _sentence(claim: _Claim) -> SummarySentence:
    evidence = dict.fromkeys(each for statement in claim.evidence for each in statement.evidence)
    return SummarySentence(claim.text, round(float(np.clip(claim.similarity, 0.0, 1.0)), 4), tuple(evidence))
