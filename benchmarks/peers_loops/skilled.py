"""The loop of somebody who knows the libraries: batched faster-whisper, and batches for every model that takes them."""

import sys

from benchmarks.peers_loops.steps import (
    Encoder,
    Labeler,
    Reader,
    Transcriber,
    chunks,
    find_shots,
    frame_times,
    has_pictures,
    read_frames,
    videos,
    write,
)


def main(archive: str, out: str, weights: str, threads: int) -> None:
    transcribe, label = Transcriber(weights, threads), Labeler(weights, threads)
    read, encode = Reader(threads), Encoder(weights, threads)
    shots, frames, segments = [], [], []
    for path in videos(archive):
        if has_pictures(path):
            found = find_shots(path)
            shots += [{"video": path, "start_s": start_s} for start_s, _ in found]
            for times in chunks(frame_times(found), 16):
                images = read_frames(path, times)
                for time_s, image, name, features in zip(times, images, *label(images), strict=True):
                    frames.append(
                        {"video": path, "time_s": time_s, "label": name, "text": read(image), "embedding": features}
                    )
        heard = transcribe(path)
        for part in chunks(heard, 32):
            vectors = encode([text for _, _, text in part])
            segments += [
                {"video": path, "start_s": start_s, "end_s": end_s, "text": text, "embedding": vector}
                for (start_s, end_s, text), vector in zip(part, vectors, strict=True)
            ]
    write(out, shots=shots, frames=frames, segments=segments)


if __name__ == "__main__":
    main(*sys.argv[1:4], threads=int(sys.argv[4]))
