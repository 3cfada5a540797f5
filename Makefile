# One command each; every one sets up what it needs first (.ci/setup; a second time it takes no time).
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv/bin
JOBS ?= $(shell nproc)

.PHONY: help setup demo test lint soak gpu-test sanitize clean

help: ## this text
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

setup: ## system packages, .venv, build, install
	@.ci/setup

demo: setup ## judge an assortment of kernels, then let a policy learn (under 5 minutes on 2 cores)
	@"$(CURDIR)/$(VENV)/crucible" demo $(DEMO)

test: setup ## every test that needs no GPU
	@ctest --test-dir build/main --output-on-failure --no-tests=error -LE 'gpu|soak' -j 1
	@"$(CURDIR)/$(VENV)/python" -m pytest -q -m 'not gpu and not slow' $(PYTEST)

lint: ## style: clang-format, clang-tidy, ruff, mypy
	@.ci/lint

soak: setup ## the long campaigns, whole
	@ctest --test-dir build/main --output-on-failure -L soak -j 1 --no-tests=ignore
	@CRUCIBLE_SOAK=1 "$(CURDIR)/$(VENV)/python" -m pytest -q -m 'not gpu' $(PYTEST)

gpu-test: setup ## the tests that need an NVIDIA GPU
	@ctest --test-dir build/main --output-on-failure --no-tests=ignore -L gpu -j 1
	@"$(CURDIR)/$(VENV)/python" -m pytest -q -m gpu $(PYTEST) || test $$? -eq 5
	@if [ -e /dev/nvidia0 ]; then bash tests/gpu/run_all.sh; fi

sanitize: setup ## the C++ unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@.ci/sanitize

clean: ## removes what was built (not the run directories)
	rm -rf build .venv dist .mypy_cache .ruff_cache .pytest_cache
