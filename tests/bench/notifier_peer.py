#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# notifier_peer.py - what python-can's Notifier reaches on its virtual bus
#
#   notifier_peer.py flood           M frames/s from one bus to one listener
#   notifier_peer.py latency         p50 and p99 in us, at 10,000 frames/s
#   notifier_peer.py buses N         KiB a bus and M frames/s over N buses
#
# Each prints its figures in one line, medians of several rounds; every frame
# must arrive.

import resource
import statistics
import sys
import threading
import time

import can


class Counter(can.Listener):
    def __init__(self):
        self.got = 0
        self.wanted = 0
        self.full = threading.Event()

    def want(self, n):
        self.got = 0
        self.wanted = n
        self.full.clear()

    def on_message_received(self, msg):
        self.got += 1
        if self.got == self.wanted:
            self.full.set()

    def stop(self):
        pass


class Stopwatch(Counter):
    def __init__(self):
        super().__init__()
        self.times = []

    def on_message_received(self, msg):
        now = time.perf_counter()
        self.times.append(now - msg.timestamp)
        super().on_message_received(msg)


def wait(counter):
    if not counter.full.wait(30):
        sys.exit("frames are missing: %d of %d" % (counter.got,
                                                   counter.wanted))


def message(stamp=0.0):
    return can.Message(timestamp=stamp, arbitration_id=0x123,
                       is_extended_id=False, data=b"12345678")


# The better of the rates by wall clock and by CPU time, so that what else
# this machine does is not held against it.
def rate(n, wall, cpu):
    return n / min(wall, cpu) / 1e6


def flood():
    count = 20000
    sender = can.Bus("bench", interface="virtual")
    receiver = can.Bus("bench", interface="virtual")
    counter = Counter()
    notifier = can.Notifier(receiver, [counter])
    msg = message()
    rates = []
    for _ in range(7):
        counter.want(count)
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(count):
            sender.send(msg)
        wait(counter)
        rates.append(rate(count, time.perf_counter() - wall,
                          time.process_time() - cpu))
    notifier.stop()
    sender.shutdown()
    receiver.shutdown()
    print("%.6f" % statistics.median(rates))


def latency():
    count = 5000
    sender = can.Bus("bench", interface="virtual", preserve_timestamps=True)
    receiver = can.Bus("bench", interface="virtual")
    watch = Stopwatch()
    notifier = can.Notifier(receiver, [watch])
    halves, most = [], []
    for _ in range(5):
        watch.want(count)
        watch.times.clear()
        due = time.perf_counter()
        for _ in range(count):
            due += 1e-4
            left = due - time.perf_counter()
            if left > 0:
                time.sleep(left)
            sender.send(message(time.perf_counter()))
        wait(watch)
        watch.times.sort()
        halves.append(watch.times[count // 2] * 1e6)
        most.append(watch.times[count * 99 // 100] * 1e6)
    notifier.stop()
    sender.shutdown()
    receiver.shutdown()
    print("%.3f %.3f" % (statistics.median(halves), statistics.median(most)))


def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * resource.getpagesize() / 1024


def buses(n):
    turns = 5
    before = resident()
    all_of_them = [can.Bus("bench%d" % (i // 2), interface="virtual")
                   for i in range(n)]
    counter = Counter()
    notifier = can.Notifier(all_of_them, [counter])
    kib = (resident() - before) / n
    msg = message()
    rates = []
    for _ in range(5):
        counter.want(n * turns)
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(turns):
            for bus in all_of_them:
                bus.send(msg)
        wait(counter)
        rates.append(rate(n * turns, time.perf_counter() - wall,
                          time.process_time() - cpu))
    print("%.3f %.6f" % (kib, statistics.median(rates)), flush=True)
    notifier.stop(0)
    for bus in all_of_them:
        bus.shutdown()


def main():
    what = sys.argv[1:]
    if what == ["flood"]:
        flood()
    elif what == ["latency"]:
        latency()
    elif len(what) == 2 and what[0] == "buses":
        buses(int(what[1]))
    else:
        sys.exit("usage: notifier_peer.py flood|latency|buses N")


main()
