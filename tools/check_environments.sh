#!/usr/bin/env bash
# Install the wheel in fresh environments outside the clone, and go from a CSV to predictions, ONNX,
# a report and a service in each: every Python of the machine, with the oldest package that setup.py
# allows of each (tools/oldest.txt) and with the newest; then installations that cannot work and must
# say why. Prints a table, and ends with 1 if something fails.
#
#   bash tools/check_environments.sh [TEST...]   also run these tests of the clone in each
#   PYTHONS="3.12" bash tools/check_environments.sh
set -u
cd "$(dirname "$0")/.."
clone=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
mxnet=(--no-deps mxnet==1.9.1)
testing=(pytest pytest-timeout pytest-xdist hypothesis scikit-learn scipy)

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
"$python" -m pip wheel -q --no-deps -w "$work" . || exit 1
rm -rf build
wheel=$(echo "$work"/*.whl)

row Python kind NumPy OpenCV result
row --- --- --- --- ---
for minor in ${PYTHONS:-3.10 3.11 3.12 3.13 3.14}; do
    python=$(bash tools/find_python.sh "$minor" 2>/dev/null) || continue
    for kind in oldest newest; do
        options=(--only-binary :all:)
        [ $kind = newest ] || options+=(-c "$clone/tools/oldest.txt")
        result="DOES NOT INSTALL: $(tail -n 1 "$work/log" 2>/dev/null)"
        if environment "$python" "$wheel[onnx,report,serve,tables,weights,tensorboard]" "${testing[@]}" \
            "${options[@]}" && pip_install "${mxnet[@]}"; then
            result=$(cd "$work" && "$work/env/bin/python" "$clone/tools/smoke.py" onnx report plot serve tables 2>&1 | tail -n 1)
            if [ $# -gt 0 ]; then
                tests=$("$work/env/bin/python" -m pytest -q -p no:cacheprovider --basetemp="$work/tests" "$@" 2>&1 | tail -n 1)
                result="$result; tests: $tests"
                case $tests in *failed* | *error*) failed=1 ;; esac
            fi
        fi
        case $result in ok*) ;; *) failed=1 ;; esac
        row "$minor" $kind "$(version numpy)" "$(version cv2)" "$result"
    done
done

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
