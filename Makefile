# `make demo` and `make test` do all the set-up; nothing is installed outside this folder's virtual environments.
PYTHON ?= python3
VENV ?= .venv
DEMO ?= demo
PIP = $(VENV)/bin/python -m pip install --quiet --constraint constraints.txt

PACKAGES = color models trainer export runtime studio cli
LIBRARIES = runtime/painting/lib
# What a wheel carries: `kernels` are those of all platforms, `kernel` this machine's.
KERNELS ?= kernels

.PHONY: demo test check page kernel kernels wheel clean

demo: $(VENV)/.runtime
	-@$(MAKE) --no-print-directory kernel
	$(VENV)/bin/gcolor batch examples/imgs --hints examples/hints -o $(DEMO) --if-exists overwrite
	@echo "The colored pictures are in $(abspath $(DEMO))"
	@echo "To place hints yourself: $(VENV)/bin/gcolor studio examples/imgs --hints examples/hints"

# Files of tests side by side; more than two would only wait for the memory.
test: $(VENV)/.dev kernel
	$(VENV)/bin/python -m pytest --numprocesses 2 --dist loadfile

# Lint, format, types. The link gives mypy the package under its name, whatever this folder is called.
check: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	mkdir -p $(VENV)/src && ln -sfn "$(CURDIR)" $(VENV)/src/gcolor
	MYPYPATH=$(VENV)/src $(VENV)/bin/mypy $(addprefix -p gcolor.,$(PACKAGES) benchmarks tests)

# What the page without a server needs from npm, at the version and hash that the lock file names.
ORT = ort.wasm.min.mjs ort-wasm-simd-threaded.mjs ort-wasm-simd-threaded.wasm
page: studio/page/ort/.made

studio/page/ort/.made: studio/package.json studio/package-lock.json
	@command -v npm >/dev/null || { echo "error: npm is missing; apt-get install npm, then run make page again"; exit 1; }
	cd studio && npm ci --ignore-scripts --no-audit --no-fund --silent
	rm -rf studio/page/ort && mkdir -p studio/page/ort
	cp $(addprefix studio/node_modules/onnxruntime-web/dist/,$(ORT)) studio/page/ort/
	rm -rf studio/node_modules
	touch $@

# The painting kernel in C, by the ziglang package or a C compiler; without it the bundle's graph paints, slower.
kernel: $(LIBRARIES)/.made

$(LIBRARIES)/.made: runtime/painting/paint.c runtime/painting/build.py | $(VENV)/.runtime
	$(VENV)/bin/python -m gcolor.runtime.painting.build
	touch $@

kernels: | $(VENV)/.runtime
	$(PIP) ziglang
	$(VENV)/bin/python -m gcolor.runtime.painting.build --all
	touch $(LIBRARIES)/.made

# `make wheel PAGE=` leaves out what `gcolor studio --static` needs, where npm is missing.
PAGE ?= page
wheel: $(VENV)/.dev $(PAGE) $(KERNELS)
	rm -rf build dist
	$(VENV)/bin/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	rm -rf build

# Debian keeps the part of Python that makes virtual environments in a package of its own.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { [ "$$(id -u)" = 0 ] && apt-get install -y python3-venv; } || \
		{ echo "error: $(PYTHON) cannot make a virtual environment; apt-get install python3-venv, then run make again"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# An editable install is not compiled to bytecode, as a wheel is: the first start would pay for it, and every one where
# Python may not write it down (PYTHONDONTWRITEBYTECODE).
COMPILE = $(VENV)/bin/python -m compileall -q *.py $(PACKAGES)

$(VENV)/.runtime: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable '.[cpu,studio]'
	$(COMPILE)
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable '.[cpu,train,dev]'
	$(COMPILE)
	touch $@ $(VENV)/.runtime

clean:
	rm -rf $(VENV) $(DEMO) build dist gcolor.egg-info $(LIBRARIES) studio/page/ort studio/node_modules
