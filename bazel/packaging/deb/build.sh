#!/usr/bin/env bash
# Makes the .deb: build.sh OUT VERSION_FILE EPOCH_FILE CONTROL PLACE=FILE...
#
# PLACE is the path at which FILE is installed, without the leading slash. Programs are stripped; if PLACE ends in .gz, the file is
# compressed. The build is reproducible: the same input gives the same bytes, on any machine and at any time.
set -eu
umask 022
export LC_ALL=C TZ=UTC
out=$(realpath "$1") version=$(cat "$2") SOURCE_DATE_EPOCH=$(cat "$3") control=$4
export SOURCE_DATE_EPOCH
shift 4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir "$root" "$root/DEBIAN" "$work/debian"

programs=()
for pair in "$@"; do
    place=${pair%%=*} file=${pair#*=} mode=644
    case $place in
    usr/sbin/* | usr/bin/*)
        mode=755
        programs+=("$root/$place")
        ;;
    DEBIAN/p*) mode=755 ;;
    esac
    install -D -m $mode "$file" "$root/${place%.gz}"
    case $place in
    *.gz)
        sed -i "s/@VERSION@/$version/" "$root/${place%.gz}"
        gzip -9n "$root/${place%.gz}"
        ;;
    etc/*) echo "/$place" >>"$root/DEBIAN/conffiles" ;;
    esac
done
strip --remove-section=.comment --remove-section=.note "${programs[@]}"

# dpkg-shlibdeps works only inside a source package, so make the minimum of one.
printf 'Source: okta-connector\n\nPackage: okta-connector\nArchitecture: any\n' >"$work/debian/control"
libraries=$(cd "$work" && dpkg-shlibdeps -O "${programs[@]}" | sed -n 's/^shlibs:Depends=//p')
size=$(find "$root" -path "$root/DEBIAN" -prune -o -type f -printf '%s\n' | awk '{ kib += int(($1 + 1023) / 1024) } END { print kib }')
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$(dpkg --print-architecture)/" -e "s/@SIZE@/$size/" \
    -e "s/@LIBRARIES@/$libraries/" "$control" >"$root/DEBIAN/control"
(cd "$root" && find . -type f -not -path './DEBIAN/*' -printf '%P\n' | sort | xargs -d '\n' md5sum >DEBIAN/md5sums)

# Every path gets the date of the changelog, and root as its owner: the file system's own would differ from build to build.
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group --threads-max=1 -Zxz --build "$root" "$out" >/dev/null
