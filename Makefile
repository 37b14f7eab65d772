# `make help` lists the targets. run, build and test need Go alone; the version is stamped where git is there.

GO       ?= go
ARGS     ?=
BENCH    ?= .
FUZZ     ?= .
FUZZTIME ?= 10s
VERSION  := $(or $(if $(wildcard .git),$(shell git describe --tags --always --dirty 2>/dev/null)),dev)
BIN      ?= bin
BUILD     = CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '-X main.version=$(VERSION)'
RACE_FLAG = $(if $(filter 1 true,$(RACE) $(CI)),-race)
INPUT     = /(httpapi|drivers|wire|audit|logfile|auth|authfile|webhooks) Fuzz
GOLANGCI ?= $(or $(shell command -v golangci-lint 2>/dev/null),$(shell $(GO) env GOPATH)/bin/golangci-lint)

.PHONY: help run demo-mixed compare build test test-k6 test-busy soak generate drift lint bench fuzz fuzz-input clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

run: build ## a server, drivers and a target on this machine; more flags by ARGS='--listen 127.0.0.1:0'
	@$(BIN)/swarmcall demo --server $(BIN)/swarmcall-server $(ARGS)

demo-mixed: build ## Locust, HTTP load, a program and, where there is one, k6 1.x as one swarm (needs locust; K6=PATH)
	@BIN='$(BIN)' python3 tests/mixed/demo.py $(if $(K6),--k6 "$(K6)")

compare: build ## measure what docs/comparisons.md prints: Locust's own control against ours (needs locust; 4 minutes)
	@BIN='$(BIN)' python3 tests/mixed/compare.py

build: ## bin/swarmcall-server and bin/swarmcall, both static
	$(BUILD) -o $(BIN)/swarmcall-server ./cmd/server
	$(BUILD) -o $(BIN)/swarmcall ./cmd/swarmcall

test: ## all tests; RACE=1 or CI=true adds the race detector (needs a C compiler)
	$(GO) test -timeout 30m $(RACE_FLAG) $(TESTFLAGS) ./...

test-k6: ## the tests of `drive k6` against a real k6 1.x: make test-k6 K6=PATH
	@test -n "$(K6)" || { echo "name a k6 1.x: make test-k6 K6=PATH" >&2; exit 1; }
	SWARMCALL_TEST_K6="$$(command -v "$(K6)" | xargs -r realpath)" \
		$(GO) test -count=1 -run 'K6|Script|^Test(Generators|TheDriverEndsInOrder|NoLoadWithoutControl|Attach)$$/^k6' \
		./tests/generators

test-busy: ## `make test` three times beside four busy loops: no test may depend on how fast the machine is
	@bash .ci/busy $(MAKE) --no-print-directory test TESTFLAGS=-count=1

soak: ## every fault as often as the figures in the docs say, and ten minutes of use; takes about half an hour
	SWARMCALL_SOAK=1 $(GO) test -count=1 -timeout 3h -v ./tests/faults/... ./tests/nodes ./internal/swarmtest/together ./tests/hostile
	SWARMCALL_SOAK=1 $(GO) test -count=1 -timeout 1h -v -bench . -benchtime 10x ./tests/size

generate: ## write the generated files again
	$(GO) generate ./...

drift: ## fail if generated files are not what their sources give
	@bash .ci/drift

lint: ## golangci-lint, with the rules of .golangci.yml
	@test -x "$(GOLANGCI)" || { echo "golangci-lint is not here; get it: bash .ci/golangci-lint" >&2; exit 1; }
	$(GOLANGCI) run ./...

bench: ## benchmarks; BENCH=regexp selects some
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

fuzz: ## each fuzz target for FUZZTIME (10s); FUZZ=regexp selects some, KEEP=1 keeps what they find in testdata/fuzz
	@KEEP='$(KEEP)' bash .ci/fuzz '$(FUZZTIME)' '$(FUZZ)'

fuzz-input: ## as `make fuzz`, only bodies, frames, cursors, records, configuration files and the cookie: about 2 minutes
	@$(MAKE) --no-print-directory fuzz FUZZ='$(INPUT)'

clean: ## remove bin/
	rm -rf $(BIN)
