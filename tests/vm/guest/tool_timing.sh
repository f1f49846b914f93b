#!/bin/sh
# The commands for ip-link that `evcan timing` prints: the kernel makes of each
# just the prescaler, segments and bit rate that were meant.
#
#   tests/vm/vm -k 1 tests/vm/guest/tool_timing.sh BUILDDIR

. "$(dirname "$0")/lib.sh"

evcan=${1:-${EVCAN_BUILD:?usage: tool_timing.sh BUILDDIR}}/evcan

kvaser_up >/tmp/cards || exit
card=$(head -n 1 /tmp/cards)
ip link set "$card" down

cat >/tmp/compare.py <<'END'
import json
import subprocess
import sys

evcan, card = sys.argv[1:]


def timing(*flags):
    return json.loads(subprocess.run(
        [evcan, "timing", "--json", "--all", *flags], check=True,
        stdout=subprocess.PIPE).stdout)["solutions"]


def words(one):
    return one["ip_link"].replace("can0", card, 1).split()


def try_all(rate, *flags):
    tried = 0
    for one in timing("--clock", "8M", "--bitrate", rate, *flags):
        subprocess.run(words(one), check=True)
        shown = json.loads(subprocess.run(
            ["ip", "-d", "-j", "link", "show", card], check=True,
            stdout=subprocess.PIPE).stdout)[0]["linkinfo"]["info_data"]
        bit, meant = shown["bittiming"], one["nominal"]
        got = (bit["brp"], bit["prop_seg"] + bit["phase_seg1"],
               bit["phase_seg2"], bit["sjw"], bit["bitrate"])
        want = (meant["brp"], meant["tseg1"], meant["tseg2"], meant["sjw"],
                int(meant["bitrate"]))
        assert got == want, (one["ip_link"], got, want, shown)
        assert shown["clock"] == 8000000, shown
        tried += 1
    print("ok -", rate, *flags, tried)
    assert tried > 0


for rate in ("1M", "500k", "250k", "125k", "83.333k", "20k", "5k"):
    try_all(rate, "--controller", "sja1000")
try_all("250k", "--controller", "sja1000", "--sample-point", "50")

# No card here has CAN FD: the words are understood, the kernel declines.
fd = timing("--clock", "80M", "--bitrate", "500k", "--data-bitrate", "2M")[0]
done = subprocess.run(words(fd), stderr=subprocess.PIPE, text=True)
assert done.returncode != 0, "CAN FD on an SJA1000?"
assert done.stderr.startswith("RTNETLINK answers"), done.stderr
print("ok -", done.stderr.strip())
END
python3 /tmp/compare.py "$evcan" "$card" || fail 'evcan timing and ip-link'
