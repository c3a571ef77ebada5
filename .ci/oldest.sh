#!/usr/bin/env bash
# Writes .ci/oldest.txt anew: the oldest releases that pyproject.toml allows, with the newest of what those need.
set -euo pipefail
cd "$(dirname "$0")/.."
"${UV:-uv}" pip compile -q --upgrade --resolution lowest-direct --python-version 3.11 --no-header --no-annotate --no-emit-package paycools-async \
  --extra test pyproject.toml -o .ci/oldest.txt
