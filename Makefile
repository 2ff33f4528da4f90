# The commands of this repository. `make help` explains each.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
# A failed run ends with its reason, not with the frames that reported it; panics keep theirs.
export RUST_LIB_BACKTRACE := 0
# Clippy compiles what it lints: one build serves lints, tests and programs, and no dependency is checked once more for the lints alone.
export RUSTC_WORKSPACE_WRAPPER := clippy-driver
export CLIPPY_ARGS := -Dwarnings__CLIPPY_HACKERY__

BINARIES := target/debug
SCRIPTS := $(filter-out %.py,$(wildcard operator/hosts/scripts/*)) $(wildcard operator/planner/files/*) $(wildcard tests/lab/image/*.sh) tests/lab/image/lab-seed tests/lab/launch-host tests/install-tools tests/bench/expert tests/chart/check tests/chart/helm tests/chart/schemas tests/docs/links tests/install-programs cli/package operator/image/root operator/image/build operator/image/contents

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## From nothing to a page on the floating address, then failovers, on two real hosts (root; about 15 minutes the first time)
	$(BINARIES)/e2e demo

.PHONY: lab
lab: build ## The same ground, left running: hosts, API server, operator
	$(BINARIES)/e2e lab

.PHONY: lab-down
lab-down: ## End what `make lab` left running
	$(BINARIES)/lab down

# Tests that run scripts for real. In the others nothing is real: time, hosts and the API server are simulated, so that it does
# not matter how fast they run.
SCRIPTED := $(wildcard operator/hosts/tests/*.rs) operator/planner/tests/fence_peer.rs operator/planner/tests/http_agent.rs
REAL := $(patsubst %.rs,--test %,$(notdir $(SCRIPTED)))
SIMULATED := $(patsubst %.rs,--test %,$(notdir $(filter-out $(SCRIPTED),$(wildcard operator/*/tests/*.rs tests/simulator/tests/*.rs))))

# A session shares the processors with every other one alike, whatever its programs' priorities are (sched(7), autogroup). What is run by this
# gets only the time that nothing else wants.
IDLY := setsid sh -c 'echo 19 > /proc/self/autogroup || :; exec chrt --idle 0 "$$@"' -

.PHONY: test
test: build ## Everything CI runs, on Debian 12; make test DEBIAN=trixie: on Debian 13
	mkdir -p target/programs
	cp --remove-destination $(addprefix $(BINARIES)/,e2e lab hapair-operator kubectl-hapair) target/programs/
	# The tests that come first wait half of their time; what the end-to-end test starts from is built in that.
	$(IDLY) target/programs/e2e prepare --debian $(DEBIAN) > target/prepared.log 2>&1 & idly=$$!
	trap 'kill -- -$$idly 2> /dev/null || :' EXIT
	trap 'exit 130' INT TERM
	$(MAKE) --no-print-directory real
	# What could not be built the end-to-end test tries again, and tells.
	wait $$idly || :
	# The hosts of the end-to-end test leave processors' time unused. What needs no time of its own runs in that.
	$(IDLY) $(MAKE) --no-print-directory simulated > target/simulated.log 2>&1 & idly=$$!
	hosts=0; target/programs/e2e test --debian $(DEBIAN) || hosts=$$?
	others=0; wait $$idly || others=$$?
	cat target/simulated.log
	[ $$hosts = 0 ] || echo "the end-to-end test has failed on Debian $(DEBIAN): see above" >&2
	[ $$others = 0 ] || echo "a check without hosts has failed: see above" >&2
	exit $$((hosts + others > 0))

.PHONY: check
check: real simulated ## Format, lints, unit, snapshot and simulator tests, shell scripts, dependencies, links and book, generated files

.PHONY: real
real: tools
	cargo fmt --all --check
	cargo test --workspace --quiet $(REAL)
	shellcheck -e SC1090,SC1091,SC2016 $(SCRIPTS)
	promtool test rules config/prometheus/alerts_test.yaml
	tests/docs/links
	$(MAKE) --no-print-directory dependencies

.PHONY: simulated
simulated: tools
	# No other program has tests of its own, and no comment is one: compiling each for tests takes minutes.
	cargo test --workspace --quiet --lib --bin hapair-operator $(SIMULATED)
	$(MAKE) --no-print-directory verify
	$(BINARIES)/examples/figures text | promtool check metrics
	$(MAKE) --no-print-directory book

.PHONY: book
book: ## The documentation as a book, target/book
	programs=$$(tests/install-programs)
	$$programs/mdbook build docs

.PHONY: dependencies
dependencies: ## What comes in from elsewhere: licences, sources, versions, and what nothing uses
	programs=$$(tests/install-programs)
	$$programs/cargo-shear --deny-warnings
	$$programs/cargo-deny --log-level error check licenses bans sources

.PHONY: e2e
e2e: build ## The end-to-end test: real operator, real API server, real hosts
	$(BINARIES)/e2e test

.PHONY: failover
failover: build ## The checks of failover of the end-to-end test alone, on hosts that have the packages: make failover DEBIAN=trixie (about 20 minutes)
	$(BINARIES)/e2e failover --debian $(DEBIAN)

.PHONY: presets
presets: build ## nginx and a database on real hosts, moved there and back: make presets DEBIAN=trixie (about 10 minutes)
	$(BINARIES)/e2e presets --debian $(DEBIAN)

.PHONY: trials
trials: build ## What `make test` has no time for: each kind of fault at each effect in the simulator; more checks on Debian 12 and 13, what people do by hand among them, both links cut twenty times under load on each, a power cut after the other node was robbed of something, and failover on Debian 13 (about five hours)
	TRIALS=1 cargo test --workspace --quiet --test crashes
	for debian in bookworm trixie; do
	  $(BINARIES)/e2e trials --debian $$debian
	  $(BINARIES)/chaos --debian $$debian --only serving-isolated --rounds 20
	  $(BINARIES)/chaos --debian $$debian --only serving-power-cut --weaken --rounds 25
	done
	$(BINARIES)/e2e failover --debian trixie

.PHONY: image
image: ## The operator's image, as an OCI layout in target/image, with its list of contents (root)
	tests/install-tools buildah jq
	operator/image/build target/image

.PHONY: plugin
plugin: ## kubectl-hapair packed for krew, in target/plugin: make plugin URL=https://where.the.archive/will/be
	cli/package target/plugin "$(URL)"

.PHONY: chart
chart: build ## Lint the Helm chart, run its unit tests, hold it against the API schemas, and install, upgrade and remove it while a pair serves (Helm is built from source, once)
	tests/install-tools jq
	tests/chart/check
	$(BINARIES)/e2e chart

.PHONY: gitops
gitops: build ## A pair in Git under the real Argo CD: first sync, switchover, mistake, removal (Argo CD is built from source, once)
	tests/install-tools git redis-server
	cd tests/gitops/tools
	go vet ./...
	go test ./...
	cd -
	$(BINARIES)/e2e gitops

.PHONY: tutorial
tutorial: build ## docs/tutorial.md, run as it stands on bare hosts, and what it printed written into it (Helm is built from source, once)
	$(BINARIES)/e2e tutorial

ROUNDS ?= 3
SEED ?= 1
DEBIAN ?= bookworm

.PHONY: chaos
chaos: build ## Faults drawn by lot on the real hosts while a client writes: make chaos ROUNDS=50 SEED=7 DEBIAN=trixie (a minute a round)
	$(BINARIES)/chaos --debian $(DEBIAN) --rounds $(ROUNDS) --seed $(SEED)

.PHONY: screens
screens: build ## Every fault once, and what `kubectl hapair status` shows of each, into docs/operations.md (about 20 minutes)
	$(BINARIES)/chaos --rounds 19 --screens target/screens.md
	sed -i '/^<!-- screens: begin/,/^<!-- screens: end/{//!d}' docs/operations.md
	sed -i '/^<!-- screens: begin/r target/screens.md' docs/operations.md

.PHONY: bench
bench: build ## Time the operator: against an expert's script, from events to the status, failovers and switchovers, with a thousand pairs (about two hours)
	$(BINARIES)/bench convergence
	$(BINARIES)/bench status
	$(BINARIES)/bench failover
	$(BINARIES)/bench hung
	$(BINARIES)/bench switchover
	$(BINARIES)/fleet --pairs 10,1000

.PHONY: footprint
footprint: build image ## What the image's operator takes: time to be ready, memory with one pair and with a hundred (about 6 minutes more than the image)
	install -D -t target/footprint $(BINARIES)/footprint $(BINARIES)/lab target/image/files/usr/bin/hapair-operator
	target/footprint/footprint

.PHONY: build
build: tools
	cargo build --workspace --quiet

.PHONY: generate
generate: ## Write the CRDs (the chart's too), the runbook of reasons, the tables of faults and releases and the states that tools judge, from the code
	mkdir -p crds/generated
	# Of the whole workspace: a single package would have its dependencies built once more, with other features.
	cargo build --workspace --bins --examples --quiet
	$(BINARIES)/crdgen crds/generated
	# A chart reads only files of its own folder.
	cp crds/generated/hapair.dev_*.yaml charts/hapair-operator/files/crds/
	cp config/prometheus/{alerts.yaml,dashboard.json} charts/hapair-operator/files/
	$(BINARIES)/examples/reasons > docs/reasons.md
	$(BINARIES)/examples/rules > docs/safety-rules.md
	$(BINARIES)/reference > docs/api.md
	$(BINARIES)/examples/figures > docs/metrics.md
	sed -i '/^<!-- releases: begin/,/^<!-- releases: end/{//!d}' docs/compatibility.md
	$(BINARIES)/examples/releases | sed -i '/^<!-- releases: begin/r /dev/stdin' docs/compatibility.md
	$(BINARIES)/examples/states config/argocd/testdata
	sed -i '/^<!-- faults: begin/,/^<!-- faults: end/{//!d}' docs/operations.md
	$(BINARIES)/chaos --table | sed -i '/^<!-- faults: begin/r /dev/stdin' docs/operations.md

.PHONY: verify
verify: generate ## Fail when generated files are not as the types say
	@git diff --exit-code --stat -- crds/generated charts/hapair-operator/files config/argocd/testdata docs/api.md docs/metrics.md docs/reasons.md docs/safety-rules.md docs/operations.md docs/compatibility.md || { echo "generated files were stale: commit what 'make generate' wrote" >&2; exit 1; }

.PHONY: tools
tools: ## Install what the tests need from Debian's packages
	@tests/install-tools
