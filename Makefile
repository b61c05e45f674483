# Two commands: `make demo` (three greetings from the real model), `make test` (every test).
# `make serve` opens the web app on 127.0.0.1:8765. Each installs what it needs into .venv;
# `make install` adds data, tuning and evaluation.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --constraint requirements.lock

.PHONY: help demo serve install test lint bench clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    安装、取模型、写三条祝福    install, fetch the model, write three greetings"
	@echo "make serve   打开网页 127.0.0.1:8765     serve the web app"
	@echo "make install 装上做数据、微调、盲评所需  install what data, tuning, evaluation need"
	@echo "make test    跑全部测试                  run every test"
	@echo "make bench   跑基准，各有对照            run the benchmarks, each beside a peer"

# A venv without its own pip works on a Debian that lacks python3-venv.
$(BIN)/python:
	$(PYTHON) -m venv --without-pip $(VENV)

$(VENV)/.run: $(BIN)/python pyproject.toml requirements.lock
	@echo "安装 fencun…  installing…"
	$(PIP) --editable .
	@touch $@

$(VENV)/.serve: $(BIN)/python pyproject.toml requirements.lock
	@echo "安装网页所需…  installing what the web app needs…"
	$(PIP) --editable '.[serve,card]'
	@touch $@ $(VENV)/.run

$(VENV)/.install: $(BIN)/python pyproject.toml requirements.lock
	@echo "安装数据、微调、盲评所需…  installing what data, tuning and evaluation need…"
	$(PIP) --editable '.[serve,card,data,tune,evaluate]'
	@touch $@ $(VENV)/.run $(VENV)/.serve

$(VENV)/.dev: $(BIN)/python pyproject.toml requirements.lock
	@echo "安装测试所需…  installing what the tests need…"
	$(PIP) --editable '.[dev,tune]'
	@touch $@ $(VENV)/.run $(VENV)/.serve $(VENV)/.install

demo: $(VENV)/.run
	$(BIN)/fencun model fetch
	$(BIN)/fencun write --salutation 王老师 --relation 高中班主任 --occasion 除夕 --style 真诚走心 --length 中 \
	  --detail 高三晚自习后常留下来给我讲数学题，我现在在北京写程序

serve: $(VENV)/.serve
	$(BIN)/fencun model fetch
	$(BIN)/fencun serve

install: $(VENV)/.install

test: $(VENV)/.dev lint
	scripts/setup-tests
	-PYTHON=$(PYTHON) scripts/setup-llamafactory
	$(BIN)/fencun model fetch
	$(BIN)/fencun model fetch qwen2.5-coder-0.5b
	$(BIN)/pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.dev
	for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
