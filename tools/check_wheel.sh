#!/usr/bin/env bash
# Install a wheel with each extra that the documents name into a fresh environment outside the clone,
# and go from a CSV to predictions there, and on to what the extra is for: ONNX, a report, a service.
# Prints a line for each, and ends with 1 if one fails.
#
#   bash tools/check_wheel.sh dist/*.whl              all of them: a minute or two each
#   bash tools/check_wheel.sh dist/*.whl serve cpu    these
set -u
clone=$(realpath "$(dirname "$0")/..")
wheel=$(realpath "$1")
shift
[ $# -gt 0 ] || set -- cpu onnx plot report serve tables weights fonts tensorboard efficientnet notebooks gluoncv
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PIP_NO_COMPILE=1 OMP_NUM_THREADS=1
unset PYTHONDONTWRITEBYTECODE # what is used is compiled once, and nothing else
failed=0

pip_install() { "$work/env/bin/python" -m pip install -q --disable-pip-version-check "$@" >>"$work/log" 2>&1; }

for extra in "$@"; do
    rm -rf "$work/env"
    : >"$work/log"
    minor=()
    [ "$extra" != cpu ] || minor=(3.12) # MXNet's own requirements install up to there
    python=$(bash "$clone/tools/find_python.sh" "${minor[@]}") || exit 1
    "$python" -m venv "$work/env"
    extras=$extra
    [ "$extra" != gluoncv ] || extras=gluoncv,onnx # a network of its zoo is exported
    pip_install "$wheel[$extras]" &&
        { [ "$extra" = cpu ] || pip_install --no-deps mxnet==1.9.1; } &&
        { [ "$extra" != gluoncv ] || pip_install --no-deps gluoncv==0.10.5.post0; } ||
        echo "DOES NOT INSTALL" >>"$work/log"
    # Words of which smoke.py knows a step; other extras have to be no hindrance.
    step=$(grep -ow "$extra" <<<"onnx plot report serve tables gluoncv")
    said=$(cd "$work" && "$work/env/bin/python" "$clone/tools/smoke.py" $step 2>&1 | tail -n 1)
    case $said in ok*) ;; *) failed=1 said="$said; $(tail -n 1 "$work/log")" ;; esac
    echo "$extra: $said"
done
exit $failed
