# `make help` lists what there is.

# The repository that `make run` reads.
REPO ?= .
# Ticket files for `make run`: Jira issues as JSON or CSV, compressed or not.
TICKETS ?=
# Where `make run` keeps what it has read.
DATA ?= .docassist

# Each repository has an organisation of its own there, so that one run does not mix with the next.
ORG ?= $(if $(filter .,$(REPO)),default,$(shell basename "$(REPO)" .git | tr 'A-Z_.' 'a-z--'))

PROGRAM := target/release/docassist --data $(DATA) --org $(ORG)

.DEFAULT_GOAL := help
.PHONY: help run build test bench clean

help: ## List the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  \1\t/'

build: ## Build the program, optimised
	cargo build --release --locked --package docassist

run: build ## Read REPO (default: this one) and TICKETS, and show what the documentation lacks
	$(PROGRAM) --format table --quiet sync git $(REPO)
ifneq ($(strip $(TICKETS)),)
	$(PROGRAM) --format table --quiet sync tickets $(TICKETS)
endif
	$(PROGRAM) --format table gaps
	@echo
	@echo "Reading again takes in only what is new, and says what to try next"
	@echo "(here docassist is target/release/docassist; cargo install --path crates/docassist puts it on the path):"
	@echo
	@$(PROGRAM) --format table sync git $(REPO)

test: ## Install what is missing, and run what CI runs
	@bash .ci/prepare
	DOCASSIST_REQUIRE_REDIS=1 DOCASSIST_REQUIRE_POSTGRES=1 cargo xtask check

bench: ## Measure
	cargo run --release --quiet --package xtask -- bench

clean: ## Remove what was built and what `make run` has read
	cargo clean
	rm -rf $(DATA)
