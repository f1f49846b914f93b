#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""test_pcap_tshark.py - pcap and pcapng captures beside Wireshark's tools

    test_pcap_tshark.py PRINT_PACKETS

PRINT_PACKETS is the program tests/interop/print_packets: `write`, `append`
and `marks FILE` write a capture, `read FILE` prints any log's frames. What we
write tshark, capinfos and editcap read, and the other way round.
"""
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import peers  # noqa: E402
from peers import check, run  # noqa: E402

TOOLS = ("tshark", "capinfos", "editcap")

# tshark's fields, and the class bits of an error frame in their order.
FIELDS = ["frame.time_epoch", "frame.interface_name",
          "frame.packet_flags_direction", "can.id", "can.flags.xtd",
          "can.flags.rtr", "can.flags.err", "canfd.flags.brs",
          "canfd.flags.esi", "can.len", "data.data", "frame.comment",
          "frame.drop_count", "_ws.expert"]
CLASSES = ["can.err." + name for name in (
    "tx_timeout", "lostarb", "ctrl", "prot", "trx", "ack", "busoff",
    "buserror", "restarted")]


def tshark(path):
    """The packets of a capture, each as a dictionary of texts."""
    command = ["tshark", "-r", path, "-n", "-T", "fields", "-E",
               "separator=|", "-E", "occurrence=a",
               # It takes a frame of zero bytes for its own.
               "--disable-protocol", "autosar-nm"]
    for field in FIELDS + CLASSES:
        command += ["-e", field]
    return [dict(zip(FIELDS + CLASSES, line.split("|")))
            for line in run(*command).splitlines()]


def is_set(text):
    return text in ("1", "True")


def theirs(packet):
    """What tshark says, in our words: no channel, no direction."""
    kind = ""
    if is_set(packet["can.flags.err"]):
        # Data of an error frame is in many fields: left out.
        ident = sum(1 << i for i, name in enumerate(CLASSES)
                    if is_set(packet[name]))
        return (packet["frame.time_epoch"], "E", ident, None)
    if is_set(packet["can.flags.xtd"]):
        kind += "x"
    if is_set(packet["can.flags.rtr"]):
        return (packet["frame.time_epoch"], kind + "R",
                int(packet["can.id"]), packet["can.len"])
    if packet["canfd.flags.brs"]:
        kind += "F"
        kind += "b" if is_set(packet["canfd.flags.brs"]) else ""
        kind += "e" if is_set(packet["canfd.flags.esi"]) else ""
    return (packet["frame.time_epoch"], kind, int(packet["can.id"]),
            packet["data.data"])


def place(packet):
    sent = packet["frame.packet_flags_direction"] == "0x00000002"
    return (packet["frame.interface_name"] or "-", "Tx" if sent else "Rx")


def lines(program, path):
    return run(program, "read", path).splitlines()


def is_frame(line):
    return not line.startswith(("event ", "lost "))


def split(program, path):
    return [line.split(" ") for line in lines(program, path)
            if is_frame(line)]


def row(words):
    """A line of print_packets as theirs() gives it."""
    stamp = "%s.%s" % (words[0][:-9], words[0][-9:])
    kind, ident, data = words[2][:-1], int(words[4], 16), words[6][:-1]
    if "E" in kind:
        return (stamp, "E", ident, None)
    if "R" in kind:
        return (stamp, kind, ident, words[5])
    return (stamp, kind, ident, data)


def test_written(program, where, suffix):
    path = os.path.join(where, "ours" + suffix)
    run(program, "write", path)
    ours, packets = split(program, path), tshark(path)
    check(suffix + ": 500 frames", [0] * len(ours), [0] * 500)
    check(suffix + ": we write, tshark reads", [theirs(p) for p in packets],
          [row(words) for words in ours])
    check(suffix + ": nothing to complain of",
          [p["_ws.expert"] for p in packets], [""] * len(ours))
    if suffix == ".pcapng":
        check(suffix + ": channels and directions",
              [place(p) for p in packets],
              [(words[1], words[3]) for words in ours])
    info = run("capinfos", path)
    check(suffix + ": capinfos",
          [text in info for text in ("SocketCAN", "nanoseconds (9)")],
          [True, True])
    run(program, "append", path)
    check(suffix + ": appended", [theirs(p) for p in tshark(path)],
          2 * [row(words) for words in ours])
    check(suffix + ": appended, read by us",
          [row(words) for words in split(program, path)],
          2 * [row(words) for words in ours])


def test_marks(program, where):
    path = os.path.join(where, "marks.pcapng")
    run(program, "marks", path)
    packets = tshark(path)
    check("marks: frames", [theirs(p) for p in packets],
          [row(words) for words in split(program, path)])
    check("marks: comments",
          [(i, p["frame.comment"].split(": ")[-1])
           for i, p in enumerate(packets) if p["frame.comment"]],
          [(0, "engine starts"), (200, "oil is hot")])
    check("marks: lost packets",
          [(i, p["frame.drop_count"]) for i, p in enumerate(packets)
           if p["frame.drop_count"]], [(103, "5")])
    check("marks: read back",
          [line for line in lines(program, path) if not is_frame(line)],
          ["event 1483389946123456789 engine starts",
           "event 1483389946123456989 oil is hot",
           "event 1483389946123456789 engine stops", "lost 5"])


def test_editcap(program, where):
    ours = os.path.join(where, "edit.pcapng")
    path = os.path.join(where, "edit.out")
    run(program, "write", ours)
    expected = split(program, ours)
    for kind, digits in (("nsecpcap", 0), ("pcap", 3), ("pcapng", 0),
                         ("modpcap", None)):
        subprocess.run(["editcap", "-F", kind, ours, path], check=True,
                       stderr=subprocess.DEVNULL)
        if digits is None:
            done = subprocess.run([program, "read", path],
                                  capture_output=True, text=True)
            check("editcap to %s: refused" % kind,
                  [done.returncode, "known format" in done.stderr],
                  [1, True])
            continue
        got = split(program, path)
        want = [list(words) for words in expected]
        for words in want:
            if digits:
                words[0] = words[0][:-digits] + "0" * digits
            if kind != "pcapng":
                words[1], words[3] = "-", "Rx"
        check("editcap to %s, we read" % kind, got, want)


def test_samples(program):
    for name in peers.samples("pcap", "*"):
        # tshark does not see what is FD when the bit for it is clear. One
        # of them has no frames.
        got = [row(w)[:1] + row(w)[2:] for w in split(program, name)]
        expected = [theirs(p)[:1] + theirs(p)[2:] for p in tshark(name)]
        check(os.path.basename(name), [len(got)] + got,
              [len(expected)] + expected)


def main():
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    if absent:
        peers.missing(", ".join(absent))
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as where:
        test_written(program, where, ".pcap")
        test_written(program, where, ".pcapng")
        test_marks(program, where)
        test_editcap(program, where)
    test_samples(program)
    return peers.verdict()


sys.exit(main())
