#!/usr/bin/env bash
# Tries every function as SAM runs it, in Lambda's container, against stand-ins that speak the real protocols.
#
# It needs Docker, and says so when it cannot have it: with CI=true that is a failure, else the suite is skipped. Where it
# may (root, with Docker installed and not running), it starts the engine itself, and ends what it started.
set -euo pipefail
cd "$(dirname "$0")/../.."

image=public.ecr.aws/lambda/provided:al2023-x86_64
work=$(mktemp -d)
network=raincheck-$$
engine='' imported='' made=''

finish() {
	local status=$?
	trap - EXIT INT TERM
	if [ -n "$made" ]; then docker network rm "$network" >/dev/null 2>&1 || true; fi
	if [ -n "$imported" ]; then # it must not hide the real image from anybody who comes later
		docker images --quiet --filter "reference=samcli/lambda-provided" | xargs -r docker rmi -f >/dev/null 2>&1 || true
		docker rmi -f "$image" >/dev/null 2>&1 || true
	fi
	if [ -n "$engine" ]; then
		kill "$engine" 2>/dev/null || true
		wait "$engine" 2>/dev/null || true
	fi
	rm -rf "$work"
	exit "$status"
}
trap finish EXIT INT TERM

without() { # without REASON: there is no Docker
	if [ "${CI:-}" = true ]; then
		echo "test-sam: FAILS, for it may not be skipped where CI=true: $1" >&2
		exit 1
	fi
	echo "test-sam: SKIPPED: $1" >&2
	exit 0
}

root() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

if ! docker info >/dev/null 2>&1; then
	if [ "${CI:-}" = true ] && ! command -v dockerd >/dev/null && root; then
		apt-get update -qq && apt-get install -y -qq --no-install-recommends docker.io >/dev/null
	fi
	if ! command -v dockerd >/dev/null; then without "there is no Docker engine that answers, and none is installed (docker info says more)"; fi
	if [ "$(id -u)" != 0 ]; then without "the Docker engine does not answer (docker info says more), and only root can start it"; fi
	dockerd >"$work/dockerd.log" 2>&1 &
	engine=$!
	for _ in $(seq 60); do
		if docker info >/dev/null 2>&1; then break; fi
		sleep 1
	done
	if ! docker info >/dev/null 2>&1; then
		tail -n 20 "$work/dockerd.log" >&2
		without "the Docker engine that was started does not answer; its last lines are above"
	fi
fi

# Lambda's own image, where a registry can be reached; else a stand-in, which needs a shell and nothing more: our functions
# are static programs.
if ! docker image inspect "$image" >/dev/null 2>&1 && ! timeout 120 docker pull --quiet "$image" >/dev/null 2>&1; then
	if [ ! -x /bin/busybox ] && root; then
		apt-get update -qq && apt-get install -y -qq --no-install-recommends busybox-static >/dev/null
	fi
	if [ ! -x /bin/busybox ]; then without "no registry has $image, and there is no /bin/busybox (the package busybox-static) to make a stand-in of"; fi
	echo "test-sam: no registry has $image; a stand-in of busybox is made for it"
	base=$work/base
	mkdir -p "$base"/{bin,etc,opt,tmp,var/task,var/runtime}
	chmod 1777 "$base/tmp"
	cp /bin/busybox "$base/bin/"
	for name in sh mv chmod ls cat env mkdir; do ln -s busybox "$base/bin/$name"; done
	echo 'root:x:0:0::/root:/bin/sh' >"$base/etc/passwd"
	imported=yes
	tar -C "$base" -c . | docker import -c 'ENV PATH=/bin' - "$image" >/dev/null
fi

docker network create "$network" >/dev/null
made=yes
gateway=$(docker network inspect "$network" -f '{{(index .IPAM.Config 0).Gateway}}')

make --no-print-directory build ARCHITECTURE=x86_64 >"$work/build.log" 2>&1 || {
	cat "$work/build.log" >&2
	exit 1
}
RAINCHECK_SAM_NETWORK=$network RAINCHECK_SAM_GATEWAY=$gateway "${GO:-go}" test -tags sam -count=1 -v ./test/sam
