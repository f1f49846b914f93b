#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""test_can_utils.py - evcan's tool beside can-utils' programs for logs

    test_can_utils.py

log2long reads candump logs that evcan made of every format, asc2log its ASC
logs, times and dates too, and evcan reads what log2asc writes in every way it
has. canplayer needs CAN sockets: tests/vm/guest/socketcan_peers.sh has it.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import peers  # noqa: E402
from peers import change, check, convert, make, read, relative  # noqa: E402

TOOLS = ("asc2log", "log2asc", "log2long")
CLOCK = re.compile(r"\((\d+)\.(\d{6})\)\s+(\S+)\s+(.*)")
LONG = re.compile(r"([0-9A-F]+)\s+(\[\d+\])\s*(remote request|(?:[0-9A-F]{2}"
                  r"(?: |$))*)\s*(?:'.*')?(ERRORFRAME)?.*")


def filter_log(tool, path):
    """A program that reads its input, and what it makes of a file."""
    with open(path) as log:
        return subprocess.run([tool], stdin=log, check=True, text=True,
                              stdout=subprocess.PIPE).stdout


def frame_of(line):
    """A line of log2long's, which shows neither direction nor CAN FD's bits;
    its lengths have two digits in CAN FD frames."""
    seconds, part, channel, rest = CLOCK.fullmatch(line).groups()
    ident, size, data, error = LONG.fullmatch(rest).groups()
    remote = data == "remote request"
    kind = "E" if error else "R" if remote else \
        "F" if len(size) == 4 else "D"
    number = int(ident, 16)
    return peers.Frame(
        int(seconds) * 1000000 + int(part), channel, kind,
        len(ident) == 8 and not error,
        number & 0x1fffffff if error else number, int(size[1:-1]), False,
        False, False, b"" if remote else bytes.fromhex(data))


def long_form(frame):
    return frame._replace(tx=False, brs=False, esi=False)


def test_candump(where):
    """Through a format that keeps everything, and straight."""
    log = os.path.join(where, "in.log")
    frames = make(3000)
    peers.write_candump(log, frames)
    for name in ("copy.log", "copy.blf", "copy.mf4", "copy.pcapng",
                 "copy.log.gz"):
        path = os.path.join(where, name)
        back = os.path.join(where, "back.log")
        convert(log, path)
        for direction in ("false", "true"):
            convert(path, back, "-O", "direction=" + direction)
            check("%s to candump, direction=%s: log2long reads" %
                  (name, direction),
                  [frame_of(line) for line in
                   filter_log("log2long", back).splitlines()],
                  [long_form(frame) for frame in frames])


# ASC -------------------------------------------------------------------------

# In ASC an error frame is only told to be one; asc2log and evcan both make a
# bus error of it.
BARE = [("an error frame has no details",
         lambda frame: frame._replace(id=peers.BUS_ERROR, data=bytes(8))
         if frame.kind == "E" else frame)]


def locale(where):
    """asc2log reads dates in the locale en_US only: one for itself.

    @return its environment
    """
    if shutil.which("localedef") is None:
        peers.missing("localedef")
    # It warns of nothing that matters here; a failure leaves no such file.
    subprocess.run(["localedef", "-i", "en_US", "-f", "ISO-8859-1",
                    os.path.join(where, "en_US")], check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if not os.path.exists(os.path.join(where, "en_US", "LC_TIME")):
        peers.missing("the locale en_US to make one of (package locales)")
    return dict(os.environ, LOCPATH=where, LC_ALL="C", TZ="UTC")


def same_hour(frames, start):
    """asc2log leaves open whether a date is one of summer time, so that
    all may be an hour off, differently from run to run."""
    off = frames[0].time - start
    return [frame._replace(time=frame.time - off) for frame in frames] \
        if abs(off) == 3600 * 1000000 else frames


def asc2log(path, env):
    done = subprocess.run(["asc2log", "-I", path], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=env)
    return [peers.parse(line) for line in done.stdout.splitlines()]


def test_asc2log(where):
    log = os.path.join(where, "in.log")
    asc = os.path.join(where, "ours.asc")
    env = locale(where)
    for option, kinds in (("timestamps_format=absolute", "DRFE"),
                          # It does not add up the steps of CAN FD lines.
                          ("timestamps_format=relative", "DRE"),
                          ("base=dec", "DRFE")):
        frames = [frame for frame in make(3000) if frame.kind in kinds]
        peers.write_candump(log, frames)
        convert(log, asc, "-O", "tz=utc", "-O", option)
        got = asc2log(asc, env)
        expected = change(frames, BARE)
        check("we write ASC with %s, asc2log reads" % option,
              same_hour(got, peers.START), expected)


def test_log2asc(where):
    """Its start has only seconds, the rest of the first stamp is lost."""
    log = os.path.join(where, "in.log")
    asc = os.path.join(where, "theirs.asc")
    frames = make(3000)
    peers.write_candump(log, frames)
    whole = peers.START // 1000000 * 1000000
    for options in ((), ("-n",), ("-4",), ("-f",), ("-f", "-r"), ("-r",)):
        changes = list(BARE)
        if "-4" in options:
            changes.append(("stamps have four digits", lambda frame:
                            frame._replace(time=frame.time // 100 * 100)))
        if "-f" in options:
            changes.append(("an error frame is written as a data frame",
                            lambda frame: None if frame.kind == "E"
                            else frame))
        if "-r" in options and "-f" not in options:
            changes.append(("a remote frame has no length", lambda frame:
                            frame._replace(size=0) if frame.kind == "R"
                            else frame))
        given = [frame for frame in frames
                 if "-f" not in options or frame.kind != "E"]
        peers.write_candump(log, given)
        subprocess.run(["log2asc", "-I", log, "-O", asc, *options,
                        *peers.CHANNELS], check=True)
        expected = change([frame._replace(time=frame.time + whole)
                           for frame in relative(given)], changes)
        check("log2asc %s writes, we read" % " ".join(options), read(asc),
              expected)
        # And on, through what keeps all of it.
        blf = os.path.join(where, "theirs.blf")
        convert(asc, blf)
        check("log2asc %s writes, we make a BLF" % " ".join(options),
              read(blf), expected)


def main():
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    if absent:
        peers.missing(", ".join(absent))
    for test in (test_candump, test_asc2log, test_log2asc):
        with tempfile.TemporaryDirectory() as where:
            test(where)
    return peers.verdict()


sys.exit(main())
