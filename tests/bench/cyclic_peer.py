#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# cyclic_peer.py - python-can's periodic sending on its virtual bus
#
#   cyclic_peer.py drift SECONDS      one task of 10 ms: frames too many or too
#                                     few, us from the last to its grid
#   cyclic_peer.py tasks N SECONDS    N tasks of 10 ms: p50, p99 and worst
#                                     lateness in us, CPU us a send, sends/s
#   cyclic_peer.py modify             ns for new data
#
# What was sent is read from the second bus when all is over, so that reading
# costs the tasks nothing. A task's grid begins with its first frame.

import sys
import time

import can

PERIOD = 0.01


def message(i):
    return can.Message(arbitration_id=i, data=b"12345678")


def buses():
    return (can.Bus("bench", interface="virtual"),
            can.Bus("bench", interface="virtual"))


def received(bus):
    stamps = {}
    while True:
        msg = bus.recv(0)
        if msg is None:
            return stamps
        stamps.setdefault(msg.arbitration_id, []).append(msg.timestamp)


def drift(seconds):
    sender, receiver = buses()
    task = sender.send_periodic(message(0), PERIOD)
    time.sleep(seconds - PERIOD / 2)
    task.stop()
    stamps = received(receiver)[0]
    last = stamps[-1] - stamps[0] - (len(stamps) - 1) * PERIOD
    print("%d %.3f" % (abs(len(stamps) - round(seconds / PERIOD)),
                       abs(last) * 1e6))


# The starts are spread over a period, as far as starting so many threads
# allows it.
def tasks(n, seconds):
    sender, receiver = buses()
    started = []
    begin = time.perf_counter()
    for i in range(n):
        left = begin + i * PERIOD / n - time.perf_counter()
        if left > 0:
            time.sleep(left)
        started.append(sender.send_periodic(message(i), PERIOD))
    # What starting them took, and the burst it leaves, is not held against
    # it: frames before this are not looked at.
    time.sleep(0.2)
    first, cpu = time.time(), time.process_time()
    time.sleep(seconds)
    last, cpu = time.time(), time.process_time() - cpu
    for task in started:
        task.stop()
    lateness = []
    for stamps in received(receiver).values():
        stamps = [s for s in stamps if first <= s < last]
        lateness += [abs(s - stamps[0] - k * PERIOD)
                     for k, s in enumerate(stamps)]
    lateness.sort()
    count = len(lateness)
    print("%.3f %.3f %.3f %.3f %.1f" % (
        lateness[count // 2] * 1e6, lateness[count * 99 // 100] * 1e6,
        lateness[-1] * 1e6, cpu / count * 1e6, count / (last - first)))


def modify():
    count = 50000
    sender, _ = buses()
    task = sender.send_periodic(message(0), PERIOD)
    messages = [message(0) for _ in range(count)]
    cpu = time.thread_time()
    for msg in messages:
        task.modify_data(msg)
    cpu = time.thread_time() - cpu
    task.stop()
    print("%.1f" % (cpu / count * 1e9))


def main():
    what = sys.argv[1:]
    if len(what) == 2 and what[0] == "drift":
        drift(float(what[1]))
    elif len(what) == 3 and what[0] == "tasks":
        tasks(int(what[1]), float(what[2]))
    elif what == ["modify"]:
        modify()
    else:
        sys.exit("usage: cyclic_peer.py drift S|tasks N S|modify")


main()
