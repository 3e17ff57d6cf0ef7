#!/usr/bin/env bash
# Print a Python that mxmtl runs on: python3 if it fits, else the newest other one on the PATH or
# among pyenv's.
#
#   bash tools/find_python.sh         3.10 or newer
#   bash tools/find_python.sh 3.12    that one
set -u
names=("${PYTHON:-python3}" python3 python3.14 python3.13 python3.12 python3.11 python3.10)
fits='sys.version_info[:2] >= (3, 10)'
if [ $# -gt 0 ]; then
    names=("python$1")
    fits="sys.version_info[:2] == (${1/./, })"
fi
for name in "${names[@]}"; do
    for path in "$(command -v "$name")" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/"$name"; do
        if [ -x "$path" ] && "$path" -c "import sys, venv, ensurepip; sys.exit(not ($fits))" 2>/dev/null; then
            "$path" -c 'import sys; print(sys.executable)'
            exit 0
        fi
    done
done
echo "mxmtl needs Python ${1:-3.10 or newer} with venv, and found none. On Debian or Ubuntu run: apt-get install python3 python3-venv" >&2
exit 1
