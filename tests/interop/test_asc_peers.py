#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""test_asc_peers.py - Vector ASC beside python-can and can-utils

    test_asc_peers.py PRINT_LOG

PRINT_LOG is the program tests/interop/print_log: `read FILE` prints a log's
frames, `copy IN OUT` writes what it reads. What peers write we read, and the
other way round. Left out is what the peers are known to get wrong: zero-length
FD frames (python-can takes them for remote ones) and raw DLCs above 8
(can-utils 2020.11 drops such lines).
"""
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import peers  # noqa: E402
from peers import check, ours  # noqa: E402

try:
    import can
    from can.io import ASCReader, ASCWriter
except ImportError:
    peers.missing("python-can")

START = 1483389946


def row(msg):
    return peers.words(msg, "can%s")


def log_lines():
    """A candump log of every kind of frame: its text."""
    lines = []
    data = "".join("%02X" % ((i * 37 + 5) & 0xff) for i in range(64))
    for i in range(400):
        micros = i * 12345
        ident = "%03X" % ((i * 7919) & 0x7ff) if i % 2 else \
                "%08X" % ((i * 104729) & 0x1fffffff)
        body = ("#" + data[:2 * (i // 5 % 9)], "#R%d" % (i % 9),
                "##%d" % (i // 5 % 4) +
                data[:2 * (1, 8, 12, 48, 64)[i // 5 % 5]],
                "#" + data[:16], None)[i % 5]
        text = "20000080#0000000000000000" if body is None else ident + body
        lines.append("(%d.%06d) can%d %s%s" % (
            START + micros // 1000000, micros % 1000000, i % 3, text,
            " T" if i % 4 == 0 and body is not None else " R"))
    return "\n".join(lines) + "\n"


def test_we_write(program, where):
    log = os.path.join(where, "in.log")
    asc = os.path.join(where, "ours.asc")
    with open(log, "w") as out:
        out.write(log_lines())
    expected = ours(program, log)
    subprocess.run([program, "copy", log, asc], check=True)
    check("we write and read", ours(program, asc), expected)
    check("we write, python-can reads",
          [row(m) for m in ASCReader(asc, relative_timestamp=False)],
          expected)
    if shutil.which("asc2log") is None:
        print("can-utils is not installed: left out")
        return
    back = os.path.join(where, "back.log")
    with open(back, "w") as out:
        subprocess.run(["asc2log", "-I", asc], stdout=out, check=True,
                       stderr=subprocess.DEVNULL)
    # Its dates need a locale that may not be here: only frames compare.
    check("we write, asc2log reads",
          [f[1:] for f in ours(program, back)],
          [f[1:] for f in expected])


def test_peers_write(program, where):
    log = os.path.join(where, "in.log")
    asc = os.path.join(where, "theirs.asc")
    expected = ours(program, log)
    writer = ASCWriter(asc)
    for msg in can.io.CanutilsLogReader(log):
        writer(msg)
    writer.log_event("a word in between", START + 5)
    writer.stop()
    theirs = ours(program, asc)
    check("python-can writes, we read",
          [f[1:] for f in theirs if f[2] != "E"],
          [f[1:] for f in expected if f[2] != "E"])
    check("python-can writes, we read the same times",
          [f[0] for f in theirs],
          [row(m)[0] for m in ASCReader(asc, relative_timestamp=False)])
    if shutil.which("log2asc") is None:
        return
    for options in ([], ["-n"], ["-4"]):
        with open(asc, "w") as out:
            subprocess.run(["log2asc", *options, "-I", log, "can0", "can1",
                            "can2"], stdout=out, check=True)
        check("log2asc %s writes, we read" % " ".join(options),
              [f[1:] for f in ours(program, asc)], [f[1:] for f in expected])


def bodies(path):
    """Classic lines behind their stamps."""
    with open(path, newline="") as lines:
        return [line.rstrip("\r\n").split(None, 1)[1] for line in lines
                if " d " in line or " r " in line]


def test_same_bytes(program, where):
    if shutil.which("log2asc") is None:
        return
    log = os.path.join(where, "in.log")
    asc = os.path.join(where, "theirs.asc")
    copy = os.path.join(where, "ours.asc")
    subprocess.run([program, "copy", log, copy], check=True)
    with open(asc, "w") as out:
        subprocess.run(["log2asc", "-I", log, "can0", "can1", "can2"],
                       stdout=out, check=True)
    check("classic lines are log2asc's, byte by byte", bodies(copy),
          bodies(asc))


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as where:
        test_we_write(program, where)
        test_peers_write(program, where)
        test_same_bytes(program, where)
    return peers.verdict()


sys.exit(main())
