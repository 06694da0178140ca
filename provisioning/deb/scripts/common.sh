# What several maintainer scripts share; the build puts it into each. DPKG_ROOT: deb-systemd-helper(1p), dpkg(1).
root=${DPKG_ROOT:-}
lib=$root/usr/lib/greengate
data=$root/var/lib/greengate
config=$root/etc/greengate/greengate.toml

say() { echo "greengate: $*" >&2; }

booted() { [ -d "$root/run/systemd/system" ]; }

stop_all() {
    booted || return 0
    # The gate first, since it holds the lamps. Twice: what fails while it stops may be started again once.
    for _ in 1 2; do
        timeout 60 systemctl --no-ask-password stop greengate-gate.service 2>/dev/null || true
        timeout 120 systemctl --no-ask-password stop \
            'greengate*.timer' 'greengate*.socket' 'greengate*.path' 'greengate*.target' 'greengate*.service' || true
    done
    systemctl --no-ask-password reset-failed 'greengate*' 2>/dev/null || true
}

# As the gate's user where there is one: what a driver writes must stay its own (lgpio writes into its folder).
darken() {
    [ -f "$config" ] && [ -x "$lib/bin/python3" ] || return 0
    work=$(mktemp -d) || return 0
    as=
    if getent passwd greengate-gate >/dev/null; then
        as="setpriv --reuid=greengate-gate --regid=greengate --init-groups --no-new-privs --"
        chown greengate-gate "$work"
    fi
    (cd "$work" && LG_WD=$work timeout 20 $as "$lib/bin/python3" -I -m firmware.darken --config "$config") ||
        say "the lamps could not be put out: look at them, and switch them off by hand"
    rm -rf "$work"
}

forget_compiled() {
    [ -d "$lib" ] || return 0
    find "$lib" -depth -type d -name __pycache__ -exec rm -rf {} +
}
