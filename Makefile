# Everything runs in .venv/ of this checkout. `make demo` and `make test` are all that a newcomer needs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1
export GX_ANALYTICS_ENABLED := false

.PHONY: help setup demo samples repro test check clean

help:
	@echo "make demo    set up, make synthetic extracts, run the pipeline, say where the results are"
	@echo "make test    set up, run all tests"
	@echo "make check   ruff, type checker, documents"
	@echo "make clean   remove what the pipeline made from samples (not .venv, releases, the register)"

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or later is needed: make demo PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@mkdir -p -m 700 .sdc  # or DVC makes it, open to everybody
	@touch $(READY)

samples: setup
	@test -n "$$(ls data/raw 2>/dev/null)" -a -e data/register/register.sqlite || sdc samples

demo: setup samples
	@git rev-parse --git-dir >/dev/null 2>&1 || dvc config --local core.no_scm true
	dvc repro
	@echo
	@sdc status

test: setup
	python -m pytest -n 2

check: setup
	ruff check .
	ruff format --check .
	mypy
	sdc check

clean:
	test ! -d data || find data -mindepth 1 -maxdepth 1 ! -name register ! -name facts -exec rm -rf {} +
	rm -rf .sdc/dvc-site-cache
