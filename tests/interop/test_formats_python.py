#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""test_formats_python.py - logs of every format beside python-can

    test_formats_python.py

What evcan writes python-can reads, and the other way round, frame by frame;
also where one appends to the other's file, where the file is compressed, and
where it is one of several that size has divided. What python-can is known to
lose is listed, each with the reason: nothing else may differ.
"""
import glob
import logging
import os
import re
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import peers  # noqa: E402
from peers import change, check, convert, make, read, relative  # noqa: E402

try:
    import can
except ImportError:
    peers.missing("python-can")

UTC = ("-O", "tz=utc")
FROM_UTC = ("--input-option", "tz=utc")
# The start has only milliseconds in python-can's ASC and BLF: it drops the
# rest, where evcan keeps it in the frames' own times.
WHOLE = peers.START // 1000 * 1000

# What a reader or a writer does not keep -----------------------------------


def without(**fields):
    return lambda frame: frame._replace(**fields)


def only(kind, change_it):
    return lambda frame: change_it(frame) if frame.kind in kind else frame


def drop(kind):
    return lambda frame: None if frame.kind in kind else frame


def short_fd(frame):
    """evcan takes what has more than 8 bytes for a CAN FD frame."""
    return frame._replace(kind="D") if frame.size <= 8 else frame


def empty_fd(frame):
    return frame._replace(kind="f") \
        if frame.kind == "F" and frame.size == 0 else frame


def other_error(frame):
    return frame if frame.id == peers.BUS_ERROR else \
        frame._replace(kind="D", ext=True)


def tenths(frame):
    return frame._replace(time=frame.time // 100 * 100)


NAMELESS = without(id=0, ext=False, size=0, data=b"")
COLUMNS = [
    ("there is no column for the channel", without(channel=None)),
    ("there is no column for the direction", without(tx=False)),
    ("there is no column for what CAN FD has besides its data",
     without(brs=False, esi=False)),
]
NO_FD = [("there is no column for CAN FD", only("F", without(kind="D")))]
SHORT_FD = [("there is no column for CAN FD", only("F", short_fd))]

# By the suffix: what python-can does not read of what evcan writes.
NOT_READ = {
    ".asc": [
        ("an error frame is only told to be one", only("E", NAMELESS)),
        ("a CAN FD frame of no bytes is taken for a remote one", empty_fd),
    ],
    ".blf": [],
    ".csv": COLUMNS + NO_FD,
    ".db": COLUMNS + NO_FD,
    ".log": [
        ("error frames other than bus errors are taken for data",
         only("E", other_error)),
        ("of a bus error only the time is kept",
         only("E", without(id=0, size=0, data=b"", channel=None))),
    ],
    "2.1": [
        ("rows of other types than DT are passed over", drop("REF")),
    ],
    "1.1": [
        ("rows of type Error are passed over", drop("E")),
        ("there is no column for the bus: all are 1", without(channel="can1")),
        ("there are tenths of milliseconds", tenths),
    ],
}

# What python-can does not write of what it is given.
NOT_WRITTEN = {
    ".asc": [
        ("error frames are written without anything, on channel 1",
         only("E", lambda frame: NAMELESS(frame)._replace(channel="can0"))),
    ],
    ".blf": [],
    ".csv": COLUMNS + SHORT_FD,
    ".db": COLUMNS + SHORT_FD,
    ".log": [
        ("a remote frame is written without its length",
         only("R", without(size=0))),
        ("an error frame is always written as a bus error",
         only("E", without(id=peers.BUS_ERROR))),
    ],
    "2.1": [
        ("remote, error and CAN FD frames are refused", drop("REF")),
    ],
    "1.0": [
        ("remote, error and CAN FD frames are refused", drop("REF")),
        ("there is no column for the bus", without(channel="can0")),
        ("there is no column for the direction", without(tx=False)),
    ],
}

# python-can's messages and frames -------------------------------------------


def message(frame):
    return can.Message(
        timestamp=frame.time / 1e6, channel=frame.channel,
        arbitration_id=frame.id, is_extended_id=frame.ext,
        is_remote_frame=frame.kind == "R", is_error_frame=frame.kind == "E",
        is_fd=frame.kind == "F", is_rx=not frame.tx, dlc=frame.size,
        bitrate_switch=frame.brs, error_state_indicator=frame.esi,
        data=None if frame.kind == "R" else frame.data)


def frame_of(msg):
    kind = ("E" if msg.is_error_frame else "R" if msg.is_remote_frame else
            "F" if msg.is_fd else "D")
    if kind == "R" and msg.is_fd:
        kind = "f"
    channel = "can%d" % msg.channel if isinstance(msg.channel, int) else \
        msg.channel
    # It takes all error frames for extended ones where it does not know.
    ext = msg.is_extended_id and kind != "E"
    return peers.Frame(round(msg.timestamp * 1e6), channel, kind, ext,
                       msg.arbitration_id, msg.dlc, not msg.is_rx,
                       msg.bitrate_switch, msg.error_state_indicator,
                       bytes(msg.data))


def theirs(path):
    """The frames of a log, as python-can reads them."""
    more = {}
    if ".asc" in path:
        more["relative_timestamp"] = False
    reader = can.LogReader(path, **more)
    frames = [frame_of(msg) for msg in reader]
    reader.stop()
    return frames


def wait_for(true, seconds=60):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)


def write(path, frames, append=False):
    more = {"append": True} if append and not path.endswith(".db") else {}
    writer = can.Logger(path, **more)
    for frame in frames:
        writer(message(frame))
    if path.endswith(".db"):
        # Else it forgets what waits in its queue.
        wait_for(lambda: writer.num_frames >= len(frames))
    writer.stop()


def blf_zone(where):
    """python-can took dates in BLF for local ones once, and for UTC later."""
    path = os.path.join(where, "zone.blf")
    write(path, [make(1)[0]])
    for hour, tz in ((17, "local"), (15, "utc")):
        with open(path, "rb") as blf:
            if blf.read(50)[48] == hour:
                return tz
    return "neither"


def options(suffix, tz):
    """For evcan, to write and to read what python-can calls the same."""
    if suffix == ".blf":
        return ("-O", "tz=" + tz), ("--input-option", "tz=" + tz)
    if suffix == ".log":
        return ("-O", "direction=true"), ()
    return (), ()


def as_ours(frames):
    """evcan's candump log names a channel even where there is none."""
    return [frame._replace(channel=frame.channel or "vcan0")
            for frame in frames]


# Tests -----------------------------------------------------------------------

TEXT = (".asc.gz", ".csv.gz", ".log.gz")


def test_we_write(where, tz):
    log = os.path.join(where, "in.log")
    frames = make()
    peers.write_candump(log, frames)
    for suffix in (".asc", ".blf", ".csv", ".db", ".log") + TEXT:
        path = os.path.join(where, "ours" + suffix)
        kind = suffix.replace(".gz", "")
        convert(log, path, *options(kind, tz)[0])
        check("we write %s, python-can reads" % suffix, theirs(path),
              change(frames, NOT_READ[kind]))


def test_we_write_containers(where, tz):
    """BLF in all its shapes: stored, small, on threads, by each codec."""
    log = os.path.join(where, "in.log")
    path = os.path.join(where, "shape.blf")
    frames = make()
    peers.write_candump(log, frames)
    for shape in (("compression_level=0",), ("compression_level=9",),
                  ("max_container_size=128",), ("max_container_size=1000",
                                                "threads=2"),
                  ("codec=zlib",)):
        convert(log, path, "-O", "tz=" + tz,
                *(word for pair in shape for word in ("-O", pair)))
        check("we write .blf with %s, python-can reads" % " ".join(shape),
              theirs(path), frames)


def trc_start(path):
    """The date in the header of a trace, in microseconds."""
    with peers.open_text(path) as trace:
        days = re.search(r"\$STARTTIME=([0-9.]+)", trace.read()).group(1)
    # Days since 1899-12-30; as many digits as there are count.
    whole, part = days.split(".")
    return (int(whole) - 25569) * 86400000000 + \
        round(int(part) * 86400000000 / 10 ** len(part))


def test_we_write_trc(where):
    log = os.path.join(where, "in.log")
    for version, kinds, suffix in (("2.1", "DRFE", ".trc"),
                                   ("2.1", "DRFE", ".trc.gz"),
                                   ("1.1", "DE", ".trc")):
        # Its reader of 1.1 ends at the letters RTR, and what is CAN FD has
        # no place there: remote and CAN FD frames are not given.
        frames = [frame for frame in make(4000) if frame.kind in kinds]
        path = os.path.join(where, "ours" + suffix)
        peers.write_candump(log, frames)
        convert(log, path, *UTC, "-O", "version=" + version)
        start = trc_start(path)
        got = [frame._replace(channel="can%d" % (int(frame.channel[3:]) - 1)
                              if version == "2.1" else frame.channel)
               for frame in theirs(path)]
        if got[0].time < 31536000000000:
            # Version 4.1 does not read the date.
            got = [frame._replace(time=frame.time + start) for frame in got]
        check("we write %s %s, python-can reads" % (suffix, version), got,
              change(frames, NOT_READ[version]))


def test_they_write(where, tz):
    frames = make(start=WHOLE)
    for suffix in (".asc", ".blf", ".csv", ".db", ".log") + TEXT:
        path = os.path.join(where, "theirs" + suffix)
        kind = suffix.replace(".gz", "")
        write(path, frames)
        got = read(path, *options(kind, tz)[1])
        expected = as_ours(change(frames, NOT_WRITTEN[kind]))
        if kind == ".asc":
            # What evcan makes of an error frame without details.
            got = [only("E", NAMELESS)(frame) for frame in got]
        check("python-can writes %s, we read" % suffix, got, expected)


def test_they_write_trc(where):
    """Its start is the time of writing and the frame's added: times compare
    from the first frame on."""
    frames = relative(change(make(4000), NOT_WRITTEN["2.1"]))
    for suffix in (".trc", ".trc.gz"):
        path = os.path.join(where, "theirs" + suffix)
        write(path, make(4000))
        check("python-can writes %s 2.1, we read" % suffix,
              relative(read(path, *FROM_UTC)), frames)
    path = os.path.join(where, "theirs.trc")
    writer = can.TRCWriter(path)
    writer.file_version = can.TRCFileVersion.V1_0
    for frame in make(4000):
        writer(message(frame))
    writer.stop()
    got = relative(read(path, *FROM_UTC))
    expected = relative(change(make(4000), NOT_WRITTEN["1.0"]))
    late = [(g.time, e.time) for g, e in zip(got, expected)
            if abs(g.time - e.time) > 1000]
    check("python-can writes .trc 1.0, we read: times to 1 ms", [late], [[]])
    check("python-can writes .trc 1.0, we read",
          [frame._replace(time=0) for frame in got],
          [frame._replace(time=0) for frame in expected])


def test_append(where, tz):
    """One begins a file, the other goes on, the first goes on again."""
    log = os.path.join(where, "part.log")
    frames = make(start=WHOLE)
    parts = [frames[:800], frames[800:1600], frames[1600:]]
    for suffix in (".blf", ".csv", ".db", ".log"):
        writing, reading = options(suffix, tz)
        for we in ((0, 2), (1,)):
            path = os.path.join(where, "append%d%s" % (we[0], suffix))
            expected = []
            for i, part in enumerate(parts):
                if i in we:
                    peers.write_candump(log, part)
                    convert(log, path, *writing, *(["-a"] if i > 0 else []))
                    if suffix in (".csv", ".db"):
                        part = change(part, NOT_WRITTEN[suffix])
                else:
                    write(path, part, append=i > 0)
                    part = change(part, NOT_WRITTEN[suffix])
                expected += part
            who = "%s, %s" % (suffix, "".join(
                "we " if i in we else "they " for i in range(len(parts))))
            check("append %s: we read" % who, read(path, *reading),
                  as_ours(expected))
            check("append %s: they read" % who, theirs(path),
                  change(expected, NOT_READ[suffix]))


def shape(path):
    """The name of a file that is complete, without its date."""
    return re.sub(r"\d{4}-\d\d-\d\dT\d{6}", "DATE",
                  re.sub(r"#\d+", "#000", os.path.basename(path)))


def pieces(where, suffix):
    """The files of one log in the order in which they were written."""
    found = [path for path in glob.glob(os.path.join(where, "*"))
             if "#" in path]
    found.sort(key=lambda path: int(re.search(r"#(\d+)", path).group(1)))
    numbers = [re.search(r"#(\d+)", path).group(1) for path in found]
    return found + [os.path.join(where, "drive" + suffix)], numbers


def test_rotation(where, tz):
    log = os.path.join(where, "in.log")
    frames = make()
    most = 15000
    peers.write_candump(log, frames)
    for suffix in (".asc", ".blf", ".csv", ".log", ".txt"):
        ours = os.path.join(where, "ours" + suffix)
        other = os.path.join(where, "theirs" + suffix)
        os.mkdir(ours)
        os.mkdir(other)
        logger = can.SizedRotatingLogger(
            os.path.join(other, "drive" + suffix), max_bytes=most)
        for frame in frames:
            logger(message(frame))
        logger.stop()
        convert(log, os.path.join(ours, "drive" + suffix), "-s", str(most),
                *options(suffix, tz)[0])
        files, numbers = pieces(ours, suffix)
        check("rotate %s: names" % suffix, sorted({shape(f) for f in files}),
              sorted({shape(f) for f in pieces(other, suffix)[0]}))
        check("rotate %s: numbers" % suffix, numbers,
              ["%03d" % i for i in range(len(numbers))])
        if suffix == ".txt":
            # Nobody reads these: a line for each frame.
            check("rotate .txt: lines",
                  [sum(line.startswith("Timestamp: ") for path in files
                       for line in peers.open_text(path))], [len(frames)])
            continue
        check("rotate %s: python-can reads all files" % suffix,
              [frame for path in files for frame in theirs(path)],
              change(frames, NOT_READ[suffix]))
    rotate_packed(where, log, frames)


def rotate_packed(where, log, frames):
    """SizedRotatingLogger refuses such names, but has one for them."""
    ours = os.path.join(where, "ours.gz")
    os.mkdir(ours)
    convert(log, os.path.join(ours, "drive.csv.gz"), "-s", "10k")
    logger = can.SizedRotatingLogger(os.path.join(where, "drive.csv"))
    logger.base_filename = os.path.join(where, "drive.csv.gz")
    expected = logger._default_name()
    logger.stop()
    files = pieces(ours, ".csv.gz")[0]
    check("rotate .csv.gz: names", sorted({shape(f) for f in files[:-1]}),
          [shape(expected)])
    check("rotate .csv.gz: python-can reads all files",
          [frame for path in files for frame in theirs(path)],
          change(frames, NOT_READ[".csv"]))


def test_marks(where, tz):
    """Lines of text between the frames, and names of channels that are not
    their numbers', must not disturb who does not know them."""
    first = os.path.join(where, "theirs.blf")
    # Times that are exact in floating point: ours are cut, not rounded.
    frames = [frame._replace(channel="can%d" % (i % 2),
                             time=peers.START // 1000000 * 1000000 + i * 15625)
              for i, frame in enumerate(make(500))]
    writer = can.BLFWriter(first)
    for i, frame in enumerate(frames):
        if i % 100 == 50:
            writer.log_event("mark %d" % i, frame.time / 1e6)
        writer(message(frame))
    writer.stop()
    for suffix in (".blf", ".asc", ".trc"):
        path = os.path.join(where, "ours" + suffix)
        counts = peers.report(
            first, path, "--input-option", "tz=" + tz,
            "--input-option", "channels=body=1,engine=2",
            *(UTC if suffix == ".trc" else options(suffix, tz)[0]))
        check("marks of python-can in %s" % suffix,
              [counts["read"], counts["events"], counts["without-event"]],
              [500, 5, 0])
        if suffix != ".blf":    # which is compressed
            check("names in %s" % suffix,
                  re.findall("body|engine", peers.open_text(path).read()),
                  ["body", "engine"])
        got = theirs(path)
        expected = change(frames, NOT_READ[
            "2.1" if suffix == ".trc" else suffix])
        if suffix == ".trc":
            got, expected = relative(got), relative(expected)
            got = [frame._replace(channel="can%d" % (
                int(frame.channel[3:]) - 1)) for frame in got]
        check("we write marks and names into %s, python-can reads" % suffix,
              got, expected)


def main():
    time.tzset()
    logging.getLogger("can").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as where:
        tz = blf_zone(where)
        print("python-can", can.__version__, "writes BLF in", tz, "time")
    for test in (test_we_write, test_we_write_containers, test_they_write,
                 test_append, test_rotation, test_marks):
        with tempfile.TemporaryDirectory() as where:
            test(where, tz)
    for test in (test_we_write_trc, test_they_write_trc):
        with tempfile.TemporaryDirectory() as where:
            test(where)
    return peers.verdict()


sys.exit(main())
