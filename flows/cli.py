"""The `videolake` command line: a thin skin over the Python API."""

import json
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import click

from schemas.config import Config
from schemas.errors import ArchiveError, ConfigurationError, ModelError, VideolakeError
from schemas.search import MOMENT_KINDS

EXIT_ERROR, EXIT_USAGE, EXIT_SOME_FAILED, EXIT_STOPPED = 1, 2, 3, 130
FORMATS = ("srt", "vtt", "txt", "json", "chapters-vtt", "ffmetadata", "youtube", "edl", "otio")
"""Of `pipeline.export.FORMATS`, whose import would slow `--help` down."""

Command = Callable[..., Any]


class _Group(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        """Keep the order of the work, not of the alphabet."""
        del ctx
        return list(self.commands)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="videolake", prog_name="videolake")
def main() -> None:
    """Footage in, tables out: turn an archive of videos into Parquet tables that you can query.

    \b
    videolake sample ./videos                 make a small archive to try it on
    videolake run ./videos --lake ./lake      analyse it
    videolake search "a red car" --lake ./lake find the moment
    videolake sql "FROM videos" --lake ./lake ask it
    """
    from flows.terminal import guard

    guard()


def _reported(command: Command) -> Command:
    """Turn expected errors into a message and an exit code."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        try:
            return command(*args, **options)
        except (ConfigurationError, ArchiveError, ModelError) as error:
            _fail(str(error), EXIT_USAGE)
        except VideolakeError as error:
            _fail(str(error), EXIT_ERROR)
        except BrokenPipeError:
            # The reader, as `head`, has seen enough.
            sys.stderr.close()
            sys.exit(EXIT_ERROR)

    return run


def _fail(message: str, code: int) -> NoReturn:
    click.echo(click.style("error: ", fg="red", bold=True, reset=True) + message, err=True)
    sys.exit(code)


def _configured(command: Command) -> Command:
    """Add the options from which the configuration is made, and pass it as `config`."""

    @click.option(
        "--profile", metavar="NAME", help="A shipped set of settings: embedded (default), fast, accurate, multilingual."
    )
    @click.option(
        "--config",
        "file",
        type=click.Path(path_type=Path),
        help="A TOML file of settings, as `videolake config` prints.",
    )
    @click.option(
        "--set", "settings", multiple=True, metavar="SECTION.KEY=VALUE", help="One setting; may be given several times."
    )
    @wraps(command)
    def run(*args: Any, profile: str | None, file: Path | None, settings: tuple[str, ...], **options: Any) -> Any:
        def configure(overrides: dict[str, Any]) -> Config:
            from pipeline.configuration import load_config

            return load_config(profile=profile, file=file, settings=settings, overrides=overrides)

        return command(*args, configure=configure, **options)

    return run


_lake = click.option(
    "--lake",
    required=True,
    envvar="VIDEOLAKE_LAKE",
    metavar="LAKE",
    help="Folder or URI of the lake; or set VIDEOLAKE_LAKE.",
)


def _archive_options(command: Command) -> Command:
    """Add what `run` and `serve` share."""
    options = [
        click.argument("archive", nargs=-1, required=True),
        _lake,
        click.option(
            "--engine",
            type=click.Choice(["ray", "inline"]),
            help="`inline` runs everything in this process, for debugging.",
        ),
        click.option(
            "--ray-address", metavar="ADDRESS", help="A running Ray cluster; default: RAY_ADDRESS, else a local one."
        ),
        click.option(
            "--workers", type=click.IntRange(1), help="Workers at most; default: as many as the cluster holds."
        ),
        click.option("--threads", type=click.IntRange(1), help="Threads of each worker."),
        click.option("--shard-videos", type=click.IntRange(1), help="Videos a shard at most (default 64)."),
        click.option("--max-videos", type=click.IntRange(1), help="Analyse at most so many new videos now."),
        click.option("--language", metavar="CODE", help="Spoken language, as `en`; default: detect it."),
        click.option("--summary-sentences", type=click.IntRange(1), help="Sentences in a summary at most (default 5)."),
        click.option(
            "--retry-failed", is_flag=True, default=None, help="Also try videos again whose failure would come again."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return _configured(command)


def _overrides(options: dict[str, Any]) -> dict[str, Any]:
    return {
        "workers": {
            "engine": options["engine"],
            "ray_address": options["ray_address"],
            "max_workers": options["workers"],
            "threads": options["threads"],
        },
        "shards": {"max_videos": options["shard_videos"]},
        "limits": {"max_videos": options["max_videos"]},
        "speech": {"language": options["language"]},
        "summary": {"sentences": options["summary_sentences"]},
        "archive": {"retry_failed": options["retry_failed"]},
    }


@main.command()
@_archive_options
@click.option("--quiet", is_flag=True, help="No progress, only the result.")
@_reported
def run(archive: tuple[str, ...], lake: str, *, configure: Callable[..., Config], quiet: bool, **options: Any) -> None:
    """Analyse the videos of ARCHIVE and put what is found in a lake.

    ARCHIVE is any number of folders, files, globs, manifests (.txt, .csv, .parquet of paths) and URIs. What is in the
    lake already is not done again, so an interrupted run goes on where it stopped.

    Exit code: 0 all well, 3 some videos failed (see the table `errors`), 2 bad usage, 1 other errors, 130 stopped.
    """
    from flows.commands.run import run_archive

    sys.exit(run_archive(list(archive), lake, configure(_overrides(options)), quiet=quiet))


@main.command()
@_archive_options
@click.option("--cron", metavar="EXPRESSION", help='When to run, as "0 2 * * *" for two at night.')
@click.option("--interval", type=click.FloatRange(1), metavar="SECONDS", help="Run every so many seconds.")
@click.option("--name", help="Name of the deployment; default: the lake's.")
@_reported
def serve(
    archive: tuple[str, ...],
    lake: str,
    *,
    configure: Callable[..., Config],
    cron: str | None,
    interval: float | None,
    name: str | None,
    **options: Any,
) -> None:
    """Run the same on a schedule: registers a deployment with the Prefect server and serves it until stopped.

    Without --cron or --interval it waits for runs that are started in the Prefect UI. Needs PREFECT_API_URL.
    """
    from flows.commands.serve import serve_archive

    serve_archive(list(archive), lake, configure(_overrides(options)), cron=cron, interval=interval, name=name)


@main.command()
@click.argument("query")
@_lake
@click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json", "jsonl"]), default="table", show_default=True
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write a file instead: .parquet, .csv, .json or .jsonl."
)
@click.option(
    "--spreadsheet", is_flag=True, help="CSV that is safe to open in a spreadsheet: no text is taken for a formula."
)
@_reported
def sql(query: str, lake: str, *, form: str, output: Path | None, spreadsheet: bool) -> None:
    """Ask the lake in SQL (DuckDB's).

    \b
    Tables: videos, shots, frames, utterances, scenes, summaries, errors, runs, sources, moments. For example:
      videolake sql "SELECT uri, start_s, text FROM utterances JOIN videos USING (video_id)
                     WHERE text ILIKE '%telescope%'" --lake LAKE
      videolake sql "DESCRIBE frames" --lake LAKE
    """
    from flows.commands.query import print_query

    print_query(query, lake, form=form, output=output, spreadsheet=spreadsheet)


@main.command()
@click.argument("query", required=False)
@_lake
@click.option("--image", type=click.Path(path_type=Path), metavar="FILE", help="Find pictures that look like this one.")
@click.option("--like", metavar="VIDEO@TIME", help="Find moments like this one, as talk.mp4@1:23.")
@click.option("--video", "videos", multiple=True, metavar="VIDEO", help="Only in this video.")
@click.option("--language", "languages", multiple=True, metavar="CODE", help="Only in this language, as `en`.")
@click.option("--topic", "topics", multiple=True, metavar="TOPIC", help="Only in scenes and videos about this topic.")
@click.option("--speaker", "speakers", multiple=True, metavar="NAME", help="Only what this speaker says.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(MOMENT_KINDS),
    help="Only what is said, on screen, captioned, or shown.",
)
@click.option("--from", "from_", metavar="TIME", help="Only after this time of a video, in seconds or as 1:23.")
@click.option("--to", metavar="TIME", help="Only before this time.")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="Moments at most.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@_reported
def search(query: str | None, lake: str, **options: Any) -> None:
    """Find the moments of videos that answer QUERY: what is said, what is on screen, what pictures show.

    \b
    videolake search "a cyclist in traffic" --lake LAKE
    videolake search '"to be or not to be"' --kind speech --lake LAKE     word by word
    videolake search --image photo.jpg --lake LAKE
    videolake search --like talk.mp4@1:23 --lake LAKE
    """
    from flows.commands.search import print_search

    print_search(query, lake, **options)


@main.command()
@click.argument("query")
@click.argument("moment", metavar="VIDEO@TIME")
@_lake
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Also write it as a page, with the picture.")
@_reported
def explain(query: str, moment: str, lake: str, output: Path | None) -> None:
    """Say why a moment answers QUERY: what modality, which words, which part of the picture.

    \b
    videolake explain "a cyclist in traffic" bicycles.mp4@0:04 --lake LAKE -o why.html
    """
    from flows.commands.explain import print_explanation

    print_explanation(query, moment, lake, output=output)


@main.command()
@_lake
@click.option("--rebuild", is_flag=True, help="Make it anew, whatever there is.")
@_reported
def index(lake: str, *, rebuild: bool) -> None:
    """Build the search index of a lake, or add to it what is new. Search works without, but slower in large lakes."""
    from flows.commands.search import build_index

    build_index(lake, rebuild=rebuild)


@main.command()
@click.argument("video", required=False)
@_lake
@click.option(
    "--least-overlap",
    type=click.FloatRange(0, 1),
    default=0.2,
    show_default=True,
    help="Share of the first video's keyframes that the other one has, at least.",
)
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@_reported
def duplicates(video: str | None, lake: str, **options: Any) -> None:
    """Find videos that show the same, at least in part: of the whole lake, or of VIDEO."""
    from flows.commands.search import print_duplicates

    print_duplicates(video, lake, **options)


@main.command()
@click.argument("video")
@_lake
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@_reported
def show(video: str, lake: str, *, as_json: bool) -> None:
    """Show what the lake says of VIDEO: its id, the start of its id, a path, URI or file name."""
    from flows.commands.show import print_video

    print_video(video, lake, as_json=as_json)


@main.command()
@click.argument("video", required=False)
@_lake
@click.option("--format", "form", type=click.Choice(FORMATS), help="Default: what the ending of the file tells.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write; with --all, a folder.")
@click.option("--all", "whole", is_flag=True, help="Every video of the lake, a file each.")
@click.option("--query", metavar="TEXT", help="What a search for TEXT finds, as an EDL or OpenTimelineIO.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="With --query: hits at most.")
@click.option("--translation", is_flag=True, help="English translations, where the lake has them.")
@click.option("--fps", metavar="RATE", help="Frames a second that an EDL counts at; default: the film's own.")
@click.option("--drop-frame", is_flag=True, help="EDL in drop-frame timecode (29.97 and 59.94 only).")
@_reported
def export(
    video: str | None,
    lake: str,
    *,
    form: str | None,
    output: Path | None,
    whole: bool,
    query: str | None,
    limit: int,
    translation: bool,
    fps: str | None,
    drop_frame: bool,
) -> None:
    """Write what the lake knows of VIDEO as other programs read it.

    \b
    srt, vtt                  subtitles, in lines of readable length
    txt, json                 the transcript
    chapters-vtt, ffmetadata,
    youtube                   chapters
    edl, otio                 shots for an editing program

    \b
    videolake export talk.mp4 --lake LAKE -o talk.srt
    videolake export --all --lake LAKE --format vtt -o subtitles/
    videolake export --query "a cat at the window" --lake LAKE -o cats.otio
    """
    from flows.commands.export import export_hits, export_lake, export_video
    from pipeline.export.formats import Options
    from pipeline.export.rates import parsed_rate

    if (video is not None) + whole + (query is not None) != 1:
        raise click.UsageError("Name one VIDEO, all with --all, or a search with --query.")
    options = Options(translation, parsed_rate(fps) if fps else None, drop_frame)
    if query is not None:
        export_hits(lake, query, form, output, options, limit=limit)
    elif video is not None:
        export_video(lake, video, form, output, options)
    elif export_lake(lake, form, output, options):
        sys.exit(EXIT_SOME_FAILED)


@main.command()
@click.argument("moments", nargs=-1, metavar="VIDEO@START-END...")
@_lake
@click.option("--query", metavar="TEXT", help="Cut out what a search for TEXT finds.")
@click.option("--limit", type=click.IntRange(1), default=10, show_default=True, help="With --query: hits at most.")
@click.option(
    "--pad", type=click.FloatRange(0), default=1.0, show_default=True, help="With --query: seconds around each hit."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File, or folder; default: the current folder.")
@click.option("--exact", is_flag=True, help="Encode anew, to begin and end at just these times.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
@_reported
def clip(
    moments: tuple[str, ...],
    lake: str,
    *,
    query: str | None,
    limit: int,
    pad: float,
    output: Path | None,
    exact: bool,
    force: bool,
) -> None:
    """Cut moments out of videos, without loss: what is in the file is copied, not encoded anew.

    A copy begins at the last keyframe before the moment, often a few seconds early; the command says how many. With
    --exact it begins and ends to the frame.

    \b
    videolake clip talk.mp4@1:02-1:30 --lake LAKE -o quote.mp4
    videolake clip talk.mp4@1:02-1:30 film.mkv@75.5-80 --lake LAKE -o clips/ --exact
    videolake clip --query "a cat at the window" --lake LAKE -o cats/
    """
    from flows.commands.clip import ClipOptions, clip_hits, clip_moments

    if bool(moments) == (query is not None):
        raise click.UsageError("Name moments as VIDEO@START-END, or a search with --query.")
    options = ClipOptions(exact, force)
    if query is None:
        failed = clip_moments(moments, lake, output, options)
    else:
        failed = clip_hits(query, lake, output, options, limit=limit, pad_s=pad)
    sys.exit(EXIT_SOME_FAILED if failed else 0)


@main.command()
@_lake
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; others than this machine's own need the token.",
)
@click.option("--port", type=click.IntRange(0, 65535), help="Port; default: 8765, or a free one where that is taken.")
@click.option(
    "--token",
    metavar="TOKEN",
    help="What a browser has to show; default: none on this machine, else a new one is made.",
)
@click.option(
    "--media-root",
    "media_roots",
    multiple=True,
    metavar="PLACE",
    help="Play originals only from this folder or URI; may be given several times.",
)
@click.option("--open", "open_browser", is_flag=True, help="Open it in the browser.")
@_reported
def browse(
    lake: str, *, host: str, port: int | None, token: str | None, media_roots: tuple[str, ...], open_browser: bool
) -> None:
    """See the lake as a web page: videos, search, players that go to the moment, transcripts, timelines, errors."""
    from flows.commands.browse import browse_lake

    browse_lake(lake, host=host, port=port, token=token, media_roots=media_roots, open_browser=open_browser)


@main.command()
@click.argument("what", required=False, metavar="[VIDEO|LAKE]")
@click.option("--lake", envvar="VIDEOLAKE_LAKE", metavar="LAKE", help="Lake of the video; or set VIDEOLAKE_LAKE.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="HTML file to write."
)
@_reported
def report(what: str | None, lake: str | None, output: Path) -> None:
    """Write a video, or a whole lake, as one HTML file that needs nothing else: to read, print, or send.

    \b
    videolake report talk.mp4 --lake LAKE -o talk.html   summary, storyboard, scenes and transcript
    videolake report --lake LAKE -o lake.html            all videos, and what failed
    """
    from flows.commands.report import write_report

    write_report(what, lake, output)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@_reported
def sample(folder: Path) -> None:
    """Make a small archive in FOLDER to try things on: real clips, films of known content, one broken file."""
    from pipeline.sample.archive import make_sample

    for path in make_sample(folder):
        click.echo(path)


@main.command()
@_configured
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@_reported
def config(*, configure: Callable[..., Config], as_json: bool) -> None:
    """Print every setting with its meaning, as a TOML file that --config takes.

    Sources, each over the one before: defaults, --profile, --config, VIDEOLAKE_SECTION__KEY in the environment, --set.
    """
    from flows.commands.settings import settings_toml

    made = configure({})
    click.echo(json.dumps(made.model_dump(mode="json"), indent=2) if as_json else settings_toml(made), nl=as_json)


@main.command()
@click.argument("name", default="general")
@_reported
def taxonomy(name: str) -> None:
    """Print the taxonomy NAME (default: general), to edit and to name as topics.taxonomy.

    \b
    videolake taxonomy > mine.toml
    videolake run ./videos --lake ./lake --set topics.taxonomy=mine.toml

    NAME may also be a file: what is wrong with it is then said.
    """
    from flows.commands.settings import print_taxonomy

    print_taxonomy(name)


@main.command()
@_configured
@_reported
def models(*, configure: Callable[..., Config]) -> None:
    """List the models that the configuration names, with licence and where they are."""
    from flows.commands.settings import print_models

    print_models(configure({}))


@main.command("train-fusion")
@_lake
@click.option(
    "-o", "--output", "folder", required=True, type=click.Path(path_type=Path), help="Folder for the weights."
)
@click.option("--steps", type=click.IntRange(1), default=300, show_default=True, help="Batches of 64 scenes.")
@click.option("--rank", type=click.IntRange(1, 256), default=16, show_default=True, help="Size of what is learned.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Threads of the text encoder.")
@_reported
def train_fusion(lake: str, folder: Path, *, steps: int, rank: int, threads: int) -> None:
    """Learn the weights of fusion.method = hybrid from the scenes of a lake, and measure what they are worth.

    No labels are needed: each scene, without one of its parts, must be told from others by that part. See
    docs/fusion.md.
    """
    from flows.commands import train

    train.train_fusion(lake, folder, steps=steps, rank=rank, threads=threads)


@main.command()
@_lake
@_reported
def compact(lake: str) -> None:
    """Merge small files of a lake and drop rows that newer ones supersede. Readers are not disturbed."""
    from pipeline.lake import Lake

    click.echo(Lake(lake).compact())


@main.group()
def bert() -> None:
    """Train a BERT on your own words, and sort texts into classes with it."""


def _on_machine(command: Command) -> Command:
    """Add where a model runs."""
    command = click.option("--threads", type=click.IntRange(1), help="Threads on a CPU; default: all cores.")(command)
    return click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)(
        command
    )


def _training_options(command: Command) -> Command:
    """Add what `pretrain` and `finetune` share."""
    options = [
        click.option("-o", "--output", "folder", required=True, type=click.Path(path_type=Path), help="New folder."),
        click.option("--from", "base", metavar="MODEL", help="BERT to begin with (default embedded:minilm)."),
        click.option("--epochs", type=click.IntRange(1), default=3, show_default=True, help="Times all is read."),
        click.option("--batch-size", type=click.IntRange(1), default=16, show_default=True),
        click.option("--learning-rate", type=click.FloatRange(0, min_open=True), default=5e-5, show_default=True),
        click.option("--held-out", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.1,
                     show_default=True, help="Share that is not learnt from, but measured on."),
        click.option("--max-tokens", type=click.IntRange(8, 512), default=128, show_default=True),
        click.option("--seed", type=int, default=7, show_default=True),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return _on_machine(command)


def _where(options: dict[str, Any]) -> dict[str, Any]:
    from pipeline.models import choose_device

    return {"device": choose_device(options.pop("device")), "threads": options.pop("threads") or os.cpu_count() or 1}


@bert.command()
@click.option("--lake", metavar="LAKE", help="Learn from what is said in this lake's videos.")
@click.option("--text", multiple=True, type=click.Path(path_type=Path),
              help="Learn from this file: a sentence a line, an empty line between documents.")  # fmt: skip
@click.option("--size", type=click.Choice(["tiny", "mini", "small", "medium", "base", "large"]),
              help="Begin with a new BERT of this size, and a vocabulary of these texts in any language.")  # fmt: skip
@_training_options
@_reported
def pretrain(
    lake: str | None, text: tuple[Path, ...], size: Any, folder: Path, base: str | None, **options: Any
) -> None:
    """Go on with the pre-training of a BERT on your own texts: masked words and next sentences (MLM, NSP).

    \b
      videolake bert pretrain --lake LAKE -o my-bert
      videolake run ARCHIVE --lake LAKE2 --set text.model=my-bert
    """
    from flows.commands.bert import run_pretrain
    from schemas.training import TrainingOptions

    where = _where(options)
    run_pretrain(folder, lake=lake, text=text, base=base, size=size, options=TrainingOptions(**options), **where)


@bert.command()
@click.argument("examples", type=click.Path(path_type=Path))
@click.option("--lake", metavar="LAKE", help="Where utterance_id or frame_id are looked up.")
@_training_options
@_reported
def finetune(examples: Path, lake: str | None, folder: Path, base: str | None, **options: Any) -> None:
    """Teach a BERT to sort texts into classes, from EXAMPLES: a .csv, .jsonl or .parquet with `text` and `label`.

    Instead of `text` there may be `utterance_id` or `frame_id`, of texts in --lake.
    """
    from flows.commands.bert import run_finetune
    from schemas.training import TrainingOptions

    where = _where(options)
    run_finetune(examples, folder, lake=lake, base=base, options=TrainingOptions(**options), **where)


@bert.command()
@click.argument("model")
@_lake
@click.option("--of", "unit", type=click.Choice(["utterances", "frames", "scenes"]), default="utterances",
              show_default=True, help="What is sorted, by its text.")  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json", "jsonl"]), default="table", show_default=True
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A .parquet, .csv, .json or .jsonl file.")
@_on_machine
@_reported
def classify(model: str, lake: str, unit: Any, form: str, output: Path | None, **options: Any) -> None:
    """Sort the texts of a lake into the classes of MODEL, as `videolake bert finetune` makes it.

    The answer has the ids and times of the lake's rows, so that it joins them.
    """
    from flows.commands.bert import run_classify

    run_classify(model, lake, unit=unit, form=form, output=output, **_where(options))


if __name__ == "__main__":
    main()
