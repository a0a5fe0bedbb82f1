"""What the lake knows of a video, as other programs read it: subtitles, transcripts, chapters, cuts, clips."""

from pipeline.export.formats import FORMATS, Format, format_of
from pipeline.export.record import VideoRecord, read_video, read_videos

__all__ = ["FORMATS", "Format", "VideoRecord", "format_of", "read_video", "read_videos"]
