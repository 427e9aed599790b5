"""Frames of video files: the only package that imports PyAV and OpenCV.

sample_times says when a video is looked at; video_files and containers open it safely; timeline
finds the frame that is on screen at a time; pictures turns it into RGB as ffmpeg does; sampling
brings these together.
"""

from vidindex.frames.pictures import read_picture
from vidindex.frames.sampling import read_frames
from vidindex.frames.writing import write_video

__all__ = ["read_frames", "read_picture", "write_video"]
