# Everything a contributor runs. `make help` lists it.

.DEFAULT_GOAL := help
.PHONY: help build server demo test test-full verify lint bench

# Where Python environments and built tools are kept, outside the checkout.
export CAIRN_TEST_CACHE ?= $(HOME)/.cache/cairn-test

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

build: ## Build bin/cairn and its adapters
	@sh tools/build.sh

server: build ## Build and start the server on 127.0.0.1:5000 (ARGS="--listen …")
	@bin/cairn server $(ARGS)

demo: build ## Train under autolog, compare, and go on serving (ARGS=--once ends)
	@python3 tools/demo.py $(ARGS)

test: ## Run all tests; installs what they need per user
	@python3 test/run.py

test-full: ## As test, with more versions, kills, checks and fuzzing (ARGS=kills)
	@python3 test/full.py $(ARGS)

verify: ## Check generated code, go.mod, go vet and other platforms
	@sh tools/verify.sh

lint: ## Lint the Go, Python and TypeScript sources
	@sh tools/lint.sh

bench: build ## Measure; fails on a missed limit (ARGS="--profile long --size 1/16")
	@go run ./bench $(ARGS)
