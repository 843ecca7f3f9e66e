# Every command of the project. A fresh machine needs Python 3.11 with venv, make, and for `make test` Node.js 20, Maven and a JDK 17.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# The suites that need a running server or another client; `make check` leaves them out.
BLACKBOX := sdk api_suite console crash fuzz kinesis lambda_suite triggers consumers cassandra faults hostile
CART := examples/cart/requirements.txt
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
COMPILE := .tools/supply/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

# Compiled modules are kept: else every process that a test starts, and every run, compiles all of them again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install lock bill audit tools serve lint types imports rewritten unit check test soak cluster cluster-stop \
	bench demo

help:
	@echo "make serve    serve on http://127.0.0.1:8000 (installs what serving needs)"
	@echo "make install  everything that serving and testing need from Python, into $(VENV)"
	@echo "make lock     other versions of what is installed; make bill lists it (CycloneDX), make audit asks for known faults"
	@echo "make check    lint, types, imports, unit tests that are quick"
	@echo "make test     everything, from a fresh machine"
	@echo "make soak     long histories under faults, and fuzzing, for hours"
	@echo "make cluster  three Cassandra nodes on 127.0.0.1 to .3, port 9042; make cluster-stop ends them and keeps the data"
	@echo "make bench    speed, beside the floor and other servers; ENGINE=cassandra: on a cluster, beside the bare driver"
	@echo "make demo     the cart service under load; ENGINE=cassandra: on a cluster that loses a node"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# One stamp for what serving needs, one for what testing needs as well; which age with what they read.
# Nothing is installed that is not the very file which was locked; `make lock` renews the list.
$(VENV)/.serve: pyproject.toml requirements/serve.txt | $(BIN)/python
	@echo "Installing what serving needs into $(VENV): once, a minute or so." >&2
	$(PIP) --require-hashes -r requirements/serve.txt
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: pyproject.toml requirements/test.txt | $(BIN)/python
	$(PIP) --require-hashes -r requirements/test.txt
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $(VENV)/.serve $@

install: $(VENV)/.test

tools:
	tests/sdk/install_tools.sh
	tests/console/install_browser.sh
	tests/consumers/kcl/install.sh
	tests/cassandra/cluster/install.sh

# Tools of these three, which need a registry, and the last one a list of known faults, at the time that they run.
.tools/supply/.installed: Makefile
	$(PYTHON) -m venv .tools/supply
	.tools/supply/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9 cyclonedx-bom==7.5.0 pip-audit==2.10.1
	@touch $@

lock: .tools/supply/.installed
	$(COMPILE) --upgrade pyproject.toml requirements/build.in -o requirements/serve.txt
	$(COMPILE) --upgrade --extra cassandra --extra test pyproject.toml requirements/build.in $(CART) \
		-c requirements/serve.txt -o requirements/test.txt

bill: .tools/supply/.installed
	.tools/supply/bin/cyclonedx-py requirements requirements/serve.txt --pyproject pyproject.toml \
		--output-reproducible -o bill-of-materials.json

audit: .tools/supply/.installed
	.tools/supply/bin/pip-audit --disable-pip --require-hashes -r requirements/test.txt

serve: $(VENV)/.serve
	@exec $(BIN)/statordb serve --port 8000

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy
	$(BIN)/mypy --explicit-package-bases $(BLACKBOX:%=tests/%) tests/conftest.py tests/brevity.py tests/process.py tests/raw.py tests/scheduling.py

imports: install
	$(BIN)/lint-imports

# What is slow, or needs a cluster, is left to `make test`. A process that has none left takes over tests of the other.
unit: install
	$(PYTEST) -n 2 --dist worksteal -m 'not slow and not cassandra' tests $(BLACKBOX:%=--ignore=tests/%)

check: lint types imports unit

# Once for each checkout, while what is installed beside Python waits for the network: pytest rewrites the assertions of
# all tests, which every process of a run would do by itself, and at the same time as the others. A run tells what fails.
rewritten: $(VENV)/.rewritten
$(VENV)/.rewritten: | install
	@$(PYTEST) --collect-only tests > /dev/null 2>&1 || true
	@touch $@

# One run of pytest for all, so that its closing line speaks for all. Two processes: a third would change the schema of the
# shared nodes beside two others, which then wait for each other. loadfile keeps a file's tests on one server, and
# --no-loadscope-reorder the longest files first: see tests/scheduling.py. Up to three tests may fail once and come
# through the second time: they are told at the end, with what they failed of. A promise that is broken once is broken:
# see JUDGED in tests/conftest.py. What is installed beside Python waits for the network, and the checks do not.
IN_TURN := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
AGAIN := --reruns 1 --max-suite-reruns 3 --rerun-show-tracebacks
test: install
	$(MAKE) --no-print-directory --jobs 2 $(IN_TURN) tools lint types imports rewritten
	$(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder $(AGAIN) --durations 10 tests

# Long histories, loads and fuzzing of the same kinds, for hours rather than minutes.
soak: install tools
	STATORDB_TEST_SOAK=1 $(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder --durations 10 tests/archive tests/crash tests/faults tests/fuzz tests/hostile

cluster: $(BIN)/python
	tests/cassandra/cluster/install.sh
	$(BIN)/python -m tests.cassandra.cluster.cluster start

cluster-stop: $(BIN)/python
	$(BIN)/python -m tests.cassandra.cluster.cluster stop

# These two run on the engine that ENGINE names: lmdb, or cassandra with a cluster of their own.
ENGINE ?= lmdb
CLUSTER_JARS = $(if $(filter cassandra,$(ENGINE)),tests/cassandra/cluster/install.sh)

bench: install
	$(CLUSTER_JARS)
	$(BIN)/python bench/run.py --engine $(ENGINE)

demo: install
	$(CLUSTER_JARS)
	$(BIN)/python examples/cart/demo.py --engine $(ENGINE)
