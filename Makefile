# raincheck. `make` alone says what there is.
#
# `make run` and `make test` need Go and nothing else; a target that needs more
# says so in its line.

GO ?= go
# Where everything is, for tools that want folders and not packages.
SOURCES := cmd functions pkg test
# How long each fuzz target runs; CI takes 30 s.
FUZZTIME ?= 30s
# How long each benchmark runs.
BENCHTIME ?= 1s

.DEFAULT_GOAL := help
.PHONY: build validate deploy template test-emulators test-coldstart help run hcgov test test-race test-browser test-edge fuzz bench law law-check lint

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Run everything on this machine; says what to open (ARGS="--speed 60" and others: raincheck local --help)
	@$(GO) run ./cmd/raincheck local $(ARGS)

hcgov: ## Live the HealthCare.gov day, 48 hours with 2.9 million people, one by one: five minutes; fails if a total does not add up
	$(GO) run ./cmd/raincheck local --headless --trace hcgov --speed 600

test: ## Run the tests
	$(GO) test -shuffle=on ./...

test-race: ## Run the tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -shuffle=on ./...

test-browser: ## Live the story in a real browser (needs Chromium, Node.js and npm)
	$(GO) test -tags browser -count=1 ./test/browser/...

test-edge: ## Check that the edge functions use only what CloudFront documents, and answer the vectors in a second engine (needs npm and njs)
	$(GO) test -count=1 ./functions/throttle/... ./pkg/local/edge/...
	test/edge/run.sh

fuzz: ## Fuzz everything that reads what strangers send, FUZZTIME (30s) each
	@$(GO) list ./... | while read -r package; do \
		$(GO) test -list '^Fuzz' "$$package" | grep '^Fuzz' | while read -r target; do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) "$$package" || exit 1; \
		done || exit 1; \
	done

bench: ## Run the benchmarks: the law, the edge, a sign-up from end to end
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

# The linter set, and why: gofmt ends debates about form; vet finds what the compiler lets through (printf verbs, copied
# locks, lost cancels); staticcheck finds dead code, misused standard library and comments that miss their name. Its
# ST1000 (package comments) is checked more strictly in test/house, beside import layers, doc comments and file sizes;
# ST1003 (initialisms) would rename generated and JSON-bound names. eslint-plugin-es-x holds the JavaScript of the edge
# to what CloudFront documents, in test-edge.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

law: ## Run the goal table of the admission law into docs/control.md, two minutes (TRACES=FOLDER adds the days in it)
	$(GO) run ./cmd/raincheck simulate --law-report docs/control.md $(if $(TRACES),--traces $(TRACES))

law-check: ## The same, printed and not kept; without TRACES it must be what docs/control.md says
	@copy=$$(mktemp) && cp docs/control.md $$copy && \
	$(GO) run ./cmd/raincheck simulate --law-report $$copy $(if $(TRACES),--traces $(TRACES)) && \
	sed -n '/results: make law/,/end of results/p' $$copy && \
	{ [ -n "$(TRACES)" ] || cmp $$copy docs/control.md; }; status=$$?; rm -f $$copy; exit $$status

lint: ## Check format, vet and staticcheck
	@unformatted=$$(gofmt -l $(SOURCES)); if [ -n "$$unformatted" ]; then echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) -checks all,-ST1000,-ST1003 ./...

# On AWS. SAM and its cfn-lint come with `pip install aws-sam-cli`.
SAM ?= sam

# SAM passes no flags to go build but -trimpath. Without symbols a zip is half as large, and without the RPC server of
# the old Go runtime smaller still; test/emulators holds each to 4.5 MB.
build: ## Build the Lambda functions with SAM
	CGO_ENABLED=0 GOFLAGS='-ldflags=-s -tags=lambda.norpc' $(SAM) build

validate: ## Check the template with SAM's linter
	$(SAM) validate --lint --template template.yaml --region us-east-1

deploy: build ## Deploy the stack (the first time: sam deploy --guided)
	$(SAM) deploy

template: ## Join the edge functions' code into the templates
	$(GO) test ./test/template -run Fresh -update

# The stand-ins: dynalite and SES from npm, moto from PyPI in a folder of its own.
test/emulators/.venv: test/emulators/requirements.txt
	rm -rf $@ && python3 -m venv $@ && $@/bin/pip install --quiet --disable-pip-version-check -r $< || { rm -rf $@; exit 1; }

test-emulators: test/emulators/.venv ## The adapters and functions on stand-ins that speak the real protocols (needs Node.js, npm, Python with venv)
	cd test/emulators && npm ci --silent --no-audit --no-fund
	$(GO) test -tags emulators -count=1 -timeout 20m ./test/emulators/...

test-coldstart: ## Print each function's cold start as a ratio to a function that does nothing
	$(GO) test -tags coldstart -count=1 -v ./test/coldstart
