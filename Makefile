# Everything starts from Python 3.11 or newer, git and make; the rest is installed here.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
SOAKED := tests/test_machine.py tests/test_machine_light.py tests/transforms/test_fold.py
PEERS  := $(patsubst benchmarks/peers/%.txt,%,$(wildcard benchmarks/peers/*.txt))
BENCH   = $(WORKLOADS) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(ONLY),--only "$(ONLY)")

.PHONY: demo test check bench bench-short bench-peers soak fuzz crash mutants docs lock clean help
.DEFAULT_GOAL := help

help:            ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's|:[^#]*##|\t|'

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: $(READY)   ## sync two pretended days of vendor data into warehouse.duckdb and show what arrived
	$(BIN)/regulars demo

test: $(READY)   ## check, then the whole suite; COVERED=1 with its coverage floor, as CI does
	$(MAKE) --no-print-directory check
	$(if $(COVERED),$(BIN)/coverage erase)
	$(BIN)/$(if $(COVERED),coverage run -m,python -m) pytest -n 2 --dist loadgroup
	$(if $(COVERED),$(BIN)/coverage combine --quiet)
	$(if $(COVERED),$(BIN)/coverage report)

soak: $(READY)   ## fold and both state machines for as long as EXAMPLES says, seeds printed (200: hours)
	REGULARS_EXAMPLES=$(or $(EXAMPLES),200) $(BIN)/python -m pytest $(SOAKED) -n 0 -s

fuzz: $(READY)   ## pages with values nobody should send, for MINUTES; SEED=… again from one
	REGULARS_FUZZ_MINUTES=$(or $(MINUTES),10) REGULARS_FUZZ_SEED=$(SEED) $(BIN)/python -m pytest -n0 -s tests/test_fuzz.py

crash: $(READY)  ## kill -9 at every point of every command, then docs/crash-matrix.md
	$(BIN)/python -m tests.crash.matrix

mutants: $(READY) ## break each mechanism of docs/failure-cases.md and see its test fail; ONLY=17 one case
	$(BIN)/python -m tests.mutants $(if $(ONLY),--only $(ONLY)) --at-once $(or $(AT_ONCE),2)

docs: $(READY)   ## the data dictionary, from the code
	$(BIN)/python docs/dictionary.py

check: $(READY)  ## format, lint, types, SQL in every dialect
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m transforms.dialects

bench: $(READY)  ## the figures of docs/benchmarks.md; WORKLOADS, ROUNDS and ONLY choose
	$(BIN)/python -m benchmarks.run $(BENCH)

bench-short: $(READY) ## the same with small accounts, in a few minutes
	$(BIN)/python -m benchmarks.run --form short $(BENCH)

bench-peers:     ## install what is measured beside us, each into an environment of its own
	@for peer in $(PEERS); do \
	  $(MAKE) --no-print-directory .bench/$$peer/.ready \
	    || echo "$$peer cannot be installed here; the bench leaves it out"; \
	done

.bench/%/.ready: benchmarks/peers/%.txt
	$(PYTHON) -m venv .bench/$*
	.bench/$*/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

lock:            ## pin what is installed, with hashes and without addresses (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --upgrade -o requirements.txt

clean:           ## remove what make made
	rm -rf $(VENV) .bench build *.egg-info .mypy_cache .ruff_cache .pytest_cache
