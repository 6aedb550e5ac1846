# Sourced by the scripts beside it. install_packages FILE... installs the packages in these lists that this machine lacks.
#
# A line of a list is "package # reason", or "package?command # reason" for a package that is needed only if the command does not
# exist. Silent and quick when nothing is missing. A user who may not install anything is shown the command to run as root.

# Prints the names of the packages that are missing, one a line.
missing_packages() {
    local wanted=() line name command
    while read -r line; do
        line=${line%%#*}
        line=${line//[[:space:]]/}
        [ -n "$line" ] || continue
        name=${line%%\?*}
        command=${line#"$name"}
        command=${command#\?}
        if [ -n "$command" ] && command -v "$command" >/dev/null 2>&1; then
            continue
        fi
        wanted+=("$name")
    done < <(cat "$@")
    [ ${#wanted[@]} -gt 0 ] || return 0
    # dpkg-query prints nothing for a package that it does not know, so subtract the installed ones from all that we want.
    printf '%s\n' "${wanted[@]}" | sort -u |
        comm -23 - <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null |
            awk '$2 == "installed" { print $1 }' | sort -u)
}

install_packages() {
    local missing log as_root=""
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    missing=${missing//$'\n'/ }
    if [ "$(id -u)" -ne 0 ]; then
        if command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
            as_root=sudo
        else
            echo "Packages are missing, and this user may not install them. Run as root:" >&2
            echo "  apt-get update && apt-get install -y --no-install-recommends $missing" >&2
            return 1
        fi
    fi
    echo "Installing: $missing" >&2
    if ! log=$({ $as_root apt-get update -qq &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } \
        2>&1 </dev/null); then
        echo "$log" >&2
        echo "apt-get could not install the packages: see above." >&2
        return 1
    fi
}
