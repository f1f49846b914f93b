#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""test_candump_python.py - candump logs beside python-can and can-utils

    test_candump_python.py PRINT_LOG

PRINT_LOG is the program tests/interop/print_log: `read FILE` prints a log's
frames, `copy IN OUT` writes what it reads, with R and T if a third word
`direction` follows. What peers write we read, and the other way round.
"""
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import peers  # noqa: E402
from peers import check, ours, words  # noqa: E402

try:
    import can
    from can.io import CanutilsLogReader, CanutilsLogWriter
except ImportError:
    peers.missing("python-can")


def messages():
    """One of each kind that python-can can write."""
    result = []
    for i in range(200):
        kind = i % 5
        common = {"timestamp": 1483389946.0 + i * 0.001,
                  "channel": "can%d" % (i % 3), "is_rx": i % 4 != 0,
                  "is_extended_id": i % 2 == 1,
                  "arbitration_id": (i * 7919) & 0x7ff if i % 2 == 0
                  else (i * 104729) & 0x1fffffff}
        data = bytes((i * j) & 0xff for j in range(64))
        if kind == 0:
            msg = can.Message(data=data[:i % 9], **common)
        elif kind == 1:
            msg = can.Message(is_remote_frame=True, dlc=0, **common)
        elif kind == 2:
            msg = can.Message(is_fd=True, data=data[:(0, 12, 64)[i % 3]],
                              bitrate_switch=i % 4 < 2, **common)
        elif kind == 3:
            msg = can.Message(is_fd=True, error_state_indicator=True,
                              data=data[:8], **common)
        else:
            msg = can.Message(data=data[:8], **common)
        result.append(msg)
    return result


def test_python_can(program, where):
    theirs = os.path.join(where, "theirs.log")
    copy = os.path.join(where, "copy.log")
    frames = messages()
    writer = CanutilsLogWriter(theirs)
    for msg in frames:
        writer(msg)
    writer.stop()
    expected = [words(m) for m in frames]
    check("python-can writes, we read", ours(program, theirs), expected)
    subprocess.run([program, "copy", theirs, copy, "direction"], check=True)
    check("we write, python-can reads",
          [words(m) for m in CanutilsLogReader(copy)], expected)
    subprocess.run([program, "copy", theirs, copy], check=True)
    check("we write without R and T, python-can reads",
          [words(m) for m in CanutilsLogReader(copy)],
          [words(m, direction=False) for m in frames])


def test_can_utils(program, where):
    if shutil.which("log2asc") is None or shutil.which("asc2log") is None:
        print("can-utils is not installed: left out")
        return
    theirs = os.path.join(where, "theirs.log")
    copy = os.path.join(where, "copy.log")
    asc = os.path.join(where, "copy.asc")
    back = os.path.join(where, "back.log")
    subprocess.run([program, "copy", theirs, copy, "direction"], check=True)
    with open(asc, "w") as out:
        subprocess.run(["log2asc", "-I", copy, "can0", "can1", "can2"],
                       stdout=out, check=True)
    with open(back, "w") as out:
        subprocess.run(["asc2log", "-I", asc], stdout=out, check=True)
    # Times are those of the ASC file: only the frames are compared.
    check("we write, log2asc and asc2log, we read",
          [f[2:] for f in ours(program, back)],
          [f[2:] for f in ours(program, copy)])


def test_samples(program):
    for name in peers.samples("candump", "*.log"):
        expected = [words(m) for m in CanutilsLogReader(name)]
        got = ours(program, name)
        # python-can knows one error frame only: the rest compares.
        pairs = [(g, e) for g, e in zip(got, expected)
                 if g[2] != "E" and e[2] != "E"]
        check(os.path.basename(name) + ": frames", [0] * len(got),
              [0] * len(expected))
        check(os.path.basename(name), [p[0] for p in pairs],
              [p[1] for p in pairs])


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as where:
        test_python_can(program, where)
        test_can_utils(program, where)
    test_samples(program)
    return peers.verdict()


sys.exit(main())
