# The two commands of the README: `make run` and `make test`. Everything that they need beyond Rust, Python 3.10+ and Node they install themselves.

PYTHON ?= python3
APP ?= examples/hello
PORT ?= 7071
# The Python tools of the tests: in the ignored folder of the guest's build.
TOOLS := wasm-python/dist/dev
TOOLS_MADE := $(TOOLS)/made

# The emulator of Azure Storage for the tests, as tests/azurite/package-lock.json has it.
AZURITE := target/azurite
AZURITE_MADE := $(AZURITE)/made

# The native peers of the benchmarks.
PEERS := target/bench/peers
PEERS_MADE := $(PEERS)/made

.PHONY: run test lint test-rust test-python azurite bench bench-docs guest deny fuzz fuzz-corpus clean

## Builds everything and serves the example app
run: target/release/snapfunc
	target/release/snapfunc start --script-root $(APP) --port $(PORT)

.PHONY: target/release/snapfunc
target/release/snapfunc:
	PYTHON=$(PYTHON) cargo build --release --locked

## Everything that CI runs
test: lint test-python test-rust

lint: $(TOOLS_MADE)
	cargo fmt --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	PYTHON=$(PYTHON) cargo clippy --locked --all-targets -- -D warnings
	$(TOOLS)/bin/ruff check wasm-python examples benches
	$(TOOLS)/bin/ruff format --check wasm-python examples benches

test-python: $(TOOLS_MADE)
	cd wasm-python && dist/dev/bin/python -m pytest -q
	cd examples && ../$(TOOLS)/bin/python -m pytest -q

test-rust: $(AZURITE_MADE)
	PYTHON=$(PYTHON) cargo test --locked

## The emulator that the storage tests need, for those who run them with cargo alone
azurite: $(AZURITE_MADE)

## All that is measured, into target/bench/report.json. SNAPFUNC_BENCH=quick makes it short.
bench: $(PEERS_MADE)
	PYTHON=$(PYTHON) cargo bench --locked --bench '*'

## The same into docs/performance.md
bench-docs:
	SNAPFUNC_BENCH_DOCS=1 cargo bench --locked --bench docs

# The benchmarks' native peers need a newer Python than the rest; without one they are left out.
$(PEERS_MADE): benches/peers/requirements.txt
	mkdir -p $(PEERS)
	python=$$(for name in python3.14 python3.13 python3.12 $$HOME/.pyenv/versions/3.1[2-9]*/bin/python; do \
		$$name -c "import venv" 2>/dev/null && echo $$name; done | head -1); \
	if [ -n "$$python" ] && "$$python" -m venv $(PEERS) && $(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<; \
	then :; else echo "skipped: the native peers of the benchmarks (they need Python 3.12 or later)"; fi
	touch $@

# cargo-deny in the target folder: it takes minutes to build.
DENY := target/tools/bin/cargo-deny
$(DENY):
	cargo install --quiet --locked --root target/tools --version 0.20.2 cargo-deny

## Licences, sources and doubled versions of what the program is made of
deny: $(DENY)
	$(DENY) --offline check licenses sources bans

# cargo-fuzz works with the toolchain that there is. The targets are safe Rust and need coverage above all; SANITIZER=address also watches what is not: zstd, and
# unsafe code of crates. A stable toolchain has that, and takes its flags only if it is told to.
CARGO_FUZZ := target/tools/bin/cargo-fuzz
$(CARGO_FUZZ):
	cargo install --quiet --locked --root target/tools --version 0.13.2 cargo-fuzz

TARGET ?= json
SECONDS ?= 60
SANITIZER ?= none
FUZZED := target/fuzz/corpus/$(TARGET)
FUZZ_FLAGS := --sanitizer $(SANITIZER) --target-dir target/fuzz/$(SANITIZER)
FUZZ_ENV := PYTHON=$(PYTHON) $(if $(filter address,$(SANITIZER)),RUSTC_BOOTSTRAP=1 CC=$(CURDIR)/fuzz/cc.sh)
FUZZ_LIMITS := -max_len=4096 -timeout=10 -rss_limit_mb=2048

## One fuzz target for a while: `make fuzz TARGET=route SECONDS=600`. What it finds is kept in target/fuzz and tried again the next time.
fuzz: $(CARGO_FUZZ)
	mkdir -p $(FUZZED)
	$(FUZZ_ENV) $(CARGO_FUZZ) fuzz run $(FUZZ_FLAGS) $(TARGET) $(FUZZED) fuzz/corpus/$(TARGET) -- $(FUZZ_LIMITS) -max_total_time=$(SECONDS)

## Adds to a target's corpus the least of what was found that reaches as much
fuzz-corpus: $(CARGO_FUZZ)
	$(FUZZ_ENV) $(CARGO_FUZZ) fuzz run $(FUZZ_FLAGS) $(TARGET) fuzz/corpus/$(TARGET) $(FUZZED) -- $(FUZZ_LIMITS) -set_cover_merge=1 -use_counters=0

## The guest alone: CPython with the worker, as a component
guest:
	$(PYTHON) wasm-python/build.py

$(TOOLS_MADE): wasm-python/requirements-dev.txt
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

$(AZURITE_MADE): tests/azurite/package.json tests/azurite/package-lock.json
	mkdir -p $(AZURITE)
	cp $^ $(AZURITE)
	cd $(AZURITE) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

clean:
	cargo clean
	rm -rf wasm-python/dist
