"""Ten minutes of 200 connections with good, failing, spinning, leaking, dying and broken-off invocations on one host.

    python3 benches/soak.py target/release/snapfunc [seconds]

Says what went wrong with a good one (nothing may), how the host's memory went on, and what is left open at the end. Draws docs/performance/soak.svg.
"""

import collections
import http.client
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time

PORT = 18999
CONNECTIONS = 200
APP = """
import os
kept = []
def main(req):
    kind, number = req.params["kind"], int(req.params["number"])
    if kind == "good":
        return str(number * number)
    if kind == "failing":
        return 1 / 0
    if kind == "spinning":
        while True: pass
    if kind == "leaking":
        kept.append(bytearray(1 << 20))
        open(f"/tmp/{number}", "wb").write(bytes(1 << 16))
        return str(number * number)
    if kind == "dying":
        os._exit(1)
"""
KINDS = ["good"] * 80 + ["failing"] * 8 + ["leaking"] * 8 + ["dying"] * 2 + ["broken off"] * 2
EXPECTED = {"good": {200}, "failing": {500}, "spinning": {500}, "leaking": {200, 500}, "dying": {500}}


def app(folder: pathlib.Path) -> None:
    options = {"memoryMb": 96, "maxInstances": 16}
    (folder / "host.json").write_text(json.dumps({"version": "2.0", "functionTimeout": "00:00:01", "snapfunc": options}))
    binding = {"type": "httpTrigger", "name": "req", "authLevel": "anonymous", "direction": "in"}
    (folder / "f").mkdir()
    (folder / "f" / "function.json").write_text(
        json.dumps({"bindings": [binding, {"type": "http", "direction": "out", "name": "$return"}]})
    )
    (folder / "f" / "__init__.py").write_text(APP)


def client(seed: int, until: float, counts: collections.Counter, wrong: list[str]) -> None:
    chance = random.Random(seed)
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    while time.monotonic() < until:
        kind = "spinning" if chance.random() < 0.0005 else chance.choice(KINDS)
        number = chance.randrange(10**9)
        if kind == "broken off":
            with socket.create_connection(("127.0.0.1", PORT)) as half:
                half.sendall(b"POST /api/f?kind=good&number=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx")
            counts[kind] += 1
            continue
        try:
            connection.request("GET", f"/api/f?kind={kind}&number={number}")
            answer = connection.getresponse()
            body = answer.read().decode()
        except OSError as error:
            wrong.append(f"{kind}: {error!r}")
            connection.close()
            continue
        counts[kind] += 1
        if answer.status not in EXPECTED[kind] or (answer.status == 200 and body != str(number * number)):
            wrong.append(f"{kind}: {answer.status} {body!r}")


def resident(pid: int) -> int:
    fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) // 1024


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def plot(samples: list[tuple[float, int]]) -> str:
    width, height, most = 640, 240, max(mib for _, mib in samples) * 1.2
    end = samples[-1][0] or 1
    points = " ".join(f"{40 + (width - 60) * at / end:.1f},{height - 30 - (height - 60) * mib / most:.1f}" for at, mib in samples)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">'
        f'<rect width="{width}" height="{height}" fill="white"/><text x="40" y="20">Resident memory, MiB: at most {max(m for _, m in samples)}</text>'
        f'<polyline points="{points}" fill="none" stroke="steelblue" stroke-width="2"/>'
        f'<line x1="40" y1="{height - 30}" x2="{width - 20}" y2="{height - 30}" stroke="black"/>'
        f'<text x="40" y="{height - 10}">0 s</text><text x="{width - 60}" y="{height - 10}">{end:.0f} s</text></svg>\n'
    )


def main() -> None:
    binary, seconds = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 600
    with tempfile.TemporaryDirectory() as folder:
        app(pathlib.Path(folder))
        command = [binary, "start", "--script-root", folder, "--port", str(PORT)]
        with open(os.path.join(folder, "log"), "wb") as log:
            host = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "SNAPFUNC_DATA_DIR": os.path.join(folder, "data")})
        while True:
            try:
                socket.create_connection(("127.0.0.1", PORT)).close()
                break
            except OSError:
                time.sleep(0.05)
        time.sleep(1)
        at_first = descriptors(host.pid)
        counts: collections.Counter = collections.Counter()
        wrong: list[str] = []
        start = time.monotonic()
        threads = [threading.Thread(target=client, args=(n, start + seconds, counts, wrong)) for n in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        samples = []
        while any(thread.is_alive() for thread in threads):
            samples.append((time.monotonic() - start, resident(host.pid)))
            time.sleep(5)
        time.sleep(35)  # connections that were broken off are given up
        print("answers:", dict(counts))
        print("wrong:", len(wrong), wrong[:10])
        middle = len(samples) // 2
        print(
            "MiB resident: at most",
            max(m for _, m in samples[:middle]),
            "in the first half,",
            max(m for _, m in samples[middle:]),
            "in the second",
        )
        print("at rest:", resident(host.pid), "MiB;", descriptors(host.pid), "descriptors, at first", at_first)
        host.terminate()
        print("exit code:", host.wait())
        panics = pathlib.Path(folder, "log").read_bytes().count(b"panicked")
        print("panics:", panics)
    pathlib.Path("docs/performance/soak.svg").write_text(plot(samples))
    sys.exit(bool(wrong or panics))


main()
