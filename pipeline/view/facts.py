"""The facts about a file and its analysis, as `videolake show`, notebooks and pages list them."""

from datetime import UTC, datetime

from pipeline.lake import VideoRecord
from pipeline.language import format_time
from pipeline.view.wording import format_share, format_size


def video_facts(video: VideoRecord) -> dict[str, str]:
    """Return the facts about a video by name, in the order to show them."""
    row = video.row
    facts = {"Length": format_time(video.duration_s)}
    if video.has_video:
        fps = f", {row['fps']:.4g} frames/s" if row["fps"] else ""
        rotation = f", rotated by {row['rotation']}°" if row["rotation"] else ""
        facts["Video"] = f"{row['width']} x {row['height']}{fps}, {row['video_codec']}{rotation}"
    if video.has_audio:
        tracks = f", {row['audio_tracks']} tracks" if row["audio_tracks"] > 1 else ""
        facts["Audio"] = f"{row['audio_codec']}{tracks}"
    if video.language:
        facts["Language"] = f"{video.language} ({format_share(row['language_probability'])})"
        facts["Speech"] = f"{format_time(row['speech_s'])}, {row['words']} words"
    if video.status == "ok":
        facts["Found"] = f"{row['shots']} shots, {row['frames']} keyframes, {row['scenes']} scenes"
    facts["Size"] = format_size(row["size_bytes"])
    if row["corrupt_packets"]:
        facts["Damage"] = f"{row['corrupt_packets']} packets could not be decoded"
    compute_s = sum(seconds for _, seconds in row["timings_s"])
    if compute_s:
        facts["Computed in"] = f"{compute_s:.1f} s ({video.duration_s / compute_s:.1f} x real time)"
    facts["Written"] = _date(row["committed_at"])
    facts["Revision"] = row["revision"]
    return facts


def _date(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
