"""The facts about a file and its analysis, as `videolake show`, notebooks and pages list them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from pipeline.lake import VideoRecord
from pipeline.language import format_time
from pipeline.view.wording import format_share, format_size
from schemas.records import Sound

_ROUNDING_S, _ROUNDING = 1.0, 0.02
"""A stated length that is nearer to the measured one is no news."""
_MAX_SOUNDS, _MIN_SHARE, _LONG_S = 6, 0.02, 60.0
"""Sounds are listed if they last for this share of the video, or so long: the longest."""


def video_facts(video: VideoRecord) -> dict[str, str]:
    """Return the facts about a video by name, in the order to show them."""
    row = video.row
    facts = _missing(video) | {"Length": _length(video)}
    if video.has_video:
        varies = ", varying" if row["fps_varies"] else ""
        fps = f", {row['fps']:.4g} frames/s{varies}" if row["fps"] else ""
        rotation = f", rotated by {row['rotation']}°" if row["rotation"] else ""
        facts["Video"] = f"{row['width']} x {row['height']}{fps}, {row['video_codec']}{rotation}"
    if video.has_audio:
        tracks = f", {row['audio_tracks']} tracks" if row["audio_tracks"] > 1 else ""
        facts["Audio"] = f"{row['audio_codec']}{tracks}"
    all_tracks = [_track(track) for track in row["tracks"] or ()]
    if len(all_tracks) > video.has_video + video.has_audio:
        facts["Tracks"] = "; ".join(all_tracks)
    if row["timecode"]:
        facts["Timecode"] = f"starts at {row['timecode']}"
    if row["created_at"]:
        facts["Created"] = _date(row["created_at"])
    if video.language:
        shares = [f"{each.language} {format_share(each.share)}" for each in video.languages]
        certain = f"{video.language} ({format_share(row['language_probability'])})"
        facts["Language"] = certain if len(shares) < 2 else ", ".join(shares)
        facts["Speech"] = f"{format_time(row['speech_s'])}, {row['words']} words"
    facts |= _heard(video)
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


def sound_lengths(sounds: Iterable[Sound]) -> dict[str, float]:
    """Return for how many seconds each kind of sound but speech is heard, the longest first."""
    seconds: dict[str, float] = {}
    for each in sounds:
        if each.label != "speech":
            seconds[each.label] = seconds.get(each.label, 0.0) + each.end_s - each.start_s
    return dict(sorted(seconds.items(), key=lambda pair: -pair[1]))


def _heard(video: VideoRecord) -> dict[str, str]:
    """Return the sounds that matter: a model of hundreds of classes hears many for a moment."""
    min_s = min(_LONG_S, _MIN_SHARE * video.duration_s)
    lengths = [(label, seconds) for label, seconds in sound_lengths(video.sounds).items() if seconds >= min_s]
    said = [f"{label} {format_time(seconds)}" for label, seconds in lengths[:_MAX_SOUNDS]]
    return {"Heard": ", ".join(said)} if said else {}


def _missing(video: VideoRecord) -> dict[str, str]:
    return {"Missing": f"since {_date(video.missing_since)}"} if video.missing_since else {}


def _length(video: VideoRecord) -> str:
    stated_s = video.row["stated_duration_s"]
    if not stated_s or abs(stated_s - video.duration_s) <= max(_ROUNDING_S, _ROUNDING * video.duration_s):
        return format_time(video.duration_s)
    return f"{format_time(video.duration_s)} (the file states {format_time(stated_s)})"


def _track(track: Mapping[str, Any]) -> str:
    channels = f"{track['channels']} channels" if track["channels"] else None
    details = (track["codec"], track["language"], channels, track["title"], "default" if track["default"] else None)
    return f"{track['index']} {track['kind']}: {', '.join(filter(None, details))}".removesuffix(": ")


def _date(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
