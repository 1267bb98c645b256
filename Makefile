# Developers' shortcuts. Everything goes through manage.py or the tools of its virtual environment;
# `python3 manage.py setup` (or `make test`) makes that first.

VENV ?= .venv
PYTHON = $(VENV)/bin/python
BENCHES = $(patsubst bench/%.py,%,$(shell grep -l __main__ bench/*.py))
TEMPLATES = $(shell find templates -name '*.html' 2>/dev/null)

.PHONY: help demo test check format bench features faults load lock screenshots messages

help:
	@echo "make demo      run Tollgate with its sample company"
	@echo "make test      the whole suite (ARGS='-k budgets')"
	@echo "make check     format, lint, layers, types, templates, settings, migrations"
	@echo "make format    put code and templates into form"
	@echo "make features  which tests show which feature (ARGS='F188 --missing')"
	@echo "make faults    only the tests that break something on purpose"
	@echo "make bench     the benchmarks (WRITE=1 writes docs/performance.md)"
	@echo "make load      the benchmarks of requests under load"
	@echo "make messages  gather words for the translations (needs xgettext)"
	@echo "make screenshots  pictures of every page into docs/screenshots (needs Chromium)"
	@echo "make lock      the package locks, from the requirements"

demo:
	python3 manage.py demo $(ARGS)

test:
	python3 manage.py test $(ARGS)

check:
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/mypy .
	$(VENV)/bin/djade --check --target-version 5.2 $(TEMPLATES)
	$(VENV)/bin/djlint templates --lint --profile=django --quiet
	$(PYTHON) manage.py check --fail-level WARNING
	$(PYTHON) manage.py makemigrations --check --dry-run

format:
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	$(VENV)/bin/djade --target-version 5.2 $(TEMPLATES)

bench:
	@set -e; for each in $(BENCHES); do WRITE=$(WRITE) $(PYTHON) -m bench.$$each $(ARGS); done

features:
	@python3 manage.py features $(ARGS)

faults:
	python3 manage.py test -m fault $(ARGS)

load:
	WRITE=$(WRITE) $(PYTHON) -m bench.curri $(ARGS)

# Writes both locks anew from the requirements; needs uv on the path.
UV_LOCK = uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet
lock:
	$(UV_LOCK) requirements.txt -o requirements.lock
	$(UV_LOCK) --constraint requirements.lock tests/requirements.txt -o tests/requirements.lock

screenshots:
	$(PYTHON) -m tests.browser.screenshots $(ARGS)

# Gathers the words of code and templates into the catalogues; needs xgettext (package gettext).
messages:
	$(PYTHON) manage.py makemessages -l de -l fr -l es -l it -l ar --no-location --no-obsolete \
		-i tests -i bench -i docs -i var -i .venv
