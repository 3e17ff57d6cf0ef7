#!/usr/bin/env bash
# Install mxmtl in fresh environments and train one step in each: every Python 3.8 to 3.12 of
# the machine at both ends of the NumPy bounds, then installations that cannot work and must say why.
#
#   bash tools/check_environments.sh         about 6 minutes
#   bash tools/check_environments.sh --gpu   also MXNet's GPU build (2.6 GB to download)
set -u
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# install NAME PYTHON PACKAGE... : a fresh environment in $work/NAME
install() {
    local name=$1 python=$2
    shift 2
    "$python" -m venv "$work/$name" &&
        "$work/$name/bin/python" -m pip install --quiet --disable-pip-version-check "$@" >"$work/$name.log" 2>&1
}

# stub_driver ENVIRONMENT : a libcuda.so.1 in $work/stub, whose every function fails
stub_driver() {
    mkdir -p "$work/stub"
    { nm -D "$1"/lib/python*/site-packages/mxnet/libmxnet.so | awk '$1 == "U" && $2 ~ /^cu[A-Z]/ {print $2}'
        printf '%s\n' cuInit cuDriverGetVersion cuDeviceGetCount cuGetProcAddress
    } | sort -u | sed 's/.*/int &() { return 100; }/' >"$work/stub.c" &&
        gcc -shared -fPIC -w -Wl,-soname,libcuda.so.1 -o "$work/stub/libcuda.so.1" "$work/stub.c"
}

row() { printf '| %-34s | %-8s | %-8s | %s |\n' "$@"; }

# works NAME PYTHON PACKAGE... : must train
works() {
    local name=$1 result
    if ! install "$@"; then
        result="DOES NOT INSTALL: $(grep -m1 ERROR "$work/$name.log")"
    elif [[ $name == *stub* ]] && ! stub_driver "$work/$name"; then
        result="CANNOT MAKE THE STUB (gcc and nm are needed)"
    elif ! result=$(cd "$work" && LD_LIBRARY_PATH=$work/stub "$work/$name/bin/python" -W error::RuntimeWarning "$smoke" 2>"$work/$name.log"); then
        result="FAILS: $(tail -n 1 "$work/$name.log")"
    fi
    case $name in *stub*)
        # The libraries must have come from the packages, and the answer must be the CPU.
        devices=$(cd "$work" && LD_LIBRARY_PATH=$work/stub "$work/$name/bin/python" -m mxmtl devices 2>&1)
        for text in "10 of 10 come from Python packages" "cpu(0), because the NVIDIA driver"; do
            case $devices in *"$text"*) ;; *) result="mxmtl devices does not say: $text" ;; esac
        done
        ;;
    esac
    case $result in ok*) ;; *) failed=1 ;; esac
    report "$name" "$result"
    rm -rf "${work:?}/$name"
}

# explains NAME TEXT PYTHON PACKAGE... : must not import, and say TEXT in one line
explains() {
    local name=$1 text=$2 result
    shift 2
    if ! install "$name" "$@"; then
        result="DOES NOT INSTALL: $(grep -m1 ERROR "$work/$name.log")"
        failed=1
    else
        result=$(cd "$work" && "$work/$name/bin/python" -c 'import mxmtl' 2>&1 | tail -n 1)
        case $result in
            "ImportError: mxmtl: "*"$text"*) result="says: ${result#ImportError: mxmtl: }" ;;
            *) result="UNEXPECTED: $result" failed=1 ;;
        esac
    fi
    report "$name" "$result"
    rm -rf "${work:?}/$name"
}

report() {
    local name=$1 result=$2 python=$work/$1/bin/python
    row "$name" "$("$python" -c 'import platform; print(platform.python_version())')" \
        "$("$python" -c 'import numpy; print(numpy.__version__)' 2>/dev/null || echo -)" "$result"
}

smoke=$PWD/tools/smoke.py
row environment Python NumPy result
row --- --- --- ---

# Lowest NumPy with a wheel for that Python, the default, and the newest that the shim covers.
lowest=([8]=1.19.5 [9]=1.19.5 [10]=1.21.6 [11]=1.23.2 [12]=1.26.0)
newest=([8]=1.24.4 [9]=1.26.4 [10]=1.26.4 [11]=1.26.4 [12]=1.26.4)
for minor in 8 9 10 11 12; do
    if ! python=$(bash tools/find_python.sh "3.$minor" 2>/dev/null); then
        row "3.$minor" - - "not on this machine"
        continue
    fi
    works "3.$minor default" "$python" ".[cpu]"
    works "3.$minor lowest NumPy" "$python" ".[cpu]" "numpy==${lowest[minor]}"
    # The extra keeps NumPy below 1.24 where it can; MXNet by itself lets it rise.
    works "3.$minor newest NumPy" "$python" . mxnet==1.9.1 "numpy==${newest[minor]}"
done

python=$(bash tools/find_python.sh)
explains "no MXNet" "MXNet is not installed" "$python" .
explains "NumPy 2" "needs NumPy 1" "$python" --no-deps . mxnet==1.9.1 requests graphviz tqdm "numpy>=2,<2.3"
if [ "${1:-}" = --gpu ]; then
    explains "GPU build, no driver" "no NVIDIA driver" "$python" ".[cu112]"
    # With a driver that finds no card (a stub that answers "no device" to everything) the build
    # must load its CUDA libraries from the packages and train on the CPU.
    works "GPU build, stub driver" "$python" ".[cu112]"
fi
exit $failed
