#!/usr/bin/env bash
# Install what is missing to run and test Cổng Xanh here: system parts by apt, Python's in a virtual environment.
#   setup.sh VENV PROJECT PACKAGE:PROBE...
#     PROJECT: what pip installs, with extras or without; PROBE: a file, a shared library (lib*.so*), a Python module
# Says what it does; does nothing twice. Exit codes: 0 all there, 69 something could not be installed.
set -euo pipefail
venv=$1
project=$2
shift 2
python=${PYTHON:-python3}
EX_UNAVAILABLE=69

say() { printf '\033[1m[setup]\033[0m %s\n' "$*"; }
give_up() { printf '[setup] %s\n' "$*" >&2; exit "$EX_UNAVAILABLE"; }

present() {
    case $1 in
        /*) [ -e "$1" ] ;;
        lib*.so*) [[ "$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p)" == *"$1"* ]] ;;
        *) "$python" -c 'import importlib.util as u, sys; sys.exit(u.find_spec(sys.argv[1]) is None)' "$1" ;;
    esac
}

command -v "$python" >/dev/null || give_up "no $python: apt-get install python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || give_up "Python 3.11 or newer is needed (Debian 12 has it)"

# Brokers and databases are for tests and desks, which start their own: what apt brings along is not started now.
# A policy that somebody made (policy-rc.d) stays as it is; ours, which a power cut may have left, goes in the end.
keep_servers_still() {
    local policy=/usr/sbin/policy-rc.d mark="# Cong Xanh: until its set-up is over"
    if [ -e "$policy" ] && ! grep -qsxF "$mark" "$policy"; then return; fi
    trap '"${as_root[@]}" rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\n%s\nexit 101\n' "$mark" | "${as_root[@]}" sh -c "cat >$policy && chmod 755 $policy"
}

missing=()
for part in "$@"; do
    present "${part#*:}" || missing+=("${part%%:*}")
done
if [ "${#missing[@]}" -gt 0 ]; then
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || give_up "as root: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    say "system parts: apt-get install ${missing[*]}"
    as_root+=(env DEBIAN_FRONTEND=noninteractive)
    "${as_root[@]}" apt-get update -qq || true # an old list may do; the install says so if not
    keep_servers_still
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
        give_up "could not install ${missing[*]}: is the network there?"
fi

# On a Raspberry Pi picamera2 and lgpio come from the system's packages; they may have been installed later.
options=()
if present picamera2 || present lgpio; then options=(--system-site-packages); fi
shared=$([ "${#options[@]}" -gt 0 ] && echo true || echo false)
if ! grep -qs "include-system-site-packages = $shared" "$venv/pyvenv.cfg"; then
    say "virtual environment: $venv"
    "$python" -m venv --clear "${options[@]}" "$venv" || give_up "no virtual environment: apt-get install python3-venv"
fi
say "Python packages: pip install --editable $project"
"$venv/bin/pip" install --quiet --disable-pip-version-check --editable "$project" ||
    give_up "pip could not install the packages: is the network there?"
