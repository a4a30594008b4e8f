#!/usr/bin/env bash
# Completes command lines as the shells do, with the scripts of the build and a daemon whose loops they are to name.
# usage: MINIMIO_BUILD=BUILD tests/clients/completions.sh bash|zsh|fish
set -eu
cd "$(dirname "$0")/../.."

. tests/clients/setup.sh

shell=$1
require "$shell"
start_daemon
for loop in upstreams other; do
    minimioctl call open_loop "{\"name\":\"$loop\"}" >/dev/null
done

complete_bash() (
    set +eu # as the shells of people are
    # shellcheck disable=SC1091
    . "$build/completions/minimioctl.bash"
    # bash cuts words at = too
    read -ra COMP_WORDS <<<"${1//=/ = }"
    [[ $1 != *' ' ]] || COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMPREPLY=()
    _minimioctl minimioctl
    printf '%s\n' "${COMPREPLY[@]}"
)

# The completion system itself needs a terminal: what the script would add is printed by functions in its place.
complete_zsh() {
    zsh -f -c '
        compadd() { [[ $1 != -- ]] || shift; print -l -- ${(M)@:#${words[CURRENT]}*}; }
        _describe() { local -a all=("${(@P)2}"); compadd -- ${all%%:*}; }
        _files() { print files; }
        _normal() { print command $words; }
        words=(${(z)1}); [[ $1 != *" " ]] || words+=("")
        CURRENT=$#words
        . "$2"' zsh "$1" "$build/completions/minimioctl.zsh"
}

complete_fish() {
    # It keeps its history and settings in a home of its own.
    HOME=$folder XDG_CONFIG_HOME=$folder XDG_DATA_HOME=$folder \
        fish -N -c "source '$build/completions/minimioctl.fish'; complete -C '$1'" | cut -f 1
}

# expect LINE WORD...: all these are among the completions of the line. One behind a ! is not.
expect() {
    line=$1
    shift
    "complete_$shell" "$line" >"$folder/words"
    for word in "$@"; do
        if grep -qxF -- "${word#!}" "$folder/words"; then found=yes; else found=no; fi
        case $word in
        !*) [ $found = no ] || { echo "$shell: '$line' is completed by ${word#!}" >&2; exit 1; } ;;
        *) [ $found = yes ] || { echo "$shell: '$line' is not completed by $word, but:" >&2; cat "$folder/words" >&2; exit 1; } ;;
        esac
    done
}

expect 'minimioctl ' watch wait register close-loop top help
expect 'minimioctl re' read register reregister !watch
expect 'minimioctl --' --socket --json !--loop
expect 'minimioctl register --' --loop --mode --no-nodelay --socket
expect 'minimioctl wait --' --closed --any --quiet !--loop
expect 'minimioctl events --loop ' upstreams other
expect 'minimioctl --socket /x events --loop upstreams --' --rearm --exec
expect 'minimioctl register --mode ' oneshot edge level
expect 'minimioctl read --encoding b' base64 !auto
expect 'minimioctl call re' register reregister !ping
expect 'minimioctl shutdown --loop other 1 ' read write both
expect 'minimioctl help clo' close-loop
[ "$shell" != bash ] || expect 'minimioctl list --loop=up' upstreams !other
if [ "$shell" != fish ]; then # which asks the program that is found, without the options that were given
    expect 'minimioctl --socket /nowhere list --loop ' !upstreams
    expect "minimioctl --socket $MINIMIO_SOCKET list --loop " upstreams
fi
