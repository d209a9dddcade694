# make run: set up, build the index, serve the chat page.   make test: set up, run the checks.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# The exact version first: anything looser can pull gigabytes of GPU libraries.
TORCH := torch==2.13.0
# A network that is this machine alone; whoever is not root becomes it in there, to switch it on.
ALONE := unshare --net $(if $(filter 0,$(shell id -u)),,--map-root-user)

.PHONY: setup run test check check-all long cluster crash fuzz mutants load bench bench-speed bench-peers weights wheel offline lock sbom audit reference clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip -c constraints.txt
	$(BIN)/pip install --quiet $(TORCH) -c constraints.txt
	$(BIN)/pip install --quiet -e '.[app,eval,formats,cluster,langchain,llama-index,haystack]' --group dev -c constraints.txt
	touch $@

run: setup
	$(BIN)/python app.py

test: setup check

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	HF_HUB_OFFLINE=1 $(BIN)/pytest -m "not long"
	$(BIN)/ketqa index
	$(BIN)/ketqa eval tests/gold/dev.jsonl --gate tests/gold/baseline.json

# Everything in check, and what takes longer: the tests marked so, Ray, a real Milvus, faults by the hundred, fuzzing,
# the wheel in an environment of its own, and the benchmarks on public collections in DATA.
check-all: check long cluster crash fuzz wheel bench

long: setup
	HF_HUB_OFFLINE=1 $(BIN)/pytest -m long

# The suites of Ray and Milvus, with the real server of Milvus 2.3.5 as one process and as eight, in a
# network that is this machine alone: that server listens on every interface. Ray weighs 200 MB.
MILVUS := $(VENV)/milvus
cluster: setup $(MILVUS)/.ready
	$(BIN)/pip install --quiet -e '.[ray]' --group nodes -c constraints.txt
	PATH="$$PATH:$(realpath .)/$(MILVUS)/etcd/usr/bin" KETQA_MILVUS_SERVER=$(realpath .)/$(MILVUS)/server \
	  $(ALONE) sh -c 'ip link set lo up && $(BIN)/pytest tests/test_bulk.py tests/test_cluster*.py \
	  -o log_cli=true --log-cli-level=INFO'

# The server's files, and Debian's etcd, unpacked here and not installed: no service is started.
$(MILVUS)/.ready:
	$(PYTHON) -m venv $(MILVUS)
	$(MILVUS)/bin/pip install --quiet milvus==2.3.5
	$(MILVUS)/bin/python -c "import milvus; milvus._initialize_data_files('$(MILVUS)/server')"
	@command -v etcd >/dev/null || ( test ! -w /var/lib/apt/lists || apt-get update -qq; \
	  cd $(MILVUS) && apt-get download -qq etcd-server && dpkg -x etcd-server_*.deb etcd ) || \
	  { echo "make cluster needs etcd and cannot get it; as root: apt-get update && apt-get install etcd-server" >&2; exit 1; }
	@command -v ip >/dev/null || { echo "make cluster needs ip; as root: apt-get install iproute2" >&2; exit 1; }
	touch $@

# An index through many lives; then every parser, the question path and the endpoints, guided by
# the code that each input reaches.
FUZZ_SECONDS ?= 60
LIVES ?= 100
fuzz: setup
	KETQA_LIVES=$(LIVES) $(BIN)/pytest tests/test_life.py
	$(BIN)/pip install --quiet --group fuzz -c constraints.txt
	$(BIN)/python tests/fuzz.py all --seconds $(FUZZ_SECONDS)

# kill -9 at 200 moments, damage to every file of an index, and two builds compared byte for byte:
# docs/reliability.md.
crash: setup
	$(BIN)/python tests/crash.py --times 200
	$(BIN)/python tests/damage.py --times 2000
	$(BIN)/python tests/same_bytes.py corpus tests/gold/dev.jsonl

wheel:
	PYTHON=$(PYTHON) deploy/try_wheel.sh app

# All tests in a network that is this machine alone, and how often anything looked for another.
offline: setup
	$(ALONE) sh -c 'ip link set lo up && $(BIN)/pytest; told=$$?; \
	  awk "/^Ip: [0-9]/ { print \$$13 }" /proc/net/snmp; exit $$told'

# The hash of every file that constraints.txt may install; of torch, that of the CPU build too.
SUPPLY := $(VENV)/supply
lock: $(SUPPLY)/.ready
	$(SUPPLY)/bin/uv pip compile constraints.txt --no-deps --generate-hashes --no-header \
	  --no-annotate --universal --python-version 3.11 --quiet --output-file requirements.lock
	$(BIN)/pip download --quiet --no-deps --dest $(SUPPLY)/torch $(TORCH)
	hash=$$(sha256sum $(SUPPLY)/torch/*.whl | cut -c-64); grep -q "$$hash" requirements.lock || \
	  sed -i "s/^$(TORCH) .*/&\n    --hash=sha256:$$hash \\\\/" requirements.lock

# What ketqa is made of, for whoever must keep account of it; and what is known to be wrong with it.
sbom: $(SUPPLY)/.ready
	$(SUPPLY)/bin/cyclonedx-py requirements requirements.lock --output-reproducible -o sbom.json

audit: $(SUPPLY)/.ready
	$(SUPPLY)/bin/pip-audit -r requirements.lock --disable-pip --no-deps

$(SUPPLY)/.ready: setup
	$(PYTHON) -m venv $(SUPPLY)
	$(SUPPLY)/bin/pip install --quiet cyclonedx-bom==7.5.0 pip-audit==2.10.1 uv==0.13.9
	touch $@

bench: setup
	$(BIN)/python benchmarks/retrieval.py $(DATA)/scifact $(DATA)/cranfield $(DATA)/pubmedqa
	$(BIN)/ketqa index
	$(BIN)/ketqa ablate tests/gold/dev.jsonl tests/gold/own.jsonl --write docs/ablation.md \
	  --collections $(addprefix $(DATA)/,scifact cranfield pubmedqa covidqa_dev evinf_pain_dev squad2_dev)

# Each change to some modules that no test notices; half an hour.
mutants: setup
	$(BIN)/pip install --quiet --group mutants -c constraints.txt
	$(BIN)/mutmut run && $(BIN)/mutmut results

# Fifty people at the page for ten minutes, and then a crowd at once.
load: setup
	$(BIN)/ketqa index
	$(BIN)/python benchmarks/load.py --people 50 --minutes 10 --write docs/fuzz.md

# How fast it is, and how it grows: hours. PASSAGES are those of the updates.
PASSAGES ?= 1000000
bench-speed: setup
	$(BIN)/ketqa index
	$(BIN)/python benchmarks/start.py --write docs/benchmarks.md
	$(BIN)/python benchmarks/encoder.py $(DATA)/pubmedqa --write docs/benchmarks.md
	$(BIN)/python benchmarks/reader.py --write docs/benchmarks.md
	$(BIN)/python benchmarks/updates.py $(DATA)/pubmedqa --passages $(PASSAGES) --write docs/benchmarks.md
	$(BIN)/python benchmarks/scale.py $(DATA)/pubmedqa $(DATA)/scifact --write scale.json
	$(BIN)/python benchmarks/scale_page.py scale.json --write docs/benchmarks.md

# ketqa beside other libraries, which get an environment of their own: an hour.
PEERS ?= .venv-peers
bench-peers: $(PEERS)/.ready
	$(PEERS)/bin/python benchmarks/peers.py $(addprefix $(DATA)/,scifact cranfield pubmedqa) --write docs/benchmarks.md

$(PEERS)/.ready: pyproject.toml constraints.txt benchmarks/requirements-peers.txt
	$(PYTHON) -m venv $(PEERS)
	grep -v '^huggingface_hub==' constraints.txt > $(PEERS)/constraints.txt
	$(PEERS)/bin/pip install --quiet --upgrade pip -c $(PEERS)/constraints.txt
	$(PEERS)/bin/pip install --quiet $(TORCH) -c $(PEERS)/constraints.txt
	$(PEERS)/bin/pip install --quiet -e '.[eval]' -r benchmarks/requirements-peers.txt -c $(PEERS)/constraints.txt
	touch $@

# The Python names, from their docstrings, as pages in site/.
reference: setup
	$(BIN)/python docs/reference.py site

# Fit the reader and the abstention again (see training/README.md).
weights: setup
	$(BIN)/ketqa index
	$(BIN)/python training/weights.py tests/gold/dev.jsonl
	$(BIN)/python training/sums.py

clean:
	rm -rf $(VENV) $(PEERS) index/CURRENT index/CORPUS index/builds index/.lock
