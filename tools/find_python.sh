#!/usr/bin/env bash
# Print a Python 3.8 to 3.12 with venv: python3 if it fits, else the best other one on the PATH.
# 3.12 comes last, because MXNet needs a newer NumPy there than it was made for.
set -u
for name in "${PYTHON:-python3}" python3 python3.11 python3.10 python3.9 python3.8 python3.12; do
    path=$(command -v "$name") || continue
    if "$path" -c 'import sys, venv, ensurepip; sys.exit(not (3, 8) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
        "$path" -c 'import sys; print(sys.executable)'
        exit 0
    fi
done
echo "mxmtl needs Python 3.8 to 3.12 with venv, and found none. On Debian or Ubuntu run: apt-get install python3 python3-venv" >&2
exit 1
