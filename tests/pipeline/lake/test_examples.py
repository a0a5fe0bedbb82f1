"""The queries that the documentation shows, each answered by a lake."""

import pytest

from pipeline.lake import Lake
from tests.pipeline.lake.lakes import publish

EXAMPLES = {
    "what is in the archive": """
        SELECT parse_filename(uri) AS file, round(duration_s) AS seconds, language, shots, words, headline
        FROM videos JOIN summaries USING (video_id)
        ORDER BY seconds DESC
    """,
    "where something is said": """
        SELECT parse_filename(uri) AS file, round(start_s, 1) AS at_s, text
        FROM utterances JOIN videos USING (video_id)
        WHERE text ILIKE '%sentence%'
        ORDER BY file, at_s
    """,
    "what is seen": """
        SELECT seen.label AS label, count(DISTINCT video_id) AS videos, count(*) AS frames,
            round(max(seen.score), 2) AS surest
        FROM frames, unnest(labels) AS _(seen)
        GROUP BY label ORDER BY frames DESC LIMIT 10
    """,
    "what a summary rests on": """
        SELECT headline, sentence.text AS sentence, round(evidence.start_s) AS at_s, utterances.text AS heard
        FROM summaries, unnest(sentences) AS a(sentence), unnest(sentence.evidence) AS b(evidence)
        JOIN utterances ON utterance_id = evidence.id
        ORDER BY headline, at_s
    """,
    "the pictures most alike in different videos": """
        SELECT a.frame_id AS one, b.frame_id AS other,
            round(array_cosine_similarity(a.embedding, b.embedding), 3) AS likeness
        FROM frames AS a JOIN frames AS b ON a.video_id < b.video_id
        ORDER BY likeness DESC LIMIT 10
    """,
    "where the time went": """
        SELECT step, round(sum(seconds), 1) AS seconds
        FROM (SELECT unnest(map_keys(timings_s)) AS step, unnest(map_values(timings_s)) AS seconds FROM videos)
        GROUP BY step ORDER BY seconds DESC
    """,
    "what could not be analysed": """
        SELECT kind, count(*) AS videos, any_value(message) AS example FROM errors GROUP BY kind ORDER BY videos DESC
    """,
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake.create(str(tmp_path_factory.mktemp("examples") / "lake"))
    publish(lake, "01", ["v01", "v02", "v03"], failed=["v03"])
    return lake


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_query_returns_rows(filled: Lake, example: str) -> None:
    assert filled.sql(EXAMPLES[example]).num_rows > 0
