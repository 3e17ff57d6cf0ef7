#!/usr/bin/env bash
# Run every test that needs a GPU and print what is there, and one table: a row a test. Without a
# GPU that works the tests are skipped, and the table says why. Ends with 1 if a test fails.
#
#   bash tools/gpu_check.sh [PYTHON]     where ".[cuda,test]" and mxnet-cu112 are installed
set -u
cd "$(dirname "$0")/.."
python=${1:-.venv/bin/python}
result=$(mktemp)
log=$(mktemp)
trap 'rm -f "$result" "$log"' EXIT

"$python" -m mxmtl devices | sed 's/^/    /'
echo
"$python" -m pytest -n0 -q -m gpu -p no:cacheprovider --junitxml="$result" tests >"$log" 2>&1
code=$?
"$python" - "$result" <<'EOF'
import sys
from xml.etree import ElementTree

print("| test | result | seconds |\n|---|---|---|")
for case in ElementTree.parse(sys.argv[1]).iter("testcase"):
    outcome = next((part for part in case if part.tag in ("failure", "error", "skipped")), None)
    text = "passed"
    if outcome is not None:
        text = f"{outcome.tag}: {outcome.get('message', '').splitlines()[0]}".replace("|", "/")
    name = f"{case.get('classname', '').rpartition('.')[2]}: {case.get('name')}"
    print(f"| {name} | {text} | {float(case.get('time', 0)):.1f} |")
EOF
if [ "$code" -ne 0 ]; then
    cat "$log" >&2
    exit 1
fi
