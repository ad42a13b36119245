# make build   bin/tutti with the agents for linux/amd64 and linux/arm64 inside
# make test    everything: unit tests with the race detector, stories, and,
#              where we are root on Debian, the lab with real hosts
# make lint    formatting, go vet, and golangci-lint where it is installed
# make e2e     only the stories and the lab
# make bench   the tables of measured speed, of whole playbooks and of single
#              modules and of 1 GB, with the peers run beside

GO ?= go

.PHONY: build agents test unit e2e lab lint bench clean

build: agents
	CGO_ENABLED=0 $(GO) build -trimpath -tags embedagents -ldflags='-s -w' -o bin/tutti ./cmd/tutti
	ln -sf tutti bin/ansible-playbook

agents:
	sh internal/agent/embedded/build.sh

test: lint unit lab

unit:
	$(GO) test -race ./...

e2e:
	$(GO) test -race ./e2e/...
	sh e2e/run-lab.sh

lab:
	sh e2e/run-lab.sh

lint:
	@out=$$(gofmt -l cmd e2e internal parallel); test -z "$$out" || { echo "gofmt would change: $$out"; exit 1; }
	$(GO) vet ./...
	@if command -v golangci-lint >/dev/null; then golangci-lint run; else echo "golangci-lint is not installed: only gofmt and go vet were run"; fi

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./parallel ./internal/template
	bash e2e/bench.sh
	bash e2e/bench.sh modules
	bash e2e/bench-large.sh

clean:
	rm -rf bin internal/agent/embedded/agent-linux-*
