#!/bin/sh
# Installs the programs, libraries, manual pages and units, or removes them. Both walk the same list of files, so that
# `uninstall` removes exactly what `install` has put.
# usage: scripts/install.sh install|uninstall    called by the Makefile, which exports the variables
set -eu

action=${1:?usage: scripts/install.sh install|uninstall}
: "${BUILD:?}" "${PREFIX:?}" "${LIBDIR:?}" "${UNITDIR:?}" "${DOCDIR:?}" "${ZSHDIR:?}" "${VERSION:?}"
: "${SHARED:?}" "${SONAME:?}" "${SHARED_LINK:?}" "${CLIENT_SONAME:?}"
DESTDIR=${DESTDIR:-}
folders=$(mktemp)
trap 'rm -f "$folders" "$folders.files"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- Steps ----------------------------------------------------------------------------------------------------------

say() { # say WORD PATH
    [ -z "${V:-}" ] || printf '  %-4s %s\n' "$1" "$2"
}

remove() { # remove PATH: by remove_files, with one process
    say RM "$DESTDIR$1"
    printf '%s\0' "$DESTDIR$1" >>"$folders.files"
    echo "$DESTDIR${1%/*}" >>"$folders"
}

remove_files() {
    xargs -0 rm -f <"$folders.files"
}

make_folder() { # make_folder PATH: that of a file
    [ -d "$DESTDIR${1%/*}" ] || install -d "$DESTDIR${1%/*}"
}

put() { # put MODE SOURCE PATH
    [ "$action" = install ] || { remove "$3"; return; }
    say INST "$DESTDIR$3"
    make_folder "$3"
    install -m "$1" "$2" "$DESTDIR$3"
}

# fill SOURCE PATH COMMAND...: the output of a filter over the source
fill() {
    source=$1 path=$2
    shift 2
    [ "$action" = install ] || { remove "$path"; return; }
    say INST "$DESTDIR$path"
    make_folder "$path"
    install -m 644 /dev/null "$DESTDIR$path"
    "$@" <"$source" >"$DESTDIR$path"
}

link() { # link TARGET PATH
    [ "$action" = install ] || { remove "$2"; return; }
    say LINK "$DESTDIR$2"
    make_folder "$2"
    ln -sf "$1" "$DESTDIR$2"
}

# ---- Filters --------------------------------------------------------------------------------------------------------

# The loader searches /lib and /usr/lib by itself. Elsewhere a program needs an rpath to start without further set-up.
rpath() {
    case $LIBDIR in
    /lib | /lib/* | /lib64 | /lib64/* | /usr/lib | /usr/lib/* | /usr/lib64 | /usr/lib64/*) ;;
    *) [ "${PLATFORM:-}" = Darwin ] || printf ' -Wl,-rpath,%s' "$LIBDIR" ;;
    esac
}

pkg_config_file() {
    sed -e "s,@PREFIX@,$PREFIX," -e "s,@LIBDIR@,$LIBDIR," -e "s,@VERSION@,$VERSION," -e "s|@RPATH@|$(rpath)|" -e "s|@PRIVATE@|-pthread|"
}

manual_page() {
    sed -e "s,/usr/local/share/doc/minimio,$DOCDIR,g"
}

unit() {
    sed -e "s,=/usr/bin/,=$PREFIX/bin/," -e "s,^ExecPaths=.*,& $PREFIX/bin,"
}

# The template of a unit: minimiod@NAME listens at /run/minimio/NAME.sock.
unit_template() {
    unit | sed -e 's,\(Requires\|After\)=minimiod\.socket,\1=minimiod@%i.socket,' -e 's,/minimio\.sock$,/%i.sock,' \
        -e 's,^Description=minimio,& (%i),' -e 's,edit minimiod\.,edit minimiod@NAME.,'
}

# ---- The list -------------------------------------------------------------------------------------------------------

programs() {
    for program in minimiod minimioctl; do
        put 755 "$BUILD/$program" "$PREFIX/bin/$program"
    done
    put 644 "$BUILD/completions/minimioctl.bash" "$PREFIX/share/bash-completion/completions/minimioctl"
    put 644 "$BUILD/completions/minimioctl.zsh" "$ZSHDIR/_minimioctl"
    put 644 "$BUILD/completions/minimioctl.fish" "$PREFIX/share/fish/vendor_completions.d/minimioctl.fish"
}

libraries() {
    put 644 "$BUILD/libminimio.a" "$LIBDIR/libminimio.a"
    put 755 "$BUILD/$SHARED" "$LIBDIR/$SHARED"
    link "$SHARED" "$LIBDIR/$SONAME"
    link "$SONAME" "$LIBDIR/$SHARED_LINK"
    put 644 "$BUILD/libminimio-client.a" "$LIBDIR/libminimio-client.a"
    put 755 "$BUILD/libminimio-client.so.$VERSION" "$LIBDIR/libminimio-client.so.$VERSION"
    link "libminimio-client.so.$VERSION" "$LIBDIR/$CLIENT_SONAME"
    link "$CLIENT_SONAME" "$LIBDIR/libminimio-client.so"
    put 644 libminimio/minimio.h "$PREFIX/include/minimio.h"
    put 644 client/lib/minimio-client.h "$PREFIX/include/minimio-client.h"
    fill libminimio/minimio.pc.in "$LIBDIR/pkgconfig/minimio.pc" pkg_config_file
    fill client/lib/minimio-client.pc.in "$LIBDIR/pkgconfig/minimio-client.pc" pkg_config_file
}

documentation() {
    for page in man/*.[0-9]; do
        fill "$page" "$PREFIX/share/man/man${page##*.}/${page##*/}" manual_page
    done
    scripts/man_names.sh man/*.3 >"$folders.names"
    while read -r name page; do
        link "$page" "$PREFIX/share/man/man3/$name.3"
    done <"$folders.names"
    rm -f "$folders.names"
    put 644 daemon/minimiod.conf.example "$DOCDIR/minimiod.conf.example"
    for example in examples/*.c examples/clients/* examples/recipes/*; do
        mode=644
        [ ! -x "$example" ] || mode=755
        put "$mode" "$example" "$DOCDIR/$example"
    done
}

units() {
    for kind in service socket; do
        fill "systemd/minimiod.$kind" "$UNITDIR/minimiod.$kind" unit
        fill "systemd/minimiod.$kind" "$UNITDIR/minimiod@.$kind" unit_template
    done
    put 644 systemd/minimio.sysusers "$PREFIX/lib/sysusers.d/minimio.conf"
}

# ---- Before and after -----------------------------------------------------------------------------------------------

# The loader's cache, if it covers the library's folder and this is no staged installation.
update_loader_cache() {
    [ -z "$DESTDIR" ] && [ "$(id -u)" = 0 ] || return 0
    ldconfig=${LDCONFIG:-$(PATH=$PATH:/sbin:/usr/sbin command -v ldconfig || :)}
    [ -n "$ldconfig" ] || return 0
    if "$ldconfig" -N -X -v 2>/dev/null | grep -q "^$LIBDIR:"; then
        say RUN "$ldconfig"
        "$ldconfig"
    fi
}

# may_remove FOLDER: not the folders of a system prefix, which belong to the system even while they are empty.
may_remove() {
    case $1 in
    "$DESTDIR$DOCDIR" | "$DESTDIR$DOCDIR"/*) return 0 ;;
    esac
    if [ -n "$DESTDIR" ]; then
        [ "$1" != "${DESTDIR%/}" ] && [ "${1#"${DESTDIR%/}"/}" != "$1" ]
    else
        case $PREFIX in
        /usr | /usr/local | /) return 1 ;;
        esac
        [ "$1" = "$PREFIX" ] || [ "${1#"$PREFIX"/}" != "$1" ]
    fi
}

remove_empty_folders() {
    sort -u "$folders" | while read -r folder; do
        while may_remove "$folder"; do
            rmdir "$folder" 2>/dev/null || [ ! -e "$folder" ] || break
            folder=${folder%/*}
        done
    done
}

list() {
    programs
    libraries
    documentation
    if [ "$action" = uninstall ] || [ -n "${WITH_SYSTEMD:-}" ]; then
        units
    fi
}

case $action in
install)
    list
    update_loader_cache
    echo "installed minimio $VERSION under $DESTDIR$PREFIX"
    ;;
uninstall)
    list
    remove_files
    remove_empty_folders
    update_loader_cache
    echo "removed minimio $VERSION from $DESTDIR$PREFIX"
    ;;
*)
    echo 'usage: scripts/install.sh install|uninstall' >&2
    exit 2
    ;;
esac
