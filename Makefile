# Thin: the work is done by npm scripts and by one program, cli/. Set-up is part of every target: packages
# are installed when package-lock.json changed, and the project is built when a source changed.
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# Variables of the targets. Empty: the program's own default (see `help`).
API ?=
WORKER ?=
USERS ?=
GENERATORS ?=
MODE ?=
COUPON ?= 1
SERVICE ?=
SEED ?=
ONLY ?=
DO ?=
REPLICAS ?=
ROUNDS ?=
API_CPUS ?=
SCENARIO ?=
RATE ?=
FRESH ?=
COMPARISON ?=
AGAINST ?=
SOAK_MINUTES ?=
CAMPAIGNS ?=
COUPONS ?=
ARCHIVE_AFTER_MS ?=
HA ?=
NODES ?= 22 24
# Compose only: three Redis and three sentinels. Read by the stack, whatever starts it.
export HA

RUN := node dist/cli/main.js
given = $(if $($(1)),--$(2) '$($(1))')
WHERE := $(call given,MODE,mode)
ARCHIVED := $(call given,ARCHIVE_AFTER_MS,archive-after)

INSTALLED := node_modules/.installed
BUILT := dist/.built
SOURCES := $(shell find api/src cli common stack loadtest compare grafana/source bench faults prisma scripts \
	\( -path loadtest/results -o -path faults/results -o -path api/src/db/generated -o -path '*/test' \) -prune -o \
	-type f \( -name '*.ts' -o -name '*.lua' -o -name '*.mjs' -o -name '*.prisma' \) -print 2>/dev/null) \
	tsconfig.json tsconfig.build.json

.PHONY: help install build env up scale status logs down peak sold-out duplicates arrival saturate overload audit \
	compare step-load comparisons report dashboards \
	faults fuzz soak campaigns dead-letters reconcile rebuild mutants test test-nodes test-compose test-redis8 bench bench-quick \
	lint format clean programs tools

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo '  variables: API=replicas WORKER=workers USERS=users COUPON=id SERVICE=name MODE=native|compose'

# .npmrc keeps install scripts off: nothing depends on one.
$(INSTALLED): package.json package-lock.json .npmrc
	@sh scripts/check-node.sh
	npm ci
	@touch $@

$(BUILT): $(INSTALLED) $(SOURCES)
	npm run --silent build
	@touch $@

install: $(INSTALLED) ## install the npm packages (when package-lock.json changed)

build: $(BUILT) ## compile to dist/ (when a source changed)

programs: $(BUILT)
	@$(RUN) install

tools: $(BUILT)
	@$(RUN) install --tools

env: $(BUILT) ## write .env with random secrets, or add those it lacks
	@$(RUN) env

up: $(BUILT) ## start the stack [API=3] [HA=1] [MODE=…]; harmless when it is up
	@$(RUN) up $(call given,API,api) $(call given,WORKER,worker) $(WHERE)

scale: $(BUILT) ## change the number of replicas under traffic: API=4
	@$(RUN) scale $(call given,API,api) $(WHERE)

status: $(BUILT) ## what runs
	@$(RUN) status $(WHERE)

logs: $(BUILT) ## last lines of the logs [SERVICE=api-1]
	@$(RUN) logs $(SERVICE) $(WHERE)

down: $(BUILT) ## stop everything, keep the data
	@$(RUN) down $(WHERE)

peak sold-out duplicates arrival: $(BUILT)
	@$(RUN) $@ $(call given,API,api) $(call given,USERS,users) \
		$(call given,GENERATORS,generators) $(WHERE)

saturate: $(BUILT) ## users who ask without a pause, each time as a new one [API=3] [VUS=64]
	@$(RUN) $@ $(call given,API,api) $(call given,VUS,vus) $(WHERE)

peak: ## 10,000 users in one second, then the audit [API=3] [USERS=10000] [GENERATORS=1] [MODE=…]
sold-out: ## 20,000 users, 10,000 coupons
duplicates: ## 5,000 users, three simultaneous tries each
arrival: ## open model: constant and ramping arrival rate

overload: $(BUILT) programs ## up to ten times the capacity and back, then the audit [API_CPUS=0.06]
	@$(RUN) overload $(call given,API,api) $(call given,API_CPUS,api-cpus)

audit: $(BUILT) ## compare Redis and MySQL of a running stack: COUPON=1
	@$(RUN) audit --coupon $(COUPON) $(WHERE)

COMPARED = $(call given,REPLICAS,replicas) $(call given,ROUNDS,rounds) $(call given,API_CPUS,api-cpus) \
	$(call given,SCENARIO,scenario) $(call given,USERS,users) $(call given,RATE,rate) $(if $(FRESH),--fresh) $(WHERE)

compare: $(BUILT) ## what each replica brings: REPLICAS="1 2 4" [SCENARIO=peak] [ROUNDS=3] [API_CPUS=0.05] [FRESH=1]
	@$(RUN) compare $(COMPARED)

step-load: $(BUILT) ## the same, then a rising rate until a limit breaks: the capacity of each count
	@$(RUN) step-load $(COMPARED)

comparisons: $(BUILT) ## stored comparisons, oldest first, with the runs that count
	@$(RUN) comparisons

report: $(BUILT) ## rebuild the last comparison's report [COMPARISON=id] [AGAINST=id]
	@$(RUN) report $(call given,COMPARISON,id) $(call given,AGAINST,against)

dashboards: $(BUILT) ## write Grafana's dashboards and alert rules from their source
	@$(RUN) dashboards

faults: $(BUILT) ## kill, stop and wipe every part under load, then audit [SEED=1] [ONLY=1,3,5] [MODE=…]
	@$(RUN) faults $(call given,SEED,seed) $(call given,ONLY,only) $(WHERE)

fuzz: $(BUILT) ## 24,000 malformed and hostile requests [SEED=1]
	@$(RUN) fuzz $(call given,SEED,seed)

soak: $(BUILT) ## ordinary traffic for 15 minutes: SOAK_MINUTES=15
	@$(RUN) soak $(call given,SOAK_MINUTES,minutes) $(call given,SEED,seed) $(ARCHIVED)

campaigns: $(BUILT) ## 2,000 campaigns one after the other in flat memory: CAMPAIGNS=2000 COUPONS=1000
	@$(RUN) campaigns $(call given,CAMPAIGNS,campaigns) $(call given,COUPONS,coupons) $(ARCHIVED)

mutants: $(BUILT) tools ## break a copy of the source in known ways, one at a time: does a test notice? [REDIS_SERVER=path] [ONLY=name]
	@$(RUN) mutants $(call given,ONLY,only)

dead-letters: $(BUILT) ## entries that could not be written: list, or [DO='replay --all']
	@$(RUN) ops $(WHERE) -- dead-letters $(or $(DO),list)

reconcile: $(BUILT) ## gaps between Redis and MySQL of every campaign
	@$(RUN) ops $(WHERE) -- reconcile

rebuild: $(BUILT) ## open the gate of a campaign from MySQL: COUPON=1
	@$(RUN) ops $(WHERE) -- rebuild --coupon $(COUPON)

test: $(BUILT) tools ## lint, types (TypeScript 6 and 7), unit tests, tests against real servers
	npm run --silent typecheck
	npm run --silent typecheck:next
	npm run --silent lint
	npm run --silent test:unit
	npm run --silent test:integration
	npm run --silent test:faults

test-nodes: $(BUILT) tools ## unit and integration tests on each supported Node: NODES="22 24"
	@package=$$(node -p '`node-$${process.platform}-$${process.arch}`'); for node in $(NODES); do \
	  npx --yes --package="$$package@$$node" -- sh -c 'node --version && npm test' || exit 1; done

test-compose: $(BUILT) ## the compose deployment, scaled and broken under traffic; skipped without an engine
	@if docker version >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; \
	then $(RUN) faults --mode compose --quick --only 1,3,4,11,24; \
	else echo 'test-compose: skipped, no Docker engine answers'; fi

test-redis8: $(BUILT) env ## confirmation and fault scenario 8 on the Redis of docker-compose.yml [REDIS_SERVER=path]
	@sh scripts/test-redis8.sh

bench: $(BUILT) programs ## measure beside baselines and alternatives, about 12 minutes (measured on a busy machine); needs a quiet one
	@$(RUN) bench

bench-quick: $(BUILT) programs ## the same in two to four minutes
	@$(RUN) bench --quick

lint: $(INSTALLED) ## eslint (imports too), prettier, knip
	npm run --silent lint

format: $(INSTALLED) ## prettier, writing
	npm run --silent format

clean: ## remove what was built; data (.stack), .env and packages stay
	rm -rf dist coverage api/src/db/generated
