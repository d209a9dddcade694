#!/usr/bin/env bash
# Build the wheel, install it where nothing else is, index two files, ask a question.
#   deploy/try_wheel.sh [EXTRAS]     such as: deploy/try_wheel.sh app
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD
extras=${1:+[$1]}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"${PYTHON:-python3}" -m venv "$work/venv"
export PATH="$work/venv/bin:$PATH" PIP_DISABLE_PIP_VERSION_CHECK=1
unset PYTHONPATH
pip wheel --quiet --no-deps --wheel-dir "$work" "$here"
pip install --quiet torch==2.13.0 -c constraints.txt
pip install --quiet "$(echo "$work"/ketqa-*.whl)$extras" -c constraints.txt

cd "$work"
mkdir notes
printf 'Melatonin\n\nMelatonin shortened the time to fall asleep by seven minutes.\n' >notes/sleep.txt
printf 'Rent\n\nThe rent is due on the first day of each month.\n' >notes/rent.txt
export HF_HUB_OFFLINE=1
ketqa --version
ketqa index --corpus notes --index index
ketqa verify --corpus notes --index index
ketqa ask "When must I pay the rent?" --index index --json >answer.json
python - <<'END'
import json
from pathlib import Path

import ketqa

assert "site-packages" in ketqa.__file__, ketqa.__file__
best = json.loads(Path("answer.json").read_text())["evidence"][0]
text = Path("notes", best["source"]["file"]).read_text()
assert best["quote"] == "The rent is due on the first day of each month."
assert best["quote"] == text[best["span"]["start"] : best["span"]["end"]]
print(f"the wheel answers: {best['quote']}")
END
