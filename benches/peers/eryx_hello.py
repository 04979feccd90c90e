"""pyeryx: a new sandbox for each run of a hello. Prints the CPU time of each in µs, as a JSON list."""

import json
import sys
import time

import eryx

CODE = "user = 'Ada'\nprint(f'Hello, {user}!')\n"

samples = []
for _ in range(int(sys.argv[1])):
    before = time.process_time()
    assert str(eryx.Sandbox().execute(CODE)).strip() == "Hello, Ada!"
    samples.append((time.process_time() - before) * 1e6)
print(json.dumps(samples))
