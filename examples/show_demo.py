"""Show the content of a lake, and commands to try. `make demo` ends with it.

Run it as `python examples/show_demo.py LAKE`.
"""

import sys
from pathlib import Path

from flows.commands.query import print_query

FOUND = """
SELECT parse_filename(uri) AS video, round(duration_s, 1) AS seconds, coalesce(language, '-') AS language,
       shots, words, headline
FROM videos JOIN summaries USING (video_id)
ORDER BY uri
"""

QUERIES = (
    """SELECT parse_filename(uri) AS video, u.start_s, u.text FROM utterances u JOIN videos USING (video_id)
  WHERE regexp_matches(u.text, '\\bsea\\b') ORDER BY uri, u.start_s""",
    """SELECT topic.label AS topic, count(*) AS scenes, round(max(topic.score), 2) AS best_score
  FROM (SELECT unnest(topics) AS topic FROM scenes) GROUP BY ALL ORDER BY scenes DESC LIMIT 10""",
    "SELECT parse_filename(uri) AS video, kind, message FROM errors",
)


def main(lake: str) -> None:
    """Print the videos of a lake, and commands to try."""
    print("\nVideos in the lake:\n")
    print_query(FOUND, lake, form="table", output=None)
    print("\nTry it yourself:\n")
    videolake = Path(sys.executable).with_name("videolake")
    shown = videolake.relative_to(Path.cwd()) if videolake.is_relative_to(Path.cwd()) else videolake
    for query in QUERIES:
        print(f'{shown} sql "{query}" --lake {lake}\n')
    print(f"{shown} show ocean_talk --lake {lake}")
    print(f'{shown} search "a telescope" --lake {lake}')
    print(f"{shown} browse --lake {lake} --open")


if __name__ == "__main__":
    main(sys.argv[1])
