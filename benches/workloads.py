"""Workloads of pure Python, in the style of pyperformance. Each gives a value by which two interpreters can be compared.

Run as a program it measures all of them and prints a JSON object: for each the seconds of its best run, and its value.
"""

import json
import re
import struct
import time
import zlib


def nbody():
    bodies = [
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 39.47],
        [4.84, -1.16, -0.10, 0.61, 2.81, -0.02, 0.037],
        [8.34, 4.12, -0.40, -1.01, 1.82, 0.008, 0.011],
    ]
    for _ in range(4000):
        for i, a in enumerate(bodies):
            for b in bodies[i + 1 :]:
                dx, dy, dz = a[0] - b[0], a[1] - b[1], a[2] - b[2]
                mag = 0.001 / ((dx * dx + dy * dy + dz * dz) ** 1.5)
                for axis, d in enumerate((dx, dy, dz)):
                    a[3 + axis] -= d * b[6] * mag
                    b[3 + axis] += d * a[6] * mag
        for a in bodies:
            for axis in range(3):
                a[axis] += 0.001 * a[3 + axis]
    return round(sum(a[0] for a in bodies), 9)


def fannkuch():
    n, best, checksum = 7, 0, 0
    import itertools

    for number, permutation in enumerate(itertools.permutations(range(n))):
        flips, current = 0, list(permutation)
        while current[0]:
            k = current[0] + 1
            current[:k] = current[:k][::-1]
            flips += 1
        best = max(best, flips)
        checksum += -flips if number % 2 else flips
    return [best, checksum]


def spectral_norm():
    n = 60

    def a(i, j):
        return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1)

    def times(u):
        v = [sum(a(i, j) * u[j] for j in range(n)) for i in range(n)]
        return [sum(a(j, i) * v[j] for j in range(n)) for i in range(n)]

    u = [1.0] * n
    for _ in range(4):
        v = times(u)
        u = times(v)
    return round((sum(x * y for x, y in zip(u, v)) / sum(y * y for y in v)) ** 0.5, 9)


def nqueens():
    def solve(row, columns, left, right, n):
        if row == n:
            return 1
        found = 0
        for column in range(n):
            if column not in columns and row + column not in left and row - column not in right:
                found += solve(row + 1, columns | {column}, left | {row + column}, right | {row - column}, n)
        return found

    return solve(0, frozenset(), frozenset(), frozenset(), 7)


class Task:
    def __init__(self, number, work):
        self.number, self.work, self.done, self.queue = number, work, 0, []

    def run(self, scheduler):
        self.done += 1
        if self.queue:
            self.queue.pop()
        scheduler.send((self.number + self.done) % scheduler.size, self.done)


class Scheduler:
    def __init__(self, size):
        self.size = size
        self.tasks = [Task(number, number % 7) for number in range(size)]

    def send(self, number, value):
        self.tasks[number].queue.append(value)

    def run(self, rounds):
        for _ in range(rounds):
            for task in self.tasks:
                task.run(self)
        return sum(task.done * len(task.queue) for task in self.tasks)


def objects():
    return Scheduler(50).run(600)


def json_round_trip():
    value = {"items": [{"id": number, "name": f"item {number}", "tags": ["a", "b"], "price": number / 3} for number in range(200)]}
    text = ""
    for _ in range(25):
        text = json.dumps(value)
        value = json.loads(text)
    return zlib.crc32(text.encode())


def regex():
    text = " ".join(f"user{number}@example{number % 7}.com, 2024-{number % 12 + 1:02}-{number % 28 + 1:02}" for number in range(300))
    total = 0
    for _ in range(20):
        total += len(re.findall(r"[\w.]+@[\w.]+\.com", text)) + len(re.sub(r"(\d{4})-(\d\d)-(\d\d)", r"\3.\2.\1", text))
    return total


def strings():
    parts = []
    for number in range(20000):
        parts.append(f"{number:>8}|{'x' * (number % 5)}".upper().strip().replace("|", ":"))
    joined = ",".join(parts)
    return zlib.crc32(joined.encode()) + len(joined.split(","))


def dicts():
    counts = {}
    for number in range(120000):
        key = (number * 2654435761) % 1009
        counts[key] = counts.get(key, 0) + 1
    return sum(key * count for key, count in sorted(counts.items()))


def generators():
    def numbers(n):
        for number in range(n):  # noqa: UP028 (a generator of one's own is what is measured)
            yield number

    def odd(source):
        return (number for number in source if number % 2)

    def squares(source):
        for number in source:
            yield number * number

    return sum(squares(odd(numbers(150000))))


def binary():
    total = 0
    for number in range(20000):
        packed = struct.pack("<IHd", number, number % 65536, number / 7)
        first, second, third = struct.unpack("<IHd", packed)
        total += first + second + int(third)
    return total


def floats():
    total, x = 0.0, 0.1
    for _ in range(300000):
        x = 3.9 * x * (1.0 - x)
        total += x
    return round(total, 3) > 0


WORKLOADS = (nbody, fannkuch, spectral_norm, nqueens, objects, json_round_trip, regex, strings, dicts, generators, binary, floats)


def measure(runs):
    results = {}
    for workload in WORKLOADS:
        best, value = float("inf"), None
        for _ in range(runs):
            began = time.perf_counter()
            value = workload()
            best = min(best, time.perf_counter() - began)
        results[workload.__name__] = [best, value]
    return results


def main(req):
    """As a function of an app: `?runs=5`."""
    return json.dumps(measure(int(req.params["runs"])))


if __name__ == "__main__":
    import sys

    print(json.dumps(measure(int(sys.argv[1]))))
