"""Word search: an inverted index of moments (tantivy), and BM25 scores that are comparable between several indexes."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import tantivy

from pipeline.search.rows import name_keys
from pipeline.search.terms import WordQuery, index_text
from schemas.search import Filter

_WORDS = "words"
_TOKENIZER = "videolake"
_MAX_EXPANSIONS = 50
"""A prefix stands for at most this many words, the most frequent ones."""
_WRITER_BYTES = 64_000_000
_K1, _B = 1.2, 0.75

Query = tantivy.Query
_MUST, _SHOULD, _MUST_NOT = tantivy.Occur.Must, tantivy.Occur.Should, tantivy.Occur.MustNot


class LexicalIndex:
    """An index from words to moments. Any number of threads may search.

    Args:
        index: A committed index, as made by `build_lexical`.
    """

    def __init__(self, index: tantivy.Index) -> None:
        index.register_tokenizer(_TOKENIZER, _analyzer())
        index.reload()
        self._schema = index.schema
        self._searcher = index.searcher()

    @classmethod
    def open(cls, folder: Path) -> "LexicalIndex":
        """Open an index on disk."""
        return cls(tantivy.Index.open(str(folder)))

    @property
    def size(self) -> int:
        """Number of moments."""
        return int(self._searcher.num_docs)

    def frequency(self, term: str) -> int:
        """Return the number of moments that contain a word."""
        return int(self._searcher.doc_freq(_WORDS, term))

    def words_with_prefix(self, prefix: str) -> list[str]:
        """Return the most frequent words with a prefix."""
        return [word for word, _ in self._searcher.terms_with_prefix(_WORDS, prefix, limit=_MAX_EXPANSIONS)]

    def search(self, query: WordQuery, admitted: Filter, superseded: Sequence[str], limit: int) -> list[int]:
        """Return the rows that match best by BM25 within this index, best first.

        Args:
            query: Words and phrases; a row must contain all phrases.
            admitted: Which rows may be found.
            superseded: Ids of videos to leave out.
            limit: Maximum number of rows.
        """
        clauses = self._clauses(query)
        if not clauses or not self.size:
            return []
        wanted = Query.boolean_query(clauses)
        filters = [(_MUST, Query.const_score_query(each, 0.0)) for each in self._filters(admitted)]
        if superseded:
            filters.append((_MUST_NOT, self._any_of("video", superseded)))
        # tantivy allocates memory for the limit, whatever the number of hits.
        limit = min(limit, self.size)
        found = self._searcher.search(Query.boolean_query([(_MUST, wanted), *filters]), limit, count=False).hits
        rows = self._searcher.fast_field_values("row", [address for _, address in found])
        return [int(row) for row in rows if row is not None]

    def _clauses(self, query: WordQuery) -> list[tuple[tantivy.Occur, tantivy.Query]]:
        clauses = [(_SHOULD, self._term(term)) for term in query.terms]
        for prefix in query.prefixes:
            words = [self._term(word) for word in self.words_with_prefix(prefix)]
            if words:
                clauses.append((_SHOULD, Query.disjunction_max_query(words)))
        for phrase in query.phrases:
            exact = Query.phrase_query(self._schema, _WORDS, list(phrase)) if len(phrase) > 1 else self._term(phrase[0])
            clauses.append((_MUST, exact))
        return clauses

    def _term(self, term: str) -> tantivy.Query:
        return Query.term_query(self._schema, _WORDS, term, "freq")

    def _any_of(self, field: str, values: Sequence[str]) -> tantivy.Query:
        return Query.term_set_query(self._schema, field, list(values))

    def _filters(self, admitted: Filter) -> Iterable[tantivy.Query]:
        fields = {
            "video": admitted.videos,
            "language": admitted.languages,
            "topic": [topic.lower() for topic in admitted.topics],
            "name": name_keys(admitted),
            "sound": [sound.lower() for sound in admitted.sounds],
            "speaker": admitted.speakers,
            "kind": admitted.kinds,
        }
        for field, values in fields.items():
            if values:
                yield self._any_of(field, values)
        for each in admitted.objects:
            yield self._any_of("object", [each])
        kind = tantivy.FieldType.Float
        if admitted.from_s is not None:
            yield Query.range_query(self._schema, "end_s", kind, lower_bound=admitted.from_s, include_lower=False)
        if admitted.to_s is not None:
            yield Query.range_query(self._schema, "start_s", kind, upper_bound=admitted.to_s, include_upper=False)


def build_lexical(rows: pa.Table, folder: Path | None = None) -> tuple[LexicalIndex, int]:
    """Index the words of moments.

    Args:
        rows: Moments, in `ROW_SCHEMA`.
        folder: An empty folder for the index; None keeps it in memory.

    Returns:
        The index, and the number of words in all moments together.
    """
    words = 0
    index = tantivy.Index(_schema(), path=str(folder) if folder else None)
    index.register_tokenizer(_TOKENIZER, _analyzer())
    with index.writer(_WRITER_BYTES, 1) as writer:
        for row, (document, count) in enumerate(_documents(rows)):
            document.add_unsigned("row", row)
            writer.add_document(document)
            words += count
        writer.commit()
        writer.wait_merging_threads()
    return LexicalIndex(index), words


def _documents(rows: pa.Table) -> Iterable[tuple[tantivy.Document, int]]:
    columns = (
        "text", "translation", "video_id", "kind", "language", "speaker", "topics", "names", "objects", "sounds",
        "start_s", "end_s",
    )  # fmt: skip
    for batch in rows.select(columns).to_batches(max_chunksize=10_000):
        for text, translation, video, kind, language, speaker, topics, names, objects, sounds, start_s, end_s in zip(
            *(column.to_pylist() for column in batch.columns), strict=True
        ):
            document = tantivy.Document()
            words = index_text(searched_text(text, translation))
            document.add_text(_WORDS, words)
            for field, value in (("video", video), ("kind", kind), ("language", language), ("speaker", speaker)):
                if value is not None:
                    document.add_text(field, value)
            for topic in topics or ():
                document.add_text("topic", topic.lower())
            for name in names or ():
                document.add_text("name", name)
            for each in objects or ():
                document.add_text("object", each)
            for sound in sounds or ():
                document.add_text("sound", sound)
            document.add_float("start_s", start_s)
            document.add_float("end_s", end_s)
            yield document, words.count(" ") + 1 if words else 0


def searched_text(text: str, translation: str | None) -> str:
    """Return the text of a moment that word search covers."""
    return f"{text}\n{translation}" if translation else text


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder().add_text_field(_WORDS, tokenizer_name=_TOKENIZER, index_option="position")
    for name in ("video", "kind", "language", "speaker", "topic", "name", "object", "sound"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in ("start_s", "end_s"):
        builder.add_float_field(name, fast=True)
    return builder.add_unsigned_field("row", fast=True).build()


def _analyzer() -> tantivy.TextAnalyzer:
    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()


class Bm25:
    """BM25 (Robertson and Zaragoza 2009) with word frequencies summed over all indexes.

    Args:
        query: The query.
        indexes: All indexes that are searched.
        mean_length: Mean number of words per moment, over all indexes.
    """

    def __init__(self, query: WordQuery, indexes: Sequence[LexicalIndex], mean_length: float) -> None:
        self._query = query
        self._mean_length = max(mean_length, 1.0)
        total = sum(index.size for index in indexes)
        self._expansions = [
            {word for index in indexes for word in index.words_with_prefix(prefix)} for prefix in query.prefixes
        ]
        words = {*query.terms, *(word for each in (*query.phrases, *self._expansions) for word in each)}
        self._idf = {word: _idf(sum(index.frequency(word) for index in indexes), total) for word in words}
        wanted = [*query.terms, *(word for phrase in query.phrases for word in phrase)]
        # A prefix that no word has is as rare as a word that no moment contains.
        prefixes = [min((self._idf[word] for word in each), default=_idf(0, total)) for each in self._expansions]
        self._total = max(sum(self._idf[word] for word in wanted) + sum(prefixes), 1e-9)

    @property
    def words(self) -> set[str]:
        """All words that count as a match."""
        return set(self._idf)

    def match(self, text: str) -> tuple[float, float]:
        """Return the score of a moment's text, and the share of the query's words in it, weighted by rarity.

        Both are 0 if nothing matches. The share is 1 if all words occur. A word that no moment contains counts as the
        rarest.
        """
        words = index_text(text).split()
        counts = Counter(words)
        saturation = _K1 * (1 - _B + _B * len(words) / self._mean_length)
        score = shared = 0.0
        for word in self._query.terms:
            score += self._weight(word, counts[word], saturation)
            shared += self._idf[word] if word in counts else 0.0
        for expansion in self._expansions:
            weights = [
                (self._weight(word, counts[word], saturation), self._idf[word]) for word in expansion & set(counts)
            ]
            best, idf = max(weights, default=(0.0, 0.0))
            score, shared = score + best, shared + idf
        for phrase in self._query.phrases:
            times = sum(tuple(words[start : start + len(phrase)]) == phrase for start in range(len(words)))
            score += sum(self._weight(word, times, saturation) for word in phrase)
            shared += sum(self._idf[word] for word in phrase) if times else 0.0
        return score, min(1.0, shared / self._total)

    def _weight(self, word: str, times: int, saturation: float) -> float:
        return self._idf[word] * times * (_K1 + 1) / (times + saturation)


def _idf(frequency: int, total: int) -> float:
    return math.log(1 + (total - frequency + 0.5) / (frequency + 0.5))
