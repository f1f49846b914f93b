#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# test_timing_python.py - python-can's BitTiming and BitTimingFd beside evcan's
"""
test_timing_python.py PRINT_TIMING [CASES [SEED]]

Asks python-can's can.BitTiming and can.BitTimingFd and PRINT_TIMING the same
questions, thousands of random ones and all that matter of some kinds, and
compares every answer: fields, floating point to the last digit, text, order,
and whether there is one at all. Needs a python-can with BitTimingFd (4.2.0 or
later; a checkout of it may be named by PYTHONPATH). With an older one, which
had no solver, only registers and values are compared.

Differences that are meant:

 - a bitrate of 0, a clock of 0, a sample point that is no number or beyond
   100 percent are errors (python-can divides by zero, or takes the nearest);
 - btr1 takes eight bits (python-can ignores those above);
 - f_clock takes 32 bits, the FD fields 16.
"""
import random
import subprocess
import sys

try:
    import can
except ImportError:
    print("python-can is not installed")
    sys.exit(77)

PROGRAM = sys.argv[1]
CASES = int(sys.argv[2]) if len(sys.argv) > 2 else 1500
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1

CLOCKS = (8, 10, 12, 16, 20, 24, 30, 32, 36, 40, 48, 54, 56, 60, 64, 72, 80,
          100, 120, 160, 170, 200)
RATES = (5000, 10000, 20000, 33333, 47619, 50000, 83333, 95238, 100000,
         125000, 200000, 250000, 400000, 500000, 615384, 666666, 800000,
         1000000)
DATA_RATES = (500000, 1000000, 2000000, 2500000, 4000000, 5000000, 6666666,
              8000000, 10000000)
POINTS = (50.0, 62.5, 66.7, 69.0, 70.0, 75.0, 80.0, 81.25, 87.5, 90.0, 99.0,
          100.0)

dice = random.Random(SEED)
asked = []                      # question, python-can's answer


def number(value):
    return repr(value) if isinstance(value, float) else str(int(value))


def fields(timing):
    return "/".join(str(value) for value in timing.values())


def fields_in_16_bits(timing):
    return (None if max(timing.nom_brp, timing.data_brp) > 65535 else
            fields(timing))


def ask(word, numbers, function):
    """A question, and what python-can's function answers."""
    try:
        answer = function()
    except ValueError:
        answer = "error"
    except can.CanInitializationError:
        answer = "error"
    asked.append((" ".join([word, *map(number, numbers)]), answer))


def clock():
    return dice.choice((
        dice.choice(CLOCKS) * 1000000, dice.choice(CLOCKS) * 1000000,
        dice.randrange(1, 1000) * 100000,
        dice.randrange(1, 1 << dice.randrange(1, 32))))


def rate(usual):
    return dice.choice((dice.choice(usual), dice.choice(usual),
                        dice.randrange(1, 9000) * 1000,
                        dice.randrange(1, 1 << dice.randrange(1, 25))))


def point():
    return dice.choice((dice.choice(POINTS), float(dice.randrange(50, 100)),
                        dice.randrange(500, 1000) / 10,
                        dice.uniform(48, 100)))


def classic():
    """Fields that are often right and seldom far from it."""
    tseg2 = dice.choice((dice.randrange(1, 9), dice.randrange(0, 11)))
    return (clock(), dice.choice((dice.randrange(1, 33),
                                  dice.randrange(0, 67))),
            dice.choice((dice.randrange(max(1, tseg2 - 1), 17),
                         dice.randrange(0, 18))), tseg2,
            dice.choice((dice.randrange(1, max(2, min(tseg2, 4) + 1)),
                         dice.randrange(0, 6))),
            dice.choice((1, 1, 3, 3, dice.randrange(0, 5))))


def flexible():
    parts = []
    for tseg1_max, tseg2_max in ((130, 34), (18, 10)):
        tseg2 = dice.randrange(0, tseg2_max)
        parts.append((dice.choice((1, 1, 2, 2, 4, dice.randrange(0, 300))),
                      dice.choice((dice.randrange(tseg2, tseg1_max),
                                   dice.randrange(0, tseg1_max))), tseg2,
                      dice.choice((tseg2, dice.randrange(0, tseg2 + 2)))))
    return (clock(), *parts[0], *parts[1])


def values(timing, delay, length):
    return " ".join((
        str(timing.bitrate), str(timing.nbt), str(timing.tq),
        "%.17g" % timing.sample_point,
        "%02x%02x" % (timing.btr0, timing.btr1),
        "%.17g" % timing.oscillator_tolerance(delay, length), str(timing)))


def values_fd(timing, delay, length):
    return " ".join((
        str(timing.nom_bitrate), str(timing.data_bitrate), str(timing.nbt),
        str(timing.dbt), str(timing.nom_tq), str(timing.data_tq),
        "%.17g" % timing.nom_sample_point,
        "%.17g" % timing.data_sample_point,
        "%.17g" % timing.oscillator_tolerance(delay, length), str(timing)))


def no_quantum(timing):
    """Rounded to nothing: python-can divides by it."""
    return 0 in [getattr(timing, name)
                 for name in ("tq", "nom_tq") if hasattr(timing, name)]


def ask_values():
    numbers, strict = classic(), dice.random() < 0.3
    delay, length = dice.choice(((250.0, 10.0), (dice.uniform(0, 900),
                                                 dice.uniform(0, 200))))

    def answer():
        timing = can.BitTiming(*numbers, strict=strict)
        return None if no_quantum(timing) else values(timing, delay, length)
    ask("values", (*numbers, strict, delay, length), answer)


def ask_values_fd():
    numbers, strict = flexible(), dice.random() < 0.3
    delay, length = dice.choice(((250.0, 10.0), (dice.uniform(0, 900),
                                                 dice.uniform(0, 200))))

    def answer():
        timing = can.BitTimingFd(*numbers, strict=strict)
        return (None if no_quantum(timing) else
                values_fd(timing, delay, length))
    ask("values_fd", (*numbers, strict, delay, length), answer)


def ask_segments():
    numbers, strict = classic(), dice.random() < 0.5
    _, *segments = numbers[1:]
    bitrate = rate(RATES)
    if dice.random() < 0.7 and numbers[1] > 0:
        # Near one that there is.
        bitrate = round(numbers[0] / (numbers[1] * (1 + sum(segments[:2]))) *
                        dice.uniform(0.99, 1.01))
    if bitrate:
        ask("segments", (*numbers, strict, bitrate), lambda: fields(
            can.BitTiming.from_bitrate_and_segments(
                numbers[0], bitrate, *segments, strict)))


def ask_segments_fd():
    n, strict = flexible(), dice.random() < 0.5
    rates = [rate(RATES), rate(DATA_RATES)]
    for i, base in enumerate((1, 5)):
        if dice.random() < 0.8 and n[base] > 0:
            rates[i] = round(n[0] / (n[base] * (1 + n[base + 1] +
                             n[base + 2])) * dice.uniform(0.997, 1.003))
    if 0 in rates:
        return

    def answer():
        return fields_in_16_bits(can.BitTimingFd.from_bitrate_and_segments(
            n[0], rates[0], *n[2:5], rates[1], *n[6:9], strict))
    ask("segments_fd", (*n, strict, *rates), answer)


def ask_solutions():
    numbers = (clock(), rate(RATES), point())
    ask("all", numbers, lambda: "".join(
        fields(t) + " " for t in
        can.BitTiming.iterate_from_sample_point(*numbers)))
    ask("best", numbers, lambda: fields(
        can.BitTiming.from_sample_point(*numbers)))


def ask_solutions_fd():
    numbers = (dice.choice((dice.choice(CLOCKS) * 1000000, clock())),
               rate(RATES), point(), rate(DATA_RATES), point())
    ask("all_fd", numbers, lambda: "".join(
        fields(t) + " " for t in
        can.BitTimingFd.iterate_from_sample_point(*numbers)))
    ask("best_fd", numbers, lambda: fields(
        can.BitTimingFd.from_sample_point(*numbers)))


def adjusted(timing, clocks):
    """can.util.check_or_adjust_timing_clock, without its warning."""
    if timing.f_clock in clocks:
        return timing
    for f_clock in clocks:
        try:
            return timing.recreate_with_f_clock(f_clock)
        except ValueError:
            pass
        except ZeroDivisionError:       # a bitrate that was rounded to 0
            pass
    raise ValueError


def ask_adjust():
    clocks = (clock(), clock())
    try:
        timing = can.BitTiming.from_sample_point(
            dice.choice(CLOCKS) * 1000000, rate(RATES), point())
    except ValueError:
        try:
            timing = can.BitTiming(*classic())
        except ValueError:
            return
    ask("adjust", (*timing.values(), *clocks),
        lambda: fields(adjusted(timing, clocks)))


def ask_adjust_fd():
    clocks = (clock(), clock())
    try:
        timing = can.BitTimingFd.from_sample_point(
            dice.choice(CLOCKS) * 1000000, dice.choice(RATES), point(),
            dice.choice(DATA_RATES), point())
    except ValueError:
        try:
            timing = can.BitTimingFd(*flexible())
        except ValueError:
            return
    ask("adjust_fd", (*timing.values(), *clocks),
        lambda: fields_in_16_bits(adjusted(timing, clocks)))


def ask_usual():
    """All that is in use; test_bit_timing_solve.c has a sum of it."""
    for f_clock in CLOCKS:
        f_clock *= 1000000
        for bitrate in RATES:
            for sample_point in POINTS:
                numbers = (f_clock, bitrate, sample_point)
                ask("best", numbers, lambda: fields(
                    can.BitTiming.from_sample_point(*numbers)))


def ask_usual_fd():
    for f_clock in (20, 40, 60, 80):
        for bitrate in (125000, 250000, 500000, 1000000):
            for data_bitrate in DATA_RATES:
                for sample_point in (75.0, 80.0, 87.5):
                    numbers = (f_clock * 1000000, bitrate, sample_point,
                               data_bitrate, 75.0)
                    ask("best_fd", numbers, lambda: fields(
                        can.BitTimingFd.from_sample_point(*numbers)))


def ask_registers(old):
    for btr in range(0, 0x10000, 7):
        def answer():
            if old:
                timing = can.BitTiming(f_clock=8000000, btr0=btr >> 8,
                                       btr1=btr & 0xff)
                return "/".join(map(str, (
                    8000000, timing.brp, timing.tseg1, timing.tseg2,
                    timing.sjw, timing.nof_samples)))
            return fields(can.BitTiming.from_registers(
                8000000, btr >> 8, btr & 0xff))
        ask("registers", (8000000, btr >> 8, btr & 0xff), answer)


def compare(limits=True):
    """@param limits whether this python-can checks anything at all"""
    text = "".join(question + "\n" for question, _ in asked)
    done = subprocess.run([PROGRAM], input=text, stdout=subprocess.PIPE,
                          text=True, check=True)
    answers = done.stdout.split("\n")[:-1]
    if len(answers) != len(asked):
        print("answers:", len(answers), "of", len(asked))
        return 1
    wrong, counts = 0, {}
    for (question, theirs), ours in zip(asked, answers):
        word = question.split()[0]
        right, errors = counts.get(word, (0, 0))
        if theirs is None or (not limits and ours == "error"):
            continue
        counts[word] = (right + (theirs not in ("error", "")),
                        errors + (theirs in ("error", "")))
        if ours == theirs:
            continue
        wrong += 1
        if wrong <= 10:
            print("FAILED", question, "\n  evcan:     ", ours[:300],
                  "\n  python-can:", theirs[:300])
    for word, (right, errors) in counts.items():
        print("%-12s %6d answers, %6d without" % (word, right, errors))
        if right < (right + errors) // 50:
            print("FAILED", word, "has hardly an answer")
            wrong += 1
    print("%d comparisons, %d differ (python-can %s)" %
          (len(asked), wrong, can.__version__))
    return 1 if wrong else 0


def main():
    old = not hasattr(can, "BitTimingFd")
    ask_registers(old)
    if old:
        print("python-can", can.__version__, "has no solver: registers only")
        return compare(limits=False)
    for _ in range(CASES):
        ask_values()
        ask_values_fd()
        ask_segments()
        ask_segments_fd()
        ask_solutions()
        ask_adjust()
    # Python takes its time: two loops over 256 prescalers each.
    for _ in range(CASES // 8):
        ask_solutions_fd()
        ask_adjust_fd()
    ask_usual()
    ask_usual_fd()
    return compare()


sys.exit(main())
