#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""test_blf_tshark.py - Vector BLF beside Wireshark's tshark

    test_blf_tshark.py

What evcan writes tshark reads, and what it makes of that evcan reads again.
tshark passes over error frames in BLF, and up to 4.0 it does not tell CAN FD
frames from classic ones there: all else must be the same.
"""
import os
import re
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True

import peers  # noqa: E402
from peers import check, convert, make, read  # noqa: E402

FIELDS = ("frame.time_epoch", "frame.interface_name",
          "frame.packet_flags_direction", "can.id", "can.flags.xtd",
          "can.flags.rtr", "can.flags.err", "canfd.flags.brs",
          "canfd.flags.esi", "can.len", "data.data", "_ws.expert")


def is_set(text):
    return text in ("1", "True")


def frame_of(packet):
    seconds, part = packet["frame.time_epoch"].split(".")
    if packet["_ws.expert"]:
        raise ValueError("tshark complains: " + packet["_ws.expert"])
    kind = ("E" if is_set(packet["can.flags.err"]) else
            "R" if is_set(packet["can.flags.rtr"]) else
            "F" if packet["canfd.flags.brs"] else "D")
    number = int(re.fullmatch(r"CAN-(\d+)",
                              packet["frame.interface_name"]).group(1))
    return peers.Frame(
        int(seconds) * 1000000 + int(part[:6]), "can%d" % (number - 1), kind,
        is_set(packet["can.flags.xtd"]), int(packet["can.id"]),
        int(packet["can.len"]),
        packet["frame.packet_flags_direction"] == "0x00000002",
        is_set(packet["canfd.flags.brs"]), is_set(packet["canfd.flags.esi"]),
        bytes.fromhex(packet["data.data"]))


def tshark(path):
    """The frames of a log without errors, as tshark reads them."""
    command = ["tshark", "-r", path, "-n", "-T", "fields", "-E",
               "separator=|", "-E", "occurrence=a",
               # It takes a frame of zero bytes for its own.
               "--disable-protocol", "autosar-nm"]
    for field in FIELDS:
        command += ["-e", field]
    packets = [dict(zip(FIELDS, line.split("|")))
               for line in peers.run(*command).splitlines()]
    return [frame for frame in map(frame_of, packets) if frame.kind != "E"]


def no_fd(frames):
    return [frame._replace(kind="D", brs=False, esi=False)
            if frame.kind == "F" else frame for frame in frames]


class Version:
    """What the tshark at hand makes of a BLF file."""

    def __init__(self, where):
        log = os.path.join(where, "one.log")
        blf = os.path.join(where, "one.blf")
        one = [frame for frame in make(100) if frame.kind == "F"][:1]
        peers.write_candump(log, one)
        convert(log, blf, "-O", "tz=local")
        got = tshark(blf)[0]
        self.tz = "local" if got.time == one[0].time else "utc"
        self.knows_fd = got.kind == "F"
        print("tshark takes dates in BLF for", self.tz, "ones and shows",
              "all" if self.knows_fd else "no", "flags of CAN FD")

    def seen(self, frames):
        frames = [frame for frame in frames if frame.kind != "E"]
        return frames if self.knows_fd else no_fd(frames)


def test_shapes(where, version):
    log = os.path.join(where, "in.log")
    blf = os.path.join(where, "ours.blf")
    frames = make(3000)
    peers.write_candump(log, frames)
    for shape in ((), ("compression_level=0",), ("compression_level=9",),
                  ("max_container_size=1000", "threads=2"),
                  ("codec=zlib",)):
        convert(log, blf, "-O", "tz=" + version.tz,
                *(word for pair in shape for word in ("-O", pair)))
        check("we write %s, tshark reads" % (" ".join(shape) or "a BLF"),
              tshark(blf), version.seen(frames))


def test_append(where, version):
    log = os.path.join(where, "part.log")
    blf = os.path.join(where, "append.blf")
    frames = make(2000)
    for i in range(0, len(frames), 500):
        peers.write_candump(log, frames[i:i + 500])
        convert(log, blf, "-O", "tz=" + version.tz, *(["-a"] if i else []))
    check("we append, tshark reads", tshark(blf), version.seen(frames))


def test_marks(where, version):
    """Lines of text and names of channels are objects that it passes over."""
    asc = os.path.join(where, "marks.asc")
    blf = os.path.join(where, "marks.blf")
    log = os.path.join(where, "in.log")
    frames = make(2000)
    peers.write_candump(log, [frame._replace(channel="body" + frame.channel)
                              for frame in frames])
    convert(log, asc)
    with open(asc) as text:
        lines = text.readlines()
    with open(asc, "w") as text:
        for i, line in enumerate(lines):
            text.write(line)
            if i % 100 == 50:
                text.write("%s mark %d\n" % (line.split()[0], i))
    counts = peers.report(asc, blf, "-O", "tz=" + version.tz)
    check("marks are passed on", [counts["read"], counts["events"],
                                  counts["without-event"]], [2000, 20, 0])
    check("we write marks and names, tshark reads", tshark(blf),
          version.seen(frames))


def test_back(where, version):
    """tshark turns our BLF into pcapng, which we read."""
    log = os.path.join(where, "in.log")
    blf = os.path.join(where, "ours.blf")
    capture = os.path.join(where, "back.pcapng")
    frames = make(3000)
    peers.write_candump(log, frames)
    convert(log, blf, "-O", "tz=" + version.tz)
    peers.run("tshark", "-r", blf, "-F", "pcapng", "-w", capture)
    got = read(capture)
    check("we write, tshark writes pcapng, we read",
          got if version.knows_fd else no_fd(got), version.seen(frames))


def main():
    if shutil.which("tshark") is None:
        peers.missing("tshark")
    with tempfile.TemporaryDirectory() as where:
        version = Version(where)
        for test in (test_shapes, test_append, test_marks, test_back):
            test(where, version)
    return peers.verdict()


sys.exit(main())
