#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# vendor_peer.py - python-can's Notifier on an asyncio loop, over a bus without
# a fileno, as those of vendors' libraries are
#
#   vendor_peer.py flood           M frames/s from recv to the listener
#   vendor_peer.py rate HZ COUNT   p50 and p99 in us from recv to the listener
#
# Each prints its figures in one line, medians of several rounds; every frame
# must arrive. The bus gives the same message again and again: to make one
# costs it nothing.

import asyncio
import statistics
import sys
import threading
import time

import can


class Device(can.BusABC):
    channel_info = "a device of nothing"

    def __init__(self):
        super().__init__(channel=0)
        self.left = 0
        self.period = 0.0
        self.started = threading.Event()
        self.message = can.Message(arbitration_id=0x123,
                                   is_extended_id=False, data=b"12345678")

    def start(self, count, period=0.0):
        self.left = count
        self.period = period
        self.due = time.perf_counter() + period
        self.started.set()

    def send(self, msg, timeout=None):
        raise NotImplementedError

    def _recv_internal(self, timeout):
        if self.left == 0:
            self.started.wait(timeout)
        if self.left == 0:
            return None, False
        self.left -= 1
        if self.left == 0:
            self.started.clear()
        if self.period:
            return self.paced(), True
        return self.message, True

    def paced(self):
        wait = self.due - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        self.due += self.period
        return can.Message(arbitration_id=0x123, is_extended_id=False,
                           data=b"12345678", timestamp=time.perf_counter())


class Counter(can.Listener):
    def __init__(self, count):
        self.left = count
        self.done = asyncio.get_running_loop().create_future()

    def on_message_received(self, msg):
        self.left -= 1
        if self.left == 0:
            self.done.set_result(None)

    def stop(self):
        pass


class Stopwatch(Counter):
    def __init__(self, count):
        super().__init__(count)
        self.times = []

    def on_message_received(self, msg):
        self.times.append(time.perf_counter() - msg.timestamp)
        super().on_message_received(msg)


async def run(listener, count, period=0.0):
    device = Device()
    notifier = can.Notifier(device, [listener], timeout=0.2,
                            loop=asyncio.get_running_loop())
    wall, cpu = time.perf_counter(), time.process_time()
    device.start(count, period)
    await asyncio.wait_for(listener.done, 60)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    notifier.stop()
    device.shutdown()
    return wall, cpu


# The better of the rates by wall clock and by CPU time, so that what else
# this machine does is not held against it.
async def flood():
    count = 20000
    rates = []
    for _ in range(7):
        wall, cpu = await run(Counter(count), count)
        rates.append(count / min(wall, cpu) / 1e6)
    print("%.6f" % statistics.median(rates))


async def rate(hz, count):
    halves, most = [], []
    for _ in range(3):
        watch = Stopwatch(count)
        await run(watch, count, 1.0 / hz)
        watch.times.sort()
        halves.append(watch.times[count // 2] * 1e6)
        most.append(watch.times[count * 99 // 100] * 1e6)
    print("%.3f %.3f" % (statistics.median(halves), statistics.median(most)))


def main():
    what = sys.argv[1:]
    if what == ["flood"]:
        asyncio.run(flood())
    elif len(what) == 3 and what[0] == "rate":
        asyncio.run(rate(int(what[1]), int(what[2])))
    else:
        sys.exit("usage: vendor_peer.py flood|rate HZ COUNT")


main()
