#!/bin/sh
# Everything that must hold of the Python client, on a machine that has Python 3.11 and a kithd. The first argument is the
# folder for the virtual environment; KITHD names the server, which is otherwise the one that cargo built.
set -eu
cd "$(dirname "$0")/.."
venv="${1:-.venv}"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --editable ".[dev]"
"$venv/bin/python" scripts/descriptors.py --check
"$venv/bin/ruff" check --quiet
"$venv/bin/ruff" format --check --quiet
"$venv/bin/mypy"
"$venv/bin/pytest"
