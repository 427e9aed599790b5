"""Whether the pictures of a video are all there. A whole file must not be called incomplete."""

from __future__ import annotations

from fractions import Fraction

from vidindex.frames.video_files import VideoFile

# Formats whose header tells how long the video is. In others libav guesses it.
TELLING_FORMATS = frozenset({"matroska,webm", "flv"})
# A header may be a little wrong; from this share of missing time on it is taken at its word.
MISSING_SHARE = Fraction(1, 10)
# Less than this at the end is not worth a word: no more than some last frames.
MISSING_S = Fraction(1, 2)
TENTHS_BELOW_S = 10


def why_incomplete(
    video: VideoFile, claimed_s: Fraction, pictures_s: Fraction, *, met_damage: bool
) -> str | None:
    """Return what is wrong with a video of which frames were decoded; None if nothing is known.

    claimed_s, pictures_s: what the header claims, and what there are pictures for, if less.
    met_damage: whether pictures were damaged where frames were looked for.
    """
    if video.is_cut_before_last or video.is_shorter_than_told:
        told = _tell_end(video.claimed_duration_s or Fraction(0), video.end_s or Fraction(0))
    elif pictures_s < claimed_s and _is_claim_credible(video, claimed_s, pictures_s):
        told = _tell_end(claimed_s, pictures_s)
    else:
        told = None
    return told or ("damaged pictures were passed over" if met_damage else None)


def _is_claim_credible(video: VideoFile, claimed_s: Fraction, pictures_s: Fraction) -> bool:
    """Whether a video should be longer, rather than that its sound is, or its header wrong."""
    if video.container.format.name not in TELLING_FORMATS:
        return False
    almost_all_s = claimed_s * (1 - MISSING_SHARE)
    return pictures_s < almost_all_s and not video.has_anything_after(almost_all_s)


def _tell_end(claimed_s: Fraction, end_s: Fraction) -> str | None:
    """Return how much there is; None if only what comes after the pictures is missing."""
    if claimed_s - end_s < MISSING_S:
        return None
    if end_s > claimed_s * (1 - MISSING_SHARE):
        return "the end of the file is missing"
    return f"only the first {_seconds(end_s)} of {_seconds(claimed_s)} could be decoded"


def _seconds(time_s: Fraction) -> str:
    digits = 1 if time_s < TENTHS_BELOW_S else 0
    return f"{float(time_s):.{digits}f} s"
