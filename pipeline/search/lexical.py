"""Search by words: an inverted index of moments (tantivy), and BM25 over several of them as if they were one."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import tantivy

from pipeline.search.terms import WordQuery, index_text
from schemas.search import Filter

_WORDS = "words"
_TOKENIZER = "videolake"
_EXPANSIONS = 50
"""Words that a typed beginning may stand for: the most frequent ones."""
_WRITER_BYTES = 64_000_000
_K1, _B = 1.2, 0.75

Query = tantivy.Query
_MUST, _SHOULD, _MUST_NOT = tantivy.Occur.Must, tantivy.Occur.Should, tantivy.Occur.MustNot


class LexicalIndex:
    """Which moments hold which words. Any number of threads may search.

    Args:
        index: A committed index, as `build_lexical` makes it.
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
        """Return the number of moments that hold a word."""
        return int(self._searcher.doc_freq(_WORDS, term))

    def beginning_with(self, prefix: str) -> list[str]:
        """Return the most frequent words that begin so."""
        return [word for word, _ in self._searcher.terms_with_prefix(_WORDS, prefix, limit=_EXPANSIONS)]

    def search(self, query: WordQuery, admitted: Filter, without: Sequence[str], limit: int) -> list[int]:
        """Return the rows that match best by BM25 within this index, the best first.

        Args:
            query: Words and phrases; all phrases must be there.
            admitted: Rows that may be found.
            without: Videos whose rows may not.
            limit: Rows at most.
        """
        clauses = self._clauses(query)
        if not clauses or not self.size:
            return []
        wanted = Query.boolean_query(clauses)
        filters = [(_MUST, Query.const_score_query(each, 0.0)) for each in self._filters(admitted)]
        if without:
            filters.append((_MUST_NOT, self._any_of("video", without)))
        # tantivy asks for memory for as many as may be found.
        most = min(limit, self.size)
        found = self._searcher.search(Query.boolean_query([(_MUST, wanted), *filters]), most, count=False).hits
        rows = self._searcher.fast_field_values("row", [address for _, address in found])
        return [int(row) for row in rows if row is not None]

    def _clauses(self, query: WordQuery) -> list[tuple[tantivy.Occur, tantivy.Query]]:
        clauses = [(_SHOULD, self._term(term)) for term in query.terms]
        for prefix in query.prefixes:
            words = [self._term(word) for word in self.beginning_with(prefix)]
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
            "speaker": admitted.speakers,
            "kind": admitted.kinds,
        }
        for field, values in fields.items():
            if values:
                yield self._any_of(field, values)
        kind = tantivy.FieldType.Float
        if admitted.from_s is not None:
            yield Query.range_query(self._schema, "end_s", kind, lower_bound=admitted.from_s, include_lower=False)
        if admitted.to_s is not None:
            yield Query.range_query(self._schema, "start_s", kind, upper_bound=admitted.to_s, include_upper=False)


def build_lexical(rows: pa.Table, folder: Path | None = None) -> tuple[LexicalIndex, int]:
    """Index the words of moments.

    Args:
        rows: In the columns of `pipeline.search.rows`.
        folder: An empty folder to keep it in; none: in memory.

    Returns:
        The index, and the number of words of all moments together.
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
    columns = ("text", "translation", "video_id", "kind", "language", "speaker", "topics", "start_s", "end_s")
    for batch in rows.select(columns).to_batches(max_chunksize=10_000):
        for text, translation, video, kind, language, speaker, topics, start_s, end_s in zip(
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
            document.add_float("start_s", start_s)
            document.add_float("end_s", end_s)
            yield document, words.count(" ") + 1 if words else 0


def searched_text(text: str, translation: str | None) -> str:
    """Return what of a moment is searched for words."""
    return f"{text}\n{translation}" if translation else text


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder().add_text_field(_WORDS, tokenizer_name=_TOKENIZER, index_option="position")
    for name in ("video", "kind", "language", "speaker", "topic"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in ("start_s", "end_s"):
        builder.add_float_field(name, fast=True)
    return builder.add_unsigned_field("row", fast=True).build()


def _analyzer() -> tantivy.TextAnalyzer:
    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()


class Bm25:
    """BM25 (Robertson and Zaragoza 2009) with the frequencies of all indexes together.

    Args:
        query: What is asked.
        indexes: All that are searched.
        mean_length: Words of a moment on average, over all of them.
    """

    def __init__(self, query: WordQuery, indexes: Sequence[LexicalIndex], mean_length: float) -> None:
        self._query = query
        self._mean_length = max(mean_length, 1.0)
        total = sum(index.size for index in indexes)
        self._typed = [
            {word for index in indexes for word in index.beginning_with(prefix)} for prefix in query.prefixes
        ]
        words = {*query.terms, *(word for each in (*query.phrases, *self._typed) for word in each)}
        self._idf = {word: _idf(sum(index.frequency(word) for index in indexes), total) for word in words}

    @property
    def words(self) -> set[str]:
        """Every word that counts as a match."""
        return set(self._idf)

    def score(self, text: str) -> float:
        """Return the score of a moment's text; 0 where nothing matches."""
        words = index_text(text).split()
        counts = Counter(words)
        saturation = _K1 * (1 - _B + _B * len(words) / self._mean_length)
        score = sum(self._weight(word, counts[word], saturation) for word in self._query.terms)
        for typed in self._typed:
            score += max(
                (self._weight(word, counts[word], saturation) for word in typed if word in counts), default=0.0
            )
        for phrase in self._query.phrases:
            times = sum(tuple(words[place : place + len(phrase)]) == phrase for place in range(len(words)))
            score += sum(self._weight(word, times, saturation) for word in phrase)
        return score

    def _weight(self, word: str, times: int, saturation: float) -> float:
        return self._idf[word] * times * (_K1 + 1) / (times + saturation)


def _idf(frequency: int, total: int) -> float:
    return math.log(1 + (total - frequency + 0.5) / (frequency + 0.5))
