#!/usr/bin/env bash
# A virtual environment of its own for the programs that the benches are compared with.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=target/peers/venv
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check numpy scipy ortools lightgbm scikit-learn
