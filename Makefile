# Two commands do everything on a machine with Python 3.11 or newer, Node 20 and make:
#   make demo    a county that publishes, stored, watched, alerting, in this terminal
#   make test    every check and every test
# `make install` does the set-up alone and leaves the command at .venv/bin/lifeline.
PYTHON ?= python3
UV := .venv/bin/uv
STAMP := .venv/.installed

.PHONY: install demo test check docs clean
install: $(STAMP)

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "City Lifeline needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check uv

$(STAMP): $(UV) pyproject.toml uv.lock
	VIRTUAL_ENV=.venv $(UV) sync --frozen --inexact --quiet --extra sim
	@touch $@

demo: install
	.venv/bin/lifeline demo

check: install
	scripts/check

test: install
	scripts/test

docs: install
	.venv/bin/python scripts/docs.py

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis tests/support/timescale/node_modules
