# SPDX-License-Identifier: BSD-3-Clause
# formats_peer.py - python-can's readers and writers, for bench_formats
#
#   formats_peer.py DIR LOG FRAMES
#
# Reads the candump log, writes it in every format into DIR and reads it back.
# A line for each: name, CPU and wall seconds a frame of writing, of reading.
# The frames are made before, and so are not in the time of writing.

import os
import sys
import time

import can


def clocks():
    return time.process_time(), time.perf_counter()


def since(start, n):
    now = clocks()
    return [(b - a) / n for a, b in zip(start, now)]


def write(name, frames):
    start = clocks()
    writer = can.Logger(name)
    for frame in frames:
        writer(frame)
    # It loses what is queued when stopped (python-can 4.1.0): wait.
    while name.endswith(".db") and not writer.buffer.empty():
        time.sleep(0.001)
    writer.stop()
    return since(start, len(frames))


def read(name):
    start = clocks()
    n = 0
    for _ in can.LogReader(name):
        n += 1
    return since(start, n), n


def main():
    where, log, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    frames = []
    for frame in can.LogReader(log):
        # As from a bus; all readers and writers take numbers.
        frame.channel = int(frame.channel[-1])
        frames.append(frame)
        if len(frames) == count:
            break
    for suffix in ("asc", "blf", "csv", "db", "trc"):
        name = os.path.join(where, "peer." + suffix)
        # A database is always appended to.
        if os.path.exists(name):
            os.unlink(name)
        writing = write(name, frames)
        reading, n = read(name)
        assert n == len(frames), (suffix, n)
        print(suffix, *writing, *reading)


main()
