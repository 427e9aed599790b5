"""The published recipe, written out plainly, as a program: what vidindex is held against.

Of the published one-file script it has all that takes time: moviepy reads the video at one frame
per second and keeps every 30th (so each frame of the file is decoded), OpenCV resizes to 299 x 299,
Keras's InceptionV3 cut at avg_pool predicts frame by frame, the features are averaged, and K-Means
with random_state 42 groups the videos. Left out are its reading of a folder of ``*.mp4`` and the
moving of files at the end; the weights are random in place of the published ones, which takes as
long. Importing TensorFlow and building the network are counted apart from a video's seconds.

The script was made for moviepy 1, whose ``iter_frames(fps=1)`` gives a frame for each second at or
above 0 and below the duration. That of moviepy 2 leaves out a last second that is not whole, so
the walk is written out here; both read and decode the same.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SECONDS_BETWEEN_SAMPLES = 30
FRAME_SIZE_PX = 299
SEED = 42
CLUSTERS = 5


def sampled_frames(path: Path) -> list[NDArray[np.uint8]]:
    """Read a video at one frame per second and keep every 30th: (299, 299, 3) uint8 RGB each."""
    import cv2
    from moviepy import VideoFileClip

    frames = []
    with VideoFileClip(str(path)) as clip:
        for second in range(math.ceil(clip.duration)):
            frame = clip.get_frame(second)
            if second % SECONDS_BETWEEN_SAMPLES == 0:
                resized = cv2.resize(frame, (FRAME_SIZE_PX, FRAME_SIZE_PX))
                frames.append(np.asarray(resized, np.uint8))
    return frames


def build_network() -> Any:
    """Build Keras's InceptionV3 with random weights, cut at avg_pool, and predict once."""
    import keras

    keras.utils.set_random_seed(SEED)
    whole = keras.applications.InceptionV3(weights=None)
    model = keras.Model(whole.input, whole.get_layer("avg_pool").output)
    features(model, np.zeros((FRAME_SIZE_PX, FRAME_SIZE_PX, 3), np.uint8))
    return model


def features(model: Any, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Compute the features of one frame: (2048,) float32."""
    from keras.applications.inception_v3 import preprocess_input

    batch = preprocess_input(frame.astype(np.float32)[None])
    return np.asarray(model.predict(batch, verbose=0)[0], np.float32)


def group(vectors: list[NDArray[np.float32]]) -> float:
    """Cluster the videos; returns the seconds that it takes."""
    from sklearn.cluster import KMeans

    begun = time.perf_counter()
    KMeans(n_clusters=min(CLUSTERS, len(vectors)), random_state=SEED).fit(np.stack(vectors))
    return time.perf_counter() - begun


def digests(frames: list[NDArray[np.uint8]]) -> list[str]:
    """Return what tells whether frames are equal bit for bit."""
    return [hashlib.sha256(frame.tobytes()).hexdigest() for frame in frames]


def main() -> None:
    """Describe the videos that are named; print the seconds and digests of each."""
    begun = time.perf_counter()
    model = build_network()
    start_s = time.perf_counter() - begun
    videos, vectors = [], []
    for path in map(Path, sys.argv[1:]):
        begun = time.perf_counter()
        frames = sampled_frames(path)
        read_s = time.perf_counter() - begun
        vectors.append(np.mean([features(model, frame) for frame in frames], axis=0))
        taken_s = time.perf_counter() - begun
        videos.append({"seconds": taken_s, "read_s": read_s, "frames": digests(frames)})
    print(json.dumps({"start_s": start_s, "videos": videos, "cluster_s": group(vectors)}))


if __name__ == "__main__":
    main()
