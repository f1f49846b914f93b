#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# play_peer.py - the timing of python-can's player on its virtual bus
#
#   play_peer.py LOG    p50, p99 and worst lateness in us, the error of the
#                       total time in %, and CPU us a frame
#
# The frame that was least late counts as in time.
# What was sent is read from the second bus when all is over, so that reading
# costs the player nothing.

import sys
import time

import can


def play(path):
    sender = can.Bus("bench", interface="virtual")
    receiver = can.Bus("bench", interface="virtual")
    places = []
    cpu = time.process_time()
    with can.LogReader(path) as reader:
        for msg in can.MessageSync(reader):
            places.append(msg.timestamp)
            sender.send(msg)
    cpu = time.process_time() - cpu
    errors = []
    begin = None
    for place in places:
        stamp = receiver.recv(0).timestamp
        if begin is None:
            begin = stamp
        errors.append(stamp - begin - (place - places[0]))
    last = abs(errors[-1]) / (places[-1] - places[0])
    least = min(errors)
    errors = sorted(error - least for error in errors)
    n = len(errors)
    print("%.3f %.3f %.3f %.6f %.3f" % (
        errors[n // 2] * 1e6, errors[n * 99 // 100] * 1e6, errors[-1] * 1e6,
        last * 100, cpu / n * 1e6))


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: play_peer.py LOG")
    play(sys.argv[1])


main()
