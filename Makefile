# raincheck. `make` alone says what there is.
#
# `make run` and `make test` need Go and nothing else; a target that needs more
# says so in its line.

GO ?= go
# Where everything is, for tools that want folders and not packages.
SOURCES := cmd functions pkg test
# How long each fuzz target runs; .ci/run takes 10 s.
FUZZTIME ?= 30s
# How long each benchmark runs.
BENCHTIME ?= 1s

.DEFAULT_GOAL := help
.PHONY: contact-sheet dates pages release cover test-runbook build local-build validate deploy deploy-edge deploy-site template invoke-intake invoke-inviter invoke-sender invoke-feedback invoke-smoke start-api test-sam test-emulators test-coldstart test-deploy help run load kills kills-restore hcgov test test-race test-browser test-edge fuzz bench law law-mutate test-law lint

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Run everything on this machine; says what to open (ARGS="--speed 60" and others: raincheck local --help)
	@echo "Building (the first time takes a minute or a few)…"
	@$(GO) run ./cmd/raincheck local $(ARGS)

hcgov: ## Play the HealthCare.gov day, 48 hours with 2.9 million people, one by one: five minutes; fails if a total does not add up
	$(GO) run ./cmd/raincheck local --headless --trace hcgov --speed 600

test: ## Run the tests
	$(GO) test -shuffle=on ./...
	cd test/load && $(GO) test -shuffle=on ./...

test-race: ## Run the tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -shuffle=on $$($(GO) list ./... | grep -v /simulation/goals) # ten minutes of arithmetic, whose runs share nothing

test-browser: ## Play a visitor's way in a real browser (needs Chromium, Node.js and npm)
	$(GO) test -tags browser -count=1 -timeout 20m ./test/browser/...

# How often is killed, and with how many people.
KILLS ?= 300
ROWS ?= 20000
KILLED = RAINCHECK_KILLS=$(KILLS) RAINCHECK_ROWS=$(ROWS) $(GO) test -count=1 -v -timeout 4h -run Killed
kills: ## Kill imports, exports, openings and compactions KILLS times (300) with ROWS people (20000); nobody may be lost (some twenty minutes)
	$(KILLED) ./pkg/records ./pkg/twin/store

kills-restore: test/emulators/node_modules ## Kill raincheck restore KILLS times (300) with ROWS people (20000) on a stand-in for DynamoDB (an hour or less; needs Node.js, npm)
	$(KILLED) -tags emulators ./pkg/aws/restore

# How many people come, and in what time.
N ?= 20000
OVER ?= 50s
REPORT ?= out/load
load: ## Send N people (20000) OVER a time (50s) to a local instance that is broken meanwhile; nobody may be lost; REPORT.html and .json (Linux)
	$(GO) build -o out/raincheck ./cmd/raincheck
	cd test/load && $(GO) run . --instance $(abspath out/raincheck) --faults --people $(N) --over $(OVER) --html $(abspath $(REPORT).html) --json-report $(abspath $(REPORT).json)

contact-sheet: ## Every page of the waiting room as a picture, to be looked at: out/browser/sheet-LANGUAGE.html (LANGUAGE=ar for one; needs Chromium, Node.js and npm)
	$(GO) test -tags browser -count=1 -timeout 20m -run 'TestEveryPage$$$(if $(LANGUAGE),/^$(LANGUAGE)$$)' ./test/browser -args -sheet

# What the tests of a package's own folder run of it. Those of the table need the stand-ins.
COVERED := ./pkg/inviter ./pkg/sender ./pkg/feedback
cover: test/emulators/.venv test/emulators/node_modules ## Print how much of the use cases and the table their own tests run, goal 85 % (needs Node.js, npm, Python with venv)
	@{ $(GO) test -count=1 -cover $(COVERED) && $(GO) test -tags emulators -count=1 -parallel 8 -cover -timeout 20m ./pkg/aws/table; } | \
	awk '{ print } /^FAIL/ || /coverage:/ && $$5 + 0 < 85 { bad = 1 } END { exit bad }'

test-edge: ## Check that the edge functions use only what CloudFront documents, and answer the vectors in a second engine (needs npm and njs)
	$(GO) test -count=1 ./functions/throttle/...
	$(GO) test -count=1 ./pkg/twin/edge -whole
	$(GO) test -tags njs -count=1 -v ./test/edge
	test/edge/run.sh

# Before Go 1.27 a run that ends by its time may say "context deadline exceeded" without having found anything
# (golang/go#75804): it is a failure only with an input.
fuzz: ## Fuzz everything that reads what strangers send, FUZZTIME (30s) each
	@$(GO) list ./... | while read -r package; do \
		$(GO) test -list '^Fuzz' "$$package" | grep '^Fuzz' | while read -r target; do \
			echo "$$package $$target"; said=$$($(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) "$$package" 2>&1) || \
			{ echo "$$said" | grep -q 'context deadline exceeded' && ! echo "$$said" | grep -q 'Failing input'; } || { echo "$$said"; exit 1; }; \
			echo "$$said" | tail -1; \
		done || exit 1; \
	done

bench: ## Run the benchmarks: the law, the edge, a sign-up from end to end
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

# The linter set, and why: gofmt ends debates about form; vet finds what the compiler lets through (printf verbs, copied
# locks, lost cancels); staticcheck finds dead code, misused standard library, comments that miss their name and names
# that Go spells otherwise; test/house adds import layers, doc comments and file sizes. eslint-plugin-es-x holds the JavaScript of the edge
# to what CloudFront documents, in test-edge. Both look at the suites that need more than Go as well (their build tags),
# which could stop compiling unseen. errorlint finds errors that are compared or asserted where a wrapped one would be
# missed. gocognit bounds how hard a function is to follow; tests are left out, since a story in a table nests, and
# so is generated code. actionlint checks the workflow in .github.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
TAGS := browser,emulators,sam,coldstart,deploy,runbook,njs
ERRORLINT := github.com/polyfloyd/go-errorlint@v1.8.0
GOCOGNIT := github.com/uudashr/gocognit/cmd/gocognit@v1.3.0
ACTIONLINT := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
COMPLEXITY := 25

law: ## Run the goal table of the admission law into docs/control-table.md, some minutes
	$(GO) test -count=1 -timeout 60m -run TestRows ./pkg/simulation/goals -law -law-write "$(CURDIR)/docs/control-table.md"

law-mutate: ## Double and halve each number of the law and name what turns red; goes on after a stop (NUMBERS=REGEXP for some of them)
	@mkdir -p out
	$(GO) test -count=1 -timeout 24h -v -run TestMutations ./pkg/simulation/goals -law-mutate '$(or $(NUMBERS),.)' -law-mutate-file "$(CURDIR)/out/law-mutations.txt"

test-law: ## Hold the admission law to every row of its families of days (about a minute)
	$(GO) test -count=1 -timeout 30m -run TestRows ./pkg/simulation/goals -law

lint: ## Check format, vet, staticcheck, errorlint, gocognit, and the hosted workflow
	@unformatted=$$(gofmt -l $(SOURCES)); if [ -n "$$unformatted" ]; then echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet -tags $(TAGS) ./...
	cd test/load && $(GO) vet ./...
	$(GO) run $(STATICCHECK) -tags $(TAGS) -checks all ./...
	GOFLAGS=-tags=$(TAGS) $(GO) run $(ERRORLINT) ./...
	$(GO) run $(GOCOGNIT) -top 1 $(SOURCES) >/dev/null # its status below is 1 for a failure of its own, too
	@complex=$$($(GO) run $(GOCOGNIT) -test=false -ignore '_templ\.go$$|/node_modules/' -over $(COMPLEXITY) -f '{{.Complexity}} {{.PkgName}}.{{.FuncName}} {{.Pos}}' $(SOURCES) 2>/dev/null); \
	if [ -n "$$complex" ]; then echo "functions over a cognitive complexity of $(COMPLEXITY):"; echo "$$complex"; exit 1; fi
	$(GO) run $(ACTIONLINT)

# On AWS. SAM and cfn-lint are installed beside test/sam; who has them says where: make build SAM=sam CFN_LINT=cfn-lint.
SAM ?= test/sam/.venv/bin/sam
CFN_LINT ?= test/sam/.venv/bin/cfn-lint
export SAM_CLI_TELEMETRY ?= 0
SAM_HERE := $(if $(filter test/sam/.venv/%,$(SAM) $(CFN_LINT)),test/sam/.venv)
# Another event: make invoke-feedback EVENT=events/feedback-bounce.json. VARS is a file that points the functions to a
# deployed stack, as {"Parameters":{"TABLE":"…","KEYS_SECRET":"…"}}; without it they find nothing to speak to.
EVENT ?=
VARS ?=
INVOKE = $(SAM) local invoke $(if $(VARS),--env-vars $(VARS))

test/sam/.venv: test/sam/requirements.txt
	rm -rf $@ && python3 -m venv $@ && $@/bin/pip install --quiet --disable-pip-version-check -r $< || { rm -rf $@; exit 1; }

# SAM passes no flags to go build but -trimpath. Without symbols a zip is half as large, and without the RPC server of
# the old Go runtime and net/http's HTTP/2 (every service here speaks 1.1) smaller still; test/emulators holds each to
# 4.5 MB.
#
# The processors that are built for stand in one place, ARCHITECTURE: the template that SAM writes beside the programs
# allows that value alone, so that CloudFormation refuses to deploy programs onto processors that cannot run them.
ARCHITECTURE ?= arm64
build: $(SAM_HERE) ## Build the Lambda functions with SAM (ARCHITECTURE=x86_64 for this machine, if it is one)
	CGO_ENABLED=0 GOFLAGS='-ldflags=-s -tags=lambda.norpc,nethttpomithttp2' $(SAM) build --parameter-overrides Architecture=$(ARCHITECTURE) || \
	{ $(GO) build -o /dev/null ./functions/...; exit 1; } # SAM hides what the compiler says
	$(GO) run ./test/template/built $(ARCHITECTURE) .aws-sam/build/template.yaml

validate: $(SAM_HERE) ## Check the templates with SAM's linter and cfn-lint
	$(SAM) validate --lint --template template.yaml --region us-east-1
	$(CFN_LINT) template.yaml functions/throttle/edge.yaml functions/throttle/site.yaml

invoke-intake: local-build ## Ask for the waiting room's form in Lambda's container (needs Docker; EVENT=events/intake-join.json and others)
	$(INVOKE) IntakeFunction --event $(or $(EVENT),events/intake-form.json)

invoke-inviter: local-build ## Run a tick for this very minute in Lambda's container (needs Docker)
	sed "s/2026-03-02T16:05:00Z/$$(date -u +%Y-%m-%dT%H:%M:00Z)/" $(or $(EVENT),events/inviter-tick.json) | $(INVOKE) InviterFunction --event -

invoke-sender: local-build ## Hand a batch of the queue to the sender in Lambda's container (needs Docker)
	$(INVOKE) SenderFunction --event $(or $(EVENT),events/sender-batch.json)

invoke-feedback: local-build ## Tell feedback what SES says of a mail, in Lambda's container (needs Docker; EVENT=events/feedback-bounce.json)
	$(INVOKE) FeedbackFunction --event $(or $(EVENT),events/feedback-delivery.json)

invoke-smoke: local-build ## Send the canary in Lambda's container (needs Docker)
	$(INVOKE) SmokeFunction --no-event

start-api: local-build ## Serve the waiting room's API in Lambda's container, on http://127.0.0.1:3000 (needs Docker)
	$(SAM) local start-api $(if $(VARS),--env-vars $(VARS))

local-build: ARCHITECTURE := x86_64
local-build: build

test-sam: $(SAM_HERE) test/emulators/.venv test/emulators/node_modules ## Every function in Lambda's container, against stand-ins (needs Docker, Node.js, npm, Python with venv)
	SAM="$(SAM)" GO="$(GO)" test/sam/run.sh

release: ## Write the archives of a release into dist/ (VERSION=v1.2.0; needs zip)
	GO="$(GO)" .ci/release $(VERSION)

deploy: build ## Deploy the stack (the first time: make deploy deploy-edge ARGS=--guided EDGE=AlarmEmail=ADDRESS; ARCHITECTURE=x86_64 each time, if it is to be that)
	$(SAM) deploy $(ARGS)

# The stack's name, for its part that exists in us-east-1 alone.
STACK ?= raincheck
EDGE ?=

SITE ?=

deploy-site: ## For who has none: a distribution and a mail identity, in a stack that raincheck never touches (SITE='SiteHost=… OriginDomain=… CertificateArn=… MailDomain=…')
	aws cloudformation deploy --stack-name $(STACK)-site --template-file functions/throttle/site.yaml --parameter-overrides $(SITE) --no-fail-on-empty-changeset
	aws cloudformation update-termination-protection --enable-termination-protection --stack-name $(STACK)-site

deploy-edge: ## Deploy the part in us-east-1, the edge's log group, counts and alarms (STACK=raincheck EDGE='AlarmEmail=… WebAcl=rules')
	aws cloudformation deploy --region us-east-1 --stack-name $(STACK)-edge --template-file functions/throttle/edge.yaml --parameter-overrides Stack=$(STACK) $(EDGE) --no-fail-on-empty-changeset

# The pages are compiled: https://templ.guide, version as in go.mod.
TEMPL := github.com/a-h/templ/cmd/templ@v0.3.1118

pages: ## Compile the pages of the waiting room (pkg/intake/*.templ) into Go
	$(GO) run $(TEMPL) generate -path pkg/intake

# Names of months and days and patterns of dates, from npm; what is written is committed.
CLDR_DATES := cldr-dates-full@48.2.0

dates: ## Write the dates of all languages into the words of the mails, from CLDR (needs Node.js and npm)
	@folder=$$(mktemp -d) && (cd $$folder && npm pack --silent $(CLDR_DATES) >/dev/null && tar xzf *.tgz) && \
	node test/words/dates.mjs $$folder/package pkg/email/words; status=$$?; rm -rf $$folder; exit $$status

template: ## Join the edge functions' code into the templates, and the figures into the documents
	$(GO) test ./test/template -run 'Fresh|Scale' -update

# The stand-ins: dynalite and SES from npm, moto from PyPI in a folder of its own.
test/emulators/.venv: test/emulators/requirements.txt
	rm -rf $@ && python3 -m venv $@ && $@/bin/pip install --quiet --disable-pip-version-check -r $< || { rm -rf $@; exit 1; }

test/emulators/node_modules: test/emulators/package-lock.json
	cd test/emulators && npm ci --silent --no-audit --no-fund && touch node_modules

test-emulators: test/emulators/.venv test/emulators/node_modules ## The adapters, functions and commands on stand-ins that speak the real protocols, and make cover (needs Node.js, npm, Python with venv)
	$(GO) test -tags emulators -count=1 -parallel 8 -timeout 20m ./test/emulators/... ./pkg/smtp $$($(GO) list ./pkg/aws/... | grep -v /aws/table) # make cover has the table
	$(GO) test -tags emulators -count=1 -timeout 20m -run TestStoriesOnATable ./cmd/raincheck
	$(MAKE) --no-print-directory cover

test-runbook: test/emulators/.venv ## Have AWS CLI v2 parse every aws command of the documents (needs awscli 2)
	GO="$(GO)" test/runbook/run.sh

# The emulator of AWS, from PyPI in a folder of its own: SAM pins other versions of what it needs.
test/deploy/.venv: test/deploy/requirements.txt
	rm -rf $@ && python3 -m venv $@ && $@/bin/pip install --quiet --disable-pip-version-check -r $< || { rm -rf $@; exit 1; }

test-deploy: test/sam/.venv test/deploy/.venv ## Deploy on an emulator of AWS, update, walk the README's hour, delete (needs Python with venv, git's full history)
	$(GO) test -tags deploy -count=1 -v -timeout 15m ./test/deploy

test-coldstart: ## Print each function's cold start as a ratio to a function that does nothing
	$(GO) test -tags coldstart -count=1 -v ./test/coldstart
