#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# test_frame_python.py - str(Message) and its check, beside evcan's
"""usage: test_frame_python.py PRINT_FRAMES [COUNT]

Makes frames, gives them to python-can and to the program print_frames, and
compares the lines byte by byte; also whether each thinks the frame valid.
Needs Debian's python3-can (4.1.0)."""

import random
import subprocess
import sys

try:
    import can
except ImportError:
    print("python3-can is not installed: apt-get install python3-can")
    sys.exit(77)

EXT, RTR, ERR, FD, BRS, ESI = 1, 2, 4, 8, 16, 32
LENGTHS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64)
CHANNELS = ("-", "can0", "vcan0", "0", "PCAN_USBBUS1", "/dev/ttyUSB0",
            "Kan\u00e4le 1", "a b  ", "\u8eca")


def len2dlc(length):
    return next(i for i, n in enumerate(LENGTHS) if n >= length)


def random_time(rng):
    return rng.choice((
        0,
        rng.randrange(10**18, 2 * 10**18),                # any ns of today
        rng.randrange(10**9, 2 * 10**9) * 10**9 + rng.randrange(10**6) * 1000,
        rng.randrange(10**9),
        rng.randrange(10**13),
        rng.randrange(2**63),
        rng.randrange(2 * 10**9) * 500,                   # halves of us
        rng.randrange(1, 10**9) * 10**9 - rng.randrange(1, 1000),
        -rng.randrange(10**12),
    ))


def random_data(rng, length):
    kind = rng.randrange(4)
    if kind == 0:
        return bytes(rng.choice(b"azAZ09mM5") for _ in range(length))
    if kind == 1:
        return bytes(rng.choice(b"az@[`{/:_ \x00") for _ in range(length))
    return bytes(rng.randrange(256) for _ in range(length))


def random_frame(rng):
    flags = rng.randrange(64)
    if rng.random() < 0.8:      # mostly what is allowed
        flags = rng.choice((0, 0, EXT, EXT, RTR, RTR | EXT, ERR, FD,
                            FD | EXT, FD | BRS, FD | BRS | ESI | EXT))
    ident = rng.choice((rng.randrange(2**29), rng.randrange(2**11), 0,
                        0x7ff, 0x800, 2**29 - 1, 0xffff, 0x10000))
    if not flags & EXT and rng.random() < 0.8:
        ident &= 0x7ff
    length = rng.choice(LENGTHS) if flags & FD else rng.randrange(9)
    if rng.random() < 0.05:
        length = rng.randrange(65)
    dlc = len2dlc(length)
    if flags & RTR:
        data = b""
        dlc = min(dlc, 8)
        length = 0
    else:
        data = random_data(rng, length)
    return (random_time(rng), ident, flags, rng.randrange(2), dlc, length,
            data, rng.choice(CHANNELS))


def told(frame):
    ns, ident, flags, direction, dlc, length, data, channel = frame
    return "%d %x %x %d %d %d %s %s\n" % (
        ns, ident, flags, direction, dlc, length, data.hex() or "-", channel)


def message(frame):
    ns, ident, flags, direction, dlc, length, data, channel = frame
    return can.Message(
        timestamp=ns / 1e9 if abs(ns) < 2**53 else
        int(ns / abs(ns)) * (abs(ns) // 10**9 + abs(ns) % 10**9 / 1e9),
        arbitration_id=ident, is_extended_id=bool(flags & EXT),
        is_remote_frame=bool(flags & RTR), is_error_frame=bool(flags & ERR),
        is_fd=bool(flags & FD), bitrate_switch=bool(flags & BRS),
        error_state_indicator=bool(flags & ESI), is_rx=direction == 0,
        dlc=dlc if flags & RTR else length, data=data,
        channel=None if channel == "-" else channel)


def is_valid(frame, msg):
    """python-can's check, and the one thing that it does not look at."""
    flags, length = frame[2], frame[5]
    if flags & FD and length not in LENGTHS:
        return False
    try:
        msg._check()    # pylint: disable=protected-access
    except ValueError:
        # An error frame's identifier is class bits, so never too large.
        if flags & ERR and not flags & EXT and msg.arbitration_id > 0x7ff:
            msg.arbitration_id &= 0x7ff
            return is_valid(frame, msg)
        return False
    return True


def main():
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100000
    rng = random.Random(20240229)
    frames = [random_frame(rng) for _ in range(count)]
    result = subprocess.run(
        [sys.argv[1]], input="".join(map(told, frames)).encode(),
        stdout=subprocess.PIPE, check=True)
    lines = result.stdout.decode().split("\n")
    if len(lines) != count + 1:
        print("%d lines for %d frames" % (len(lines) - 1, count))
        return 1
    wrong = valid = 0
    for frame, line in zip(frames, lines):
        msg = message(frame)
        text = str(msg)
        good = is_valid(frame, msg)
        valid += good
        want = "%s\t%s" % ("ok" if good else "bad", text)
        if want != line:
            wrong += 1
            if wrong <= 10:
                print("frame:  %s" % told(frame), end="")
                print("python: %r\nevcan:  %r" % (want, line))
    print("python-can %s: %d frames, %d valid, %d lines differ" %
          (can.__version__, count, valid, wrong))
    return 1 if wrong or not 0 < valid < count else 0


if __name__ == "__main__":
    sys.exit(main())
