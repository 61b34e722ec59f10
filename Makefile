# The two commands of the README are `make demo` and `make test`.
SHELL := /bin/bash
# Queries are checked against the committed cache; `make sqlx-cache` renews it.
export SQLX_OFFLINE = true

.PHONY: demo test lint bench bench-peers fuzz race soak sqlx-cache docs

demo: ## serve a filled demo warehouse
	@scripts/setup.sh server
	cargo run --package entrepot -- demo

test: ## everything that must hold, in under 25 minutes on two cores
	@scripts/setup.sh server browser
	cargo test --workspace --no-fail-fast

lint: ## formatting and clippy, warnings refused
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- --deny warnings

# The algorithms by themselves: each runs, whether or not the one before missed a figure. Without ENTREPOT_DATA slotting walks a
# made-up shop, and without `make bench-peers` nothing is set beside others; both is said.
ALGORITHMS = missed=; for example in statistics learning putaway slotting; do echo; echo "== $$example"; \
	cargo run --release --package optimization --example $$example || missed="$$missed $$example"; done; \
	test -z "$$missed" || { echo "missed:$$missed"; exit 1; }

bench: ## measured ratios, printed side by side (release build); make bench ONLY="ledger http" runs parts
	@scripts/setup.sh server
	cargo build --release --package entrepot --bins
	cargo run --release --package entrepot --example bench -- $(ONLY)
	$(if $(ONLY),,$(ALGORITHMS))

bench-peers: ## what other programs make of the same problems, into target/peers; needs Python and the package index
	scripts/bench-peers/setup.sh
	target/peers/venv/bin/python scripts/bench-peers/putaway.py
	target/peers/venv/bin/python scripts/bench-peers/statistics.py target/peers
	target/peers/venv/bin/python scripts/bench-peers/learning.py target/peers

fuzz: ## Schemathesis over REST and GraphQL, about 4 minutes (FUZZ_SECONDS)
	@scripts/setup.sh server
	cargo build --package entrepot
	scripts/fuzz.sh

race: ## races for the same goods on a running Entrepot (URL=… TOKEN=…) or on one of its own; RACE='--only last-unit …'
	@scripts/setup.sh server
	$(if $(URL),,cargo build --release --package entrepot --bin entrepot)
	@TOKEN='$(TOKEN)' cargo run --release --package entrepot --example race -- $(if $(URL),--url '$(URL)') $(RACE)

# SOAK="--only kills --points 1000 --seed 7" chooses; --help tells all.
soak: ## every fault in its long form, about ten minutes (release build); exit code 1 when a promise is broken
	@scripts/setup.sh server faketime
	cargo build --release --package entrepot --bin entrepot
	cargo run --release --package entrepot --example soak -- $(SOAK)

docs: ## write docs/errors.md, docs/openapi.json and docs/schema.graphql anew
	UPDATE_DOCS=1 cargo test --package entrepot --test it documents

sqlx-cache: ## write .sqlx anew from the migrations, on a throw-away server
	@scripts/setup.sh server
	scripts/sqlx-cache.sh
