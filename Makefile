# Two commands: `make demo` (three greetings from the real model), `make test` (every test).
# `make serve` opens the web app on 127.0.0.1:8765. Each installs what it needs into .venv;
# `make install` adds data, tuning and evaluation.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --constraint requirements.lock

.PHONY: help demo serve install test lint browser llamafactory models bench soak clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    安装、取模型、写三条祝福    install, fetch the model, write three greetings"
	@echo "make serve   打开网页 127.0.0.1:8765     serve the web app"
	@echo "make install 装上做数据、微调、盲评所需  install what data, tuning, evaluation need"
	@echo "make test    跑全部测试                  run every test"
	@echo "make bench   跑基准，各有对照            run the benchmarks, each beside a peer"
	@echo "make soak    跑可靠性的大号测试，几小时  run the scorecard at full size, for hours"

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

# What the tests need is brought at the same time: one waits for the network, another computes.
test: $(VENV)/.dev
	$(MAKE) --no-print-directory --jobs lint browser llamafactory models
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

browser:
	scripts/setup-tests

llamafactory:
	-PYTHON=$(PYTHON) scripts/setup-llamafactory

models: $(VENV)/.dev
	$(BIN)/fencun model fetch
	$(BIN)/fencun model fetch qwen2.5-coder-0.5b

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/table.py

# Rows of docs/reliability.md by name: make soak ROWS="writes server"
soak: $(VENV)/.dev
	$(BIN)/python scripts/soak.py $(ROWS)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
