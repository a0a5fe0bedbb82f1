"""Views and macros for people who write SQL: moments, words, chapters, and everything at a given second.

They are defined on top of the views of `pipeline.lake.views`, in the same connection. `docs/sql.md` has examples.
"""

import duckdb

from pipeline.lake.names import FIND_VIDEOS, NAMED_VIDEO
from pipeline.lake.statements import run_parsed

MOMENT_VIEWS = {
    "moments": "One row per searchable moment: speech, subtitle, on-screen text, caption, objects, keyframe or sound.",
    "shot_objects": "One row per shot and label: the largest number of such objects seen at once.",
    "words": "One row per spoken word, if words were aligned.",
    "chapters": "One row per chapter of a video, as found by the analysis.",
    "file_chapters": "One row per chapter that a file states.",
    "highlights": "One row per moment worth jumping to.",
    "sentences": "One row per sentence of a summary, at the time of its first evidence.",
    "mentions": "One row per occurrence of a name: where a person, place, organisation, date or work is mentioned.",
}

_KEYFRAMES = """
SELECT f.video_id, f.shard, f.frame_id, f.frame_index, f.time_s,
    CASE WHEN row_number() OVER shot = 1 THEN least(coalesce(s.start_s, f.time_s), f.time_s) ELSE f.time_s END
        AS start_s,
    greatest(coalesce(lead(f.time_s) OVER shot, s.end_s, f.time_s), f.time_s) AS end_s,
    f.text, f.caption, f.labels, f.text_embedding, f.coordinated_embedding, coalesce(o.objects, '') AS objects
FROM {frames} AS f LEFT JOIN {shots} AS s ON f.video_id = s.video_id AND f.shot_index = s.shot_index
LEFT JOIN (
    SELECT video_id, frame_id,
        string_agg(label || CASE WHEN n > 1 THEN ' (' || n || ')' ELSE '' END, ', ' ORDER BY n DESC, label) AS objects
    FROM (SELECT video_id, frame_id, label, count(*) AS n FROM {objects} GROUP BY ALL) GROUP BY ALL
) AS o ON f.video_id = o.video_id AND f.frame_id = o.frame_id
WINDOW shot AS (PARTITION BY f.video_id, f.shot_index ORDER BY f.time_s, f.frame_index)
"""
"""A keyframe represents its shot until the next one: from its own time, or from the shot's start if it is the first.
Its objects are written as in `person (3), car`."""

_RUNS = """
SELECT video_id, any_value(shard) AS shard, '{kind}' AS kind, arg_min(frame_id, frame_index) || '-{kind}' AS moment_id,
    min(start_s) AS start_s, max(end_s) AS end_s, any_value({text}) AS text, {vector} AS embedding,
    arg_min(frame_id, frame_index) AS frame_id
FROM (
    SELECT *, sum(CASE WHEN {text} = before THEN 0 ELSE 1 END) OVER (PARTITION BY video_id ORDER BY frame_index) AS run
    FROM (SELECT *, lag({text}) OVER (PARTITION BY video_id ORDER BY frame_index) AS before FROM {{keyframes}})
)
WHERE {text} <> '' GROUP BY video_id, run
"""
"""Consecutive keyframes with the same text are one moment."""

_PARTS = f"""
SELECT u.video_id, u.shard, 'speech' AS kind, utterance_id AS moment_id, u.start_s, u.end_s, u.text,
    u.translation, u.embedding, p.frame_id, u.language, u.speaker
FROM {{utterances}} AS u ASOF LEFT JOIN {{keyframes}} AS p ON u.video_id = p.video_id AND u.start_s >= p.start_s
WHERE u.text <> ''
UNION ALL BY NAME
SELECT t.video_id, t.shard, 'subtitle' AS kind, subtitle_id AS moment_id, t.start_s, t.end_s, t.text, t.embedding,
    p.frame_id, t.language, t.source
FROM {{subtitles}} AS t ASOF LEFT JOIN {{keyframes}} AS p ON t.video_id = p.video_id AND t.start_s >= p.start_s
UNION ALL BY NAME
SELECT n.video_id, n.shard, 'sound' AS kind, sound_id AS moment_id, n.start_s, n.end_s, n.label AS text, p.frame_id
FROM {{sounds}} AS n ASOF LEFT JOIN {{keyframes}} AS p ON n.video_id = p.video_id AND n.start_s >= p.start_s
WHERE n.label <> 'speech'
UNION ALL BY NAME
{_RUNS.format(kind="screen", text="text", vector="arg_min(text_embedding, frame_index)")}
UNION ALL BY NAME
{_RUNS.format(kind="caption", text="caption", vector="NULL")}
UNION ALL BY NAME
{_RUNS.format(kind="object", text="objects", vector="NULL")}
UNION ALL BY NAME
SELECT video_id, shard, 'frame' AS kind, frame_id AS moment_id, start_s, end_s,
    list_aggregate([label.label FOR label IN labels IF label.score >= 0.1], 'string_agg', ', ') AS text,
    coordinated_embedding AS frame_embedding, frame_id
FROM {{keyframes}}
"""  # noqa: S608 - made of constants
"""Speech is found by its words, not as a sound. Keyframes are named seven times, so they are read once, before."""

_MOMENTS = f"""
CREATE VIEW moments AS
WITH keyframes AS MATERIALIZED (FROM lake.keyframes),
parts AS ({_PARTS.format(utterances="utterances", subtitles="subtitles", sounds="sounds", keyframes="keyframes")})
SELECT m.video_id, m.kind, m.moment_id, m.start_s, m.end_s, coalesce(m.text, '') AS text, m.translation, m.embedding,
    m.frame_embedding, m.frame_id, coalesce(m.language, v.language) AS language, m.speaker, m.source, s.scene_index,
    list_distinct(list_concat(
        coalesce([topic.label FOR topic IN s.topics], []), coalesce([topic.label FOR topic IN y.topics], [])
    )) AS topics,
    m.shard
FROM parts AS m
JOIN videos AS v ON m.video_id = v.video_id
LEFT JOIN summaries AS y ON m.video_id = y.video_id
ASOF LEFT JOIN scenes AS s ON m.video_id = s.video_id AND m.start_s >= s.start_s
"""  # noqa: S608 - made of constants

_VIEWS = (
    "CREATE VIEW lake.keyframes AS " + _KEYFRAMES.format(frames="frames", shots="shots", objects="objects"),
    _MOMENTS,
    """
CREATE VIEW shot_objects AS
SELECT n.video_id, n.shot_index, any_value(s.start_s) AS start_s, any_value(s.end_s) AS end_s, label,
    max(n.count) AS count, arg_max(frame_id, (n.count, -frame_index)) AS frame_id
FROM (
    SELECT video_id, shot_index, frame_id, frame_index, label, count(*) AS count FROM objects GROUP BY ALL
) AS n
LEFT JOIN shots AS s ON n.video_id = s.video_id AND n.shot_index = s.shot_index
GROUP BY n.video_id, n.shot_index, label
""",
    """
CREATE VIEW words AS
SELECT video_id, utterance_id, word.start_s, word.end_s, trim(word.word) AS word, word.probability, speaker
FROM (SELECT video_id, utterance_id, speaker, unnest(words) AS word FROM utterances)
""",
    """
CREATE VIEW chapters AS
SELECT video_id, chapter.start_s, chapter.end_s, chapter.title
FROM (SELECT video_id, unnest(chapters) AS chapter FROM summaries)
""",
    """
CREATE VIEW file_chapters AS
SELECT video_id, chapter.start_s, chapter.end_s, chapter.title
FROM (SELECT video_id, unnest(file_chapters) AS chapter FROM videos)
""",
    """
CREATE VIEW highlights AS
SELECT video_id, highlight.start_s, highlight.end_s, highlight.reason, highlight.score
FROM (SELECT video_id, unnest(highlights) AS highlight FROM summaries)
""",
    """
CREATE VIEW sentences AS
SELECT video_id, list_min([each.start_s FOR each IN sentence.evidence]) AS start_s, sentence.text, sentence.score,
    sentence.evidence
FROM (SELECT video_id, unnest(sentences) AS sentence FROM summaries)
""",
    """
CREATE VIEW mentions AS
SELECT video_id, entity_index, entity AS text, kind, normal, wikidata_id, occurrence.source, occurrence.id,
    occurrence.start_s, occurrence.end_s, occurrence.text AS as_written
FROM (
    SELECT video_id, entity_index, text AS entity, kind, normal, wikidata_id, unnest(occurrences) AS occurrence
    FROM entities
)
""",
)

_MACROS = (
    "CREATE MACRO cosine(a, b) AS array_cosine_similarity(a, b)",
    """
CREATE MACRO clock(seconds) AS
CASE WHEN round(seconds) >= 3600
    THEN printf('%d:%02d:%02d', round(seconds)::BIGINT // 3600, round(seconds)::BIGINT // 60 % 60,
        round(seconds)::BIGINT % 60)
    ELSE printf('%d:%02d', round(seconds)::BIGINT // 60, round(seconds)::BIGINT % 60) END
""",
    FIND_VIDEOS,
    NAMED_VIDEO,
    """
CREATE MACRO transcript(video) AS TABLE
SELECT clock(start_s) AS time, start_s, end_s, speaker, text, language, video_id
FROM utterances WHERE video_id IN (FROM named_video(video)) ORDER BY video_id, start_s
""",
    f"""
CREATE MACRO "at"(video, t) AS TABLE
WITH those AS (FROM named_video(video)),
    own_frames AS (FROM frames SEMI JOIN those USING (video_id)),
    own_shots AS (FROM shots SEMI JOIN those USING (video_id)),
    own_utterances AS (FROM utterances SEMI JOIN those USING (video_id)),
    own_subtitles AS (FROM subtitles SEMI JOIN those USING (video_id)),
    own_objects AS (FROM objects SEMI JOIN those USING (video_id)),
    own_sounds AS (FROM sounds SEMI JOIN those USING (video_id)),
    own_keyframes AS MATERIALIZED ({_KEYFRAMES.format(frames="own_frames", shots="own_shots", objects="own_objects")}),
    own_moments AS ({
        _PARTS.format(
            utterances="own_utterances", subtitles="own_subtitles", sounds="own_sounds", keyframes="own_keyframes"
        )
    }),
    spans AS (
        SELECT 'chapter' AS kind, video_id, start_s, end_s, title AS text FROM chapters
        UNION ALL BY NAME SELECT 'file chapter' AS kind, video_id, start_s, end_s, title AS text FROM file_chapters
        UNION ALL BY NAME SELECT 'scene' AS kind, video_id, start_s, end_s, caption AS text FROM scenes
        UNION ALL BY NAME SELECT 'shot' AS kind, video_id, start_s, end_s, transition AS text FROM own_shots
        UNION ALL BY NAME SELECT kind, video_id, start_s, end_s, text, speaker, frame_id FROM own_moments
    )
SELECT kind, clock(start_s) AS time, start_s, end_s, speaker, text, frame_id, video_id
FROM spans SEMI JOIN those USING (video_id)
WHERE start_s <= t AND t < end_s
ORDER BY video_id, list_position(
    ['chapter', 'file chapter', 'scene', 'shot', 'speech', 'subtitle', 'sound', 'screen', 'caption', 'object', 'frame'],
    kind
), start_s
""",  # noqa: S608 - made of constants
)


MOMENT_NAMES = (*MOMENT_VIEWS, "keyframes", "cosine", "clock", "find_videos", "named_video", "transcript", "at")
"""The views and macros that `create_moments` creates."""


def create_moments(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the views and macros, after those of `pipeline.lake.views`."""
    run_parsed(connection, ";".join((*_VIEWS, *_MACROS)))
