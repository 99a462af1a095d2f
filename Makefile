# Everything a developer or a first visitor types. `make help` lists it.
PYTHON ?= $(shell sh packaging/find_python.sh)
VENV := .venv
BIN := $(VENV)/bin
# An NVIDIA driver decides whether the packages of the GPU engine are installed. TensorRT for RTX
# builds engines without a GPU, so the tests use it.
comma := ,
RUN_EXTRAS ?= $(if $(wildcard /proc/driver/nvidia/version),[gpu$(comma)models],)
DEV_EXTRAS ?= dev,rtx
PYTEST_ARGS ?=
BENCH_SOURCE ?= demo

# The kernels' tests need torch, which is large: they have an environment of their own.
KERNELS_PYTHON ?= python3
KERNELS_VENV := .venv-kernels

.PHONY: help setup demo test test-kernels lint bench clean system
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

setup: $(VENV)/installed-dev system ## make .venv with everything to run and to test

$(VENV)/installed: pyproject.toml constraints.txt
	@if [ -z "$(PYTHON)" ]; then \
	  echo "rfviewer needs Python 3.12 or newer, and none was found on the path or in pyenv."; \
	  echo "Install one, for instance python3.13 from Debian 13 or with pyenv, or name it: make setup PYTHON=..."; \
	  exit 1; fi
	@echo "Using $$($(PYTHON) --version). Installing into $(VENV): about 1 GB, a few minutes the first time."
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "Python cannot make environments; on Debian and Ubuntu install its venv package (python3-venv)."; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.$(RUN_EXTRAS)'
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	@echo "Adding what tests and lint need: $(DEV_EXTRAS)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(DEV_EXTRAS)]'
	@touch $@

system: $(VENV)/installed
	@sh packaging/install_system_packages.sh $$($(BIN)/python rfviewer/system_packages.py)

demo: $(VENV)/installed system ## open the window with the embedded clip
	@$(BIN)/rfviewer demo:720p --loop

test: setup ## run all tests, the window's also on a virtual screen
	@sh packaging/install_system_packages.sh $$($(BIN)/python rfviewer/system_packages.py --tests)
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest $(PYTEST_ARGS)
	@if command -v xvfb-run >/dev/null; then \
	  echo "The window's tests again, on a virtual X11 screen:"; \
	  QT_QPA_PLATFORM=xcb xvfb-run -a -s "-screen 0 1600x1000x24" $(BIN)/python -m pytest -q -m gui tests/gui $(PYTEST_ARGS); \
	else echo "xvfb-run is missing: the window's tests ran offscreen only."; fi

$(KERNELS_VENV)/installed: requirements-kernels.txt
	@$(KERNELS_PYTHON) -m venv $(KERNELS_VENV)
	@$(KERNELS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-kernels.txt
	@touch $@

test-kernels: $(KERNELS_VENV)/installed ## test the Triton kernels, without a GPU in Triton's interpreter (installs torch)
	$(KERNELS_VENV)/bin/python -m pytest tests/kernels $(PYTEST_ARGS)

lint: setup ## formatter, linter, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/installed ## measure the pipeline against its bare backend
	$(BIN)/rfviewer bench $(BENCH_SOURCE)

clean: ## remove the environment and all caches
	rm -rf $(VENV) $(KERNELS_VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
