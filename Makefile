# make demo    set everything up, render 100 poses into out/demo, with report and contact sheet
# make test    set everything up, run the tests
# make lint    ruff, types
# make setup   only set up: system libraries, .venv, asset packs
# make clean   remove what the above made, but for the asset packs in the user's cache

PYTHON ?= python3
POSES ?= 100
OUT ?= out/demo
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint setup clean
.DEFAULT_GOAL := demo

demo: setup
	$(BIN)/synthgen render --poses $(POSES) --out $(OUT) --set poses_per_subject=4
	$(BIN)/synthgen validate $(OUT)
	$(BIN)/synthgen inspect $(OUT)
	@echo "pictures: $(OUT)/images   look at: $(OUT)/inspect/all.jpg   report: $(OUT)/report/plausibility.html"

test: setup
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/mypy

setup:
	@PYTHON="$(PYTHON)" scripts/setup.sh

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis out
	find biomech scenes synthgen tests -name __pycache__ -type d -prune -exec rm -rf {} +
