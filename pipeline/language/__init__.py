"""Text by the rules of its language: words, sentences, and joining, also where nobody writes spaces."""

from pipeline.language.joining import joined
from pipeline.language.sentences import ends_sentence, sentences
from pipeline.language.words import word_count, word_spans, words

__all__ = ["ends_sentence", "joined", "sentences", "word_count", "word_spans", "words"]
