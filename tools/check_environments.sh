#!/usr/bin/env bash
# Install the wheel in fresh environments outside the clone, and go from a CSV to predictions, ONNX,
# a report and a service in each: every Python of the machine, with the oldest package that setup.py
# allows of each (tools/oldest.txt) and with the newest; then installations that cannot work and must
# say why. Prints a table, and ends with 1 if something fails.
#
#   bash tools/check_environments.sh [TEST...]   also run these tests of the clone in each, or
#                                                the part of them that is named below
#   PYTHONS="3.12" KINDS="newest" WHEEL=dist/NAME.whl bash tools/check_environments.sh
set -u
cd "$(dirname "$0")/.."
clone=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
mxnet=(--no-deps mxnet==1.9.1)
testing=(pytest pytest-timeout pytest-xdist hypothesis scikit-learn scipy)
export PIP_NO_COMPILE=1 OMP_NUM_THREADS=1
unset PYTHONDONTWRITEBYTECODE # what is used is compiled once, and nothing else
# The way from a table to an answer once more, and the laws of tasks, data, networks and metrics.
[ $# -gt 0 ] || set -- tests/test_whole_way.py tests/test_path.py tests/test_mxnet.py tests/tasks \
    tests/data/test_iter_counts.py tests/nets/test_module.py tests/metrics/test_laws.py \
    tests/export/test_export.py tests/model/test_predictor.py

pip_install() { "$work/env/bin/python" -m pip install -q --disable-pip-version-check "$@" >>"$work/log" 2>&1; }
row() { printf '| %-6s | %-6s | %-7s | %-8s | %s |\n' "$@"; }
version() { "$work/env/bin/python" -c "import $1; print($1.__version__)" 2>/dev/null || echo -; }

# environment PYTHON WHEEL-AND-EXTRAS [PIP OPTION OR PACKAGE...] : a fresh one in $work/env
environment() {
    rm -rf "$work/env"
    : >"$work/log"
    "$1" -m venv "$work/env" && pip_install "${@:2}"
}

python=$(bash tools/find_python.sh) || exit 1
if [ -n "${WHEEL:-}" ]; then
    wheel=$(realpath "$WHEEL")
else
    "$python" -m pip wheel -q --no-deps -w "$work" . || exit 1
    rm -rf build
    wheel=$(echo "$work"/*.whl)
fi

row Python kind NumPy OpenCV result
row --- --- --- --- ---
for minor in ${PYTHONS:-3.10 3.11 3.12 3.13 3.14}; do
    python=$(bash tools/find_python.sh "$minor" 2>/dev/null) || continue
    for kind in ${KINDS:-oldest newest}; do
        options=(--only-binary :all:)
        [ $kind = newest ] || options+=(-c "$clone/tools/oldest.txt")
        if environment "$python" "$wheel[onnx,report,serve,tables,weights,tensorboard]" "${testing[@]}" \
            "${options[@]}" && pip_install "${mxnet[@]}"; then
            result=$(cd "$work" && "$work/env/bin/python" "$clone/tools/smoke.py" onnx report plot serve tables 2>&1 | tail -n 1)
            "$work/env/bin/python" -m pytest -q -p no:cacheprovider --basetemp="$work/tests" "$@" \
                >"$work/tests.log" 2>&1
            tests=$(tail -n 1 "$work/tests.log")
            result="$result; tests: $tests"
            case $tests in *failed* | *error* | *"no tests"*) grep -E "^(FAILED|ERROR)" "$work/tests.log" >&2; failed=1 ;; esac
        else
            result="DOES NOT INSTALL: $(grep -v WARNING "$work/log" | tail -n 1)"
        fi
        case $result in ok*) ;; *) failed=1 ;; esac
        row "$minor" $kind "$(version numpy)" "$(version cv2)" "$result"
    done
done

[ -z "${PYTHONS:-}${KINDS:-}" ] || exit $failed  # a piece of it was wanted
# What cannot work says so in one line.
python=$(bash tools/find_python.sh)
environment "$python" "$wheel"
said=$("$work/env/bin/python" -c 'import mxmtl; mxmtl.context' 2>&1 | tail -n 1)
row "" "" "" "" "without MXNet: $said"
case $said in *"pip install --no-deps mxnet==1.9.1"*) ;; *) failed=1 ;; esac
# An extra of what is installed is found without an index that has mxmtl.
pip_install "mxmtl[plot]" || failed=1
row "" "" "" "" "an extra added later: matplotlib $(version matplotlib)"
exit $failed
