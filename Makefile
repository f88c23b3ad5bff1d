# Everything happens in .venv of this folder; `make` alone lists the targets.

VENV := .venv
PIP := $(VENV)/bin/python -m pip --quiet --disable-pip-version-check
NATIVE := setup.py $(shell find nncore -name '*.c' -o -name '*.h' -o -name '*.pyx' -o -name '*.pxd')
# On all processors, in a new order each time. A line at the top names the seed: pytest --randomly-seed=SEED repeats that order.
PYTEST := $(VENV)/bin/python -m pytest -n auto --dist worksteal
CLANG ?= clang

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test test-slow lint docs docs-test trust asan tsan clang wheels clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r target text; do printf 'make %-10s %s\n' "$$target" "$$text"; done

demo: $(VENV)/demo $(VENV)/built  ## install into .venv, train on handwritten digits, draw the result
	$(VENV)/bin/nncore demo

test: $(VENV)/test $(VENV)/built  ## install what the tests need and run all but the slow ones
	$(PYTEST)

test-slow: $(VENV)/test $(VENV)/built  ## run all tests
	$(PYTEST) --slow

# mypy keeps one processor busy for about a minute, and so do the tests of what a user's mypy says: both at once. cython-lint calls
# pycodestyle by name. Generated C lies in build folders.
lint: $(VENV)/lint $(VENV)/built  ## check style, types, the C and Cython code, and what GitHub reads
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy & $(VENV)/bin/python -m pytest -q --slow tests/typing; tests=$$?; wait $$! && exit $$tests
	find nncore plugins tests -name build -prune -o -name '*.[ch]' -exec $(VENV)/bin/clang-format --dry-run -Werror {} +
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cython-lint nncore plugins tests
	$(VENV)/bin/check-jsonschema -q --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(VENV)/bin/check-jsonschema -q --builtin-schema custom.github-workflows-require-timeout .github/workflows/*.yml
	$(VENV)/bin/check-jsonschema -q --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/[!c]*.yml
	$(VENV)/bin/check-jsonschema -q --builtin-schema vendor.dependabot .github/dependabot.yml
	$(VENV)/bin/check-jsonschema -q --builtin-schema vendor.citation-file-format CITATION.cff
	$(VENV)/bin/zizmor --offline --quiet --persona pedantic .github

# Nothing is fetched by the pages: what they load is in build/docs/html. Node and KaTeX typeset formulas while building.
docs: $(VENV)/docs $(VENV)/built build/npm/installed  ## build the documentation in build/docs/html; every warning is an error
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(VENV)/bin/sphinx-build -j auto -W --keep-going -n -q -b html -d build/docs/doctrees docs build/docs/html

docs-test: docs $(VENV)/test  ## check links and names of the built documentation, look at it in Chromium
	$(PYTEST) --site --browser -m "site or browser" tests/docs tests/browser

# CI runs each of these for seconds. `make trust TIMES=10` runs them ten times as long; the builds by other compilers are tested once.
TIMES ?= 1
MULTIPLE = $$(($(1) * $(TIMES)))
trust: $(VENV)/trust $(VENV)/built  ## look for faults for hours: fuzz readers and functions, kill, leak, compare, under sanitizers and clang
	$(VENV)/bin/python tools/fuzz_readers.py --seconds $(call MULTIPLE,600)
	NNCORE_FUZZ_CALLS=$(call MULTIPLE,50000) $(PYTEST) tests/fuzz/test_api.py
	NNCORE_EXAMPLES=$(call MULTIPLE,2000) $(PYTEST) tests/differential
	NNCORE_KILLS=$(call MULTIPLE,100) $(PYTEST) --slow tests/network/test_kills.py
	$(VENV)/bin/python tools/leaks.py --fits $(call MULTIPLE,10000)
	$(MAKE) asan tsan clang

# Each in a copy of the tree: tools/other_builds.py says how, and what else it can run.
OTHER_BUILD = $(VENV)/bin/python tools/other_builds.py

asan: $(VENV)/test  ## run the tests of compiled code under AddressSanitizer and UBSan
	$(OTHER_BUILD) --compiler $(CC) --sanitize address

tsan: $(VENV)/test  ## run teams of threads under ThreadSanitizer
	$(OTHER_BUILD) --compiler $(CC) --sanitize thread

clang: $(VENV)/test  ## run the tests of compiled code as clang compiles it (make clang CLANG=clang-19)
	$(OTHER_BUILD) --compiler $(CLANG)

wheels: $(VENV)/wheels  ## build wheels into dist/ for all Pythons found, check them, test them where there is no compiler
	$(VENV)/bin/python tools/check_wheels.py

clean:  ## remove whatever was built or installed here
	rm -rf $(VENV) build dist nncore_ml.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis nncore/_core/*.so \
	    docs/_generated docs/reference/api docs/reference/components
	find . -name __pycache__ -prune -exec rm -rf {} +

# Which Python and compiler there are is looked at before anything is written.
$(VENV)/created: tools/check_prerequisites.sh
	@python=$$(tools/check_prerequisites.sh) && echo "making $(VENV) with $$python" && "$$python" -m venv $(VENV)
	@$(VENV)/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
	    > $(VENV)/build-requirements.txt
	@$(PIP) install --requirement $(VENV)/build-requirements.txt
	@touch $@

# Installed in place: what is edited under nncore/ counts at once. The build tools are already there, so nothing is fetched twice.
, := ,
INSTALL = @echo "installing nncore$(1): its C code is compiled once for each CPU level, which takes about half a minute" && \
    $(PIP) install --no-build-isolation --editable ".$(1)" && touch $(VENV)/built $(2)

$(VENV)/demo: $(VENV)/created pyproject.toml
	$(call INSTALL,[plot$(,)progress],$@)

# The tests need all that the demonstration needs.
$(VENV)/test: $(VENV)/created pyproject.toml
	$(call INSTALL,[test],$(VENV)/demo $@)

$(VENV)/lint: $(VENV)/created pyproject.toml
	$(call INSTALL,[lint],$(VENV)/demo $(VENV)/test $@)

$(VENV)/docs: $(VENV)/created pyproject.toml
	$(call INSTALL,[docs],$@)

# Dependency groups want a pip of 2025 or later.
GROUP = $(PIP) install 'pip>=25.1' && $(PIP) install --group $(1) && touch $@

$(VENV)/wheels: $(VENV)/created pyproject.toml
	$(call GROUP,wheels)

$(VENV)/trust: $(VENV)/test pyproject.toml
	$(call GROUP,trust)

# Of KaTeX's fonts those in the format that every browser of today reads.
build/npm/installed: $(VENV)/docs docs/package.json docs/package-lock.json
	@mkdir -p build/npm && cp docs/package.json docs/package-lock.json build/npm
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" npm --prefix build/npm ci --silent --no-audit --no-fund
	@mkdir -p build/npm/static/fonts && cd build/npm/node_modules/katex/dist && cp fonts/*.woff2 ../../../static/fonts && \
	    sed -E 's/,url\([^)]*\.(woff|ttf)\) format\("[a-z]+"\)//g' katex.min.css > ../../../static/katex.min.css
	@touch $@

$(VENV)/built: $(NATIVE)
	@echo "compiling what changed" && $(VENV)/bin/python setup.py -q build_ext --inplace
	@touch $@
