# The two commands of the README: `make run` and `make test`. Everything that they need beyond Rust, Python 3.10+ and Node they install themselves.

PYTHON ?= python3
APP ?= examples/hello
PORT ?= 7071
# The Python tools of the tests: in the ignored folder of the guest's build.
TOOLS := wasm-python/dist/dev
TOOLS_MADE := $(TOOLS)/made

.PHONY: run test lint test-rust test-python bench guest clean

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
	PYTHON=$(PYTHON) cargo clippy --locked --all-targets -- -D warnings
	$(TOOLS)/bin/ruff check wasm-python examples
	$(TOOLS)/bin/ruff format --check wasm-python examples

test-python: $(TOOLS_MADE)
	cd wasm-python && dist/dev/bin/python -m pytest -q
	cd examples && ../$(TOOLS)/bin/python -m pytest -q

test-rust:
	PYTHON=$(PYTHON) cargo test --locked

## What an invocation costs
bench:
	PYTHON=$(PYTHON) cargo bench --locked --bench '*'

## The guest alone: CPython with the worker, as a component
guest:
	$(PYTHON) wasm-python/build.py

$(TOOLS_MADE): wasm-python/requirements-dev.txt
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

clean:
	cargo clean
	rm -rf wasm-python/dist
