# make run      the site at http://127.0.0.1:8000, with the plan and demonstration figures (PORT=… for another port)
# make test     every test, on SQLite and PostgreSQL
# make lint     style, types, direction of imports, templates, migrations, translations
# make format   repair what lint says about style
# make messages bring the catalogue of translations up to date
# make bench    measurements
# make clean    remove what tools made, the environment included; the site's own data in instance/ stays

PORT ?= 8000
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
PY := $(VENV)/bin/python

.PHONY: run test lint format messages bench clean

run: $(VENV)/.runtime
	@$(PY) manage.py bootstrap --demo
	@exec $(PY) -m gunicorn mofa_kpi.wsgi --bind 127.0.0.1:$(PORT) --workers 2 --threads 4 --no-control-socket

test: $(VENV)/.dev
	@$(PY) -m mofa_kpi.tests $(ARGS)

# Any key and any database will do: the models are read, no data.
lint: export DEBUG := true
lint: export DATABASE_URL := sqlite://:memory:
lint: $(VENV)/.dev
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy
	$(VENV)/bin/lint-imports --no-logo
	$(PY) -m djlint templates --lint --quiet
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) -m mofa_kpi.messages --check

format: $(VENV)/.dev
	$(PY) -m ruff check --fix
	$(PY) -m ruff format

messages: $(VENV)/.dev
	$(PY) -m mofa_kpi.messages

bench: $(VENV)/.dev
	@status=0; for file in bench/[!_]*.py; do echo "== $$file"; \
		$(PY) -m bench.$$(basename $$file .py) || status=1; done; exit $$status

clean:
	rm -rf $(VENV) staticfiles .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. A stamp file says which requirements are in; they are installed again when these change.
define environment
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Python 3.11 or later is needed (make PYTHON=/path/to/python3.11 names one).' >&2; exit 1; }
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	@echo 'Installing $(1) …'
	@$(PY) -m pip install --quiet --disable-pip-version-check --requirement $(1)
endef

$(VENV)/.runtime: requirements.txt
	$(call environment,requirements.txt)
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt
	$(call environment,requirements-dev.txt)
	@touch $@ $(VENV)/.runtime
