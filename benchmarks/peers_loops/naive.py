"""The first loop that works: openai-whisper as its README shows, and every model on one frame or sentence at a time."""

import sys

from benchmarks.peers_loops.steps import (
    Encoder,
    Labeler,
    Reader,
    find_shots,
    frame_times,
    has_pictures,
    read_frames,
    videos,
    write,
)


def main(archive: str, out: str, weights: str, threads: int) -> None:
    import torch
    import whisper

    torch.set_num_threads(threads)
    model = whisper.load_model(f"{weights}/whisper-base.pt")
    label, read, encode = Labeler(weights, threads), Reader(threads), Encoder(weights, threads)
    shots, frames, segments = [], [], []
    for path in videos(archive):
        if has_pictures(path):
            found = find_shots(path)
            shots += [{"video": path, "start_s": start_s} for start_s, _ in found]
            times = frame_times(found)
            for time_s, frame in zip(times, read_frames(path, times), strict=True):
                [name], [features] = label([frame])
                frames.append(
                    {"video": path, "time_s": time_s, "label": name, "text": read(frame), "embedding": features}
                )
        try:
            heard = model.transcribe(path, beam_size=5, word_timestamps=True, fp16=False)["segments"]
        except RuntimeError:  # FFmpeg finds no audio
            heard = []
        for each in heard:
            [vector] = encode([each["text"]])
            segments.append(
                {
                    "video": path,
                    "start_s": each["start"],
                    "end_s": each["end"],
                    "text": each["text"],
                    "embedding": vector,
                }
            )
    write(out, shots=shots, frames=frames, segments=segments)


if __name__ == "__main__":
    main(*sys.argv[1:4], threads=int(sys.argv[4]))
