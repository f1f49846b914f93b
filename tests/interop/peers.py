# SPDX-License-Identifier: BSD-3-Clause
"""peers.py - what the tests beside other programs share

A log of every kind of frame, the same each time; frames in one shape, however
they were read; and evcan's tool, which the variable EVCAN names.
"""
import collections
import glob
import gzip
import json
import os
import random
import re
import subprocess
import sys

SKIP = 77

# Dates are judged in a zone that is not UTC, in its summer.
os.environ["TZ"] = "Europe/Berlin"

EVCAN = os.path.abspath(os.environ.get("EVCAN", "build/evcan"))
CHANNELS = ("can0", "can1", "can2")
# 2019-07-14T15:00:00.197123Z, in microseconds. asc2log 2020.11 understands
# English dates after noon only.
START = 1563116400197123
FD_SIZES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64)
BUS_ERROR = 0x80

# time: microseconds; kind: D data, R remote, F CAN FD, E error; size: bytes,
# or those that a remote frame asks for; an error frame's id is its class.
Frame = collections.namedtuple(
    "Frame", "time channel kind ext id size tx brs esi data")

failures = 0


def missing(what):
    """There is nothing to judge with: at home that is no failure."""
    print("not installed:", what)
    sys.exit(1 if os.environ.get("CI") == "true" else SKIP)


def check(what, got, expected):
    """Equal, and something: a comparison of nothing proves nothing."""
    global failures
    if got == expected and expected:
        print("ok   ", what, "(%d)" % len(got))
        return
    failures += 1
    print("FAILED", what, len(got), "instead of", len(expected))
    for i, (g, e) in enumerate(zip(got, expected)):
        if g != e:
            print("  number  ", i)
            print("  got     ", g)
            print("  expected", e)
            break


def verdict():
    """What a test exits with."""
    return 1 if failures else 0


def make(number=2400, start=START, seed=3):
    """Frames of all kinds in one order, the same in every run."""
    dice = random.Random(seed)
    time = start
    frames = []
    for i in range(number):
        kind = "DDDDRFFFFE"[i % 10] if i < 100 else dice.choice("DDDRFFE")
        ext = dice.random() < 0.5 and kind != "E"
        ident = dice.randrange(1 << (29 if ext else 11))
        size = dice.randrange(9)
        if kind == "F":
            size = dice.choice(FD_SIZES)
        if kind == "E":
            ident, size = 1 << dice.randrange(9), 8
        frames.append(Frame(
            time, dice.choice(CHANNELS), kind, ext, ident, size,
            kind != "E" and dice.random() < 0.3,
            kind == "F" and dice.random() < 0.5,
            kind == "F" and dice.random() < 0.3,
            b"" if kind == "R" else
            bytes(dice.randrange(256) for _ in range(size))))
        # Some stand at the same moment.
        time += dice.choice((0, 1, 47, 999, 12345, 700001))
    return frames


def candump(frame):
    """A line of a candump log, ours and with its own letter of direction."""
    ident = "%08X" % frame.id if frame.ext else "%03X" % frame.id
    body = "#" + frame.data.hex().upper()
    if frame.kind == "E":
        ident = "%08X" % (frame.id | 0x20000000)
    elif frame.kind == "R":
        body = "#R%s" % (frame.size or "")
    elif frame.kind == "F":
        body = "##%d%s" % (frame.brs + 2 * frame.esi, body[1:])
    return "(%d.%06d) %s %s%s %s\n" % (
        frame.time // 1000000, frame.time % 1000000, frame.channel, ident,
        body, "T" if frame.tx else "R")


def write_candump(path, frames):
    with open(path, "w") as out:
        out.writelines(candump(frame) for frame in frames)


LINE = re.compile(r"\((\d+)\.(\d{6}|\d{9})\) (\S+) ([0-9A-F]+)#"
                  r"(#[0-9A-F]|R\d?|)([0-9A-F]*)(?: ([RT]))?")


def parse(line):
    """A line of a candump log that another program wrote, or evcan."""
    found = LINE.fullmatch(line)
    if found is None:
        raise ValueError("not a line of a candump log: " + line)
    sec, nano, channel, ident, mark, data, direction = found.groups()
    number = int(ident, 16)
    kind, flags, size = "D", 0, len(data) // 2
    if len(ident) == 8 and number & 0x20000000:
        kind, number = "E", number & 0x1fffffff
    elif mark.startswith("#"):
        kind, flags = "F", int(mark[1:], 16)
    elif mark.startswith("R"):
        kind, size = "R", int(mark[1:] or 0)
    # A peer's floating point is not exact to the nanosecond.
    return Frame(int(sec) * 1000000 + (int(nano.ljust(9, "0")) + 500) // 1000,
                 channel,
                 kind, kind != "E" and len(ident) == 8, number, size,
                 direction == "T", bool(flags & 1), bool(flags & 2),
                 bytes.fromhex(data))


def run(*command, **more):
    """A program's standard output; what it complains of is shown."""
    done = subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, **more)
    if done.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(command), done.stderr))
    return done.stdout


def convert(source, target, *options):
    run(EVCAN, "convert", "-q", source, target, *options)


def report(source, target, *options):
    """What evcan says of a conversion, by name."""
    done = subprocess.run([EVCAN, "convert", "--json", source, target,
                           *options], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return json.loads(done.stderr)


def read(path, *options):
    """The frames of a log, as evcan reads them."""
    text = run(EVCAN, "convert", "-q", path, "-", "-F", "candump",
               "-O", "decimals=9", "-O", "direction=true", *options)
    return [parse(line) for line in text.splitlines()]


def change(frames, changes):
    """What is left of frames where something is known to get lost.

    @param changes pairs: why, and a function of a frame that gives the frame
    as it comes out, or None if it does not
    """
    for _, function in changes:
        frames = [frame for frame in map(function, frames)
                  if frame is not None]
    return frames


def relative(frames):
    """The same frames, counted from the first."""
    return [frame._replace(time=frame.time - frames[0].time)
            for frame in frames]


def open_text(path):
    return gzip.open(path, "rt") if path.endswith(".gz") else open(path)


# Of those that use the program print_log instead of the tool ----------------


def ours(program, path):
    """A log's frames in print_log's words."""
    return [tuple(line.split(" "))
            for line in run(program, "read", path).splitlines()]


def words(msg, channel="%s", direction=True):
    """A python-can message in print_log's words."""
    kind = ("E" if msg.is_error_frame else "R" if msg.is_remote_frame else
            "F" if msg.is_fd else "D")
    bits = ("b" if msg.bitrate_switch else "") + \
           ("e" if msg.error_state_indicator else "")
    ident = "-" if msg.is_error_frame else "%x" % msg.arbitration_id
    data = "-" if msg.is_error_frame else bytes(msg.data).hex()
    return ("%.6f" % msg.timestamp, channel % msg.channel, kind + bits,
            ident, "x" if msg.is_extended_id and not msg.is_error_frame
            else "s", "Rx" if msg.is_rx or not direction else "Tx", data)


def samples(kind, pattern):
    """The real logs of that kind, if there are any here."""
    where = os.environ.get("EVCAN_SAMPLES")
    if not where:
        print("EVCAN_SAMPLES is not set: no samples")
        return []
    names = sorted(glob.glob(os.path.join(where, kind, pattern)))
    check("there are samples", [len(names) > 0], [True])
    return names
