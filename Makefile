# Cổng Xanh. `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
JOBS ?= 4
# Tests that want the machine for themselves: a booted Debian, what is mounted, a broker that drops connections.
ALONE := tests/appliance tests/systemd tests/drivers/test_stick_contract.py tests/drivers/test_stick_mounted.py tests/drivers/test_broker_probe.py
# What Debian and Raspberry Pi OS bring, each with what shows that it is there.
RUN_PARTS := python3-venv:ensurepip mosquitto:/usr/sbin/mosquitto libzbar0:libzbar.so.0
TEST_PARTS := postgresql:/usr/lib/postgresql rabbitmq-server:/usr/sbin/rabbitmq-server systemd:/usr/bin/systemd-analyze fdisk:/usr/sbin/sfdisk dosfstools:/usr/sbin/mkfs.vfat mtools:/usr/bin/mcopy
# Beside these, for whoever is root: the tests in a booted Debian, and across network namespaces.
ROOT_PARTS := iproute2:/usr/sbin/ip systemd-container:/usr/bin/systemd-nspawn mmdebstrap:/usr/bin/mmdebstrap
BENCHES := verify rules permits hostile startup latency devices doctor journal uplink collector revocation switching sync
ifeq ($(shell id -u),0)
TEST_PARTS += $(ROOT_PARTS)
BENCHES += kiosk
endif
FOR_RUN := $(VENV)/.for-run
FOR_TEST := $(VENV)/.for-test

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: $(FOR_RUN) ## Set up what is missing and run the whole appliance on this desk, until Ctrl-C
	@$(BIN)/greengate demo

.PHONY: test
test: setup ## Run all tests (the public vectors too, where ../shared/vectors is)
	@$(BIN)/pytest -n $(JOBS) --dist loadgroup $(ALONE:%=--ignore=%)
	@$(BIN)/pytest $(ALONE)

.PHONY: check
check: setup ## Check format, lint, types, import contracts and how exposed the units are
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.systemd.exposure

.PHONY: deb
deb: setup ## Build the Debian packages, for each architecture and release, into dist/
	@$(BIN)/python -m provisioning.deb.build

.PHONY: appliance-test
appliance-test: setup ## Test the package in a booted Debian, as root: installation, units, faults, upgrade (minutes)
	@GREENGATE_APPLIANCE=required $(BIN)/pytest -v -m "appliance or not appliance" tests/appliance tests/systemd

.PHONY: format
format: setup ## Format the code and mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: conformance
conformance: setup ## Run only the tests on the public vectors, and say which are skipped
	@$(BIN)/pytest -v tests/verifier/test_conformance.py tests/verifier/test_revocation.py tests/verifier/test_signed_list.py tests/verifier/test_signers.py tests/drivers/test_symbols_vectors.py tests/test_quality_assurance.py

.PHONY: tuf-conformance
tuf-conformance: setup ## Run the TUF conformance suite against our client, where it can be had (or TUF_CONFORMANCE=DIR)
	@$(BIN)/python -m tests.tuf_suite $(if $(TUF_CONFORMANCE),--checkout $(TUF_CONFORMANCE))

.PHONY: bench
bench: setup ## Measure speed, memory and start, into bench/results/
	@for program in $(BENCHES); do $(BIN)/python -m bench.$$program; done

.PHONY: bench-large
bench-large: setup ## Measure 80 million revoked passes: minutes, 4 GiB of memory and of /var/tmp
	@$(BIN)/python -m bench.revocation --count 80000000 --json bench/results/revocation-large.json

.PHONY: bench-reading
bench-reading: setup ## Measure what the reader reads, how soon and at what cost, beside its peers: minutes
	@$(BIN)/python -m bench.reading $(READING)

.PHONY: bench-reading-large
bench-reading-large: setup ## The same with 10,000 empty frames, and 100,000 for memory: an hour
	@$(BIN)/python -m bench.reading --large --json bench/results/reading-large.json $(READING)

.PHONY: soak
soak: setup ## Kill programs 200 times at random moments and count the lights and check-ins
	@$(BIN)/python -m tests.soak --kills 200

.PHONY: fleet
fleet: setup ## Run 2,000 simulated kiosks against a real broker, collectors and database; a province comes back
	@$(BIN)/python -m bench.fleet

.PHONY: campaign
campaign: setup ## Kill uplink, collectors, broker and database 500 times at random moments, and count (as root: also a bad network)
	@$(BIN)/python -m tests.faults --kills 500 --json bench/results/campaign.json

# Where every branch must have been seen: what decides, and what is recorded and sent.
PURE := verifier/*,firmware/judging.py,firmware/records.py,firmware/answers.py,firmware/attended.py,firmware/session.py,firmware/signalling.py,firmware/deciding.py,firmware/presenting.py,firmware/rule_folder.py,firmware/timekeeping.py,firmware/timekeeper.py,firmware/knowledge.py,firmware/trust_data.py,firmware/trust_store.py,firmware/trust_switch.py,firmware/health.py,firmware/checkin.py,firmware/checkpoint.py,firmware/front.py,firmware/floods.py,firmware/hinting.py,firmware/reader_hints.py,firmware/wire*.py,firmware/envelope.py,firmware/sealing.py,firmware/details.py,firmware/detail_names.py,firmware/config.py,firmware/config_mistakes.py,firmware/config_rules.py,firmware/config_sections.py,firmware/faults.py,firmware/messages.py,firmware/texts.py,firmware/panel_state.py

.PHONY: coverage
coverage: setup ## Run all tests, show which branches none reached; the pure parts must have none
	@$(BIN)/pytest --cov --cov-report=term-missing:skip-covered
	@$(BIN)/coverage report --include='$(PURE)' --fail-under=100

.PHONY: setup
setup: $(FOR_TEST) ## Install what is missing: system parts, .venv (the other targets call it)

$(FOR_RUN): pyproject.toml provisioning/setup.sh
	@PYTHON="$(PYTHON)" provisioning/setup.sh $(VENV) . $(RUN_PARTS)
	@touch $@

$(FOR_TEST): $(FOR_RUN)
	@PYTHON="$(PYTHON)" provisioning/setup.sh $(VENV) '.[dev]' $(RUN_PARTS) $(TEST_PARTS)
	@touch $@

.PHONY: clean
clean: ## Remove what the targets made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage
