# Two commands: `make demo` and `make test`. Each makes the virtual environment it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Reinstalled when the project's dependencies change; a broken install leaves no stamp.
STAMP := $(VENV)/.installed

# Two cores are enough for everything here, and more threads than cores slow torch down.
export OMP_NUM_THREADS ?= 2

.PHONY: demo test install lint types tests generated format clean

demo: install
	$(BIN)/relgraph demo

test: lint types tests generated

install: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "relgraph needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { rm -rf $(VENV); $(PYTHON) -m venv $(VENV); }
	@echo "installing into $(VENV): a few minutes and about 6 GB the first time"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all]'
	touch $(STAMP)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

# One process per core, one thread each: torch's own threads would fight over the same two cores.
tests: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist worksteal

generated: install
	$(BIN)/relgraph generate --check

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
