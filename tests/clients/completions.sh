#!/usr/bin/env bash
# Completes command lines as the shells do, with the scripts of the build and a daemon whose loops they are to name.
# usage: MINIMIO_BUILD=BUILD tests/clients/completions.sh bash|zsh|fish
set -eu
cd "$(dirname "$0")/../.."

. tests/clients/setup.sh

shell=$1
build=$(cd "$build" && pwd)
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
    # a word that holds spaces is given behind the line
    [[ $# -lt 2 ]] || COMP_WORDS=("${COMP_WORDS[@]//@/"$2"}")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMPREPLY=()
    IFS=${shell_ifs-$IFS}
    _minimioctl minimioctl
    printf '%s\n' "${COMPREPLY[@]}"
)

# The completion system itself needs a terminal: what the script would add is printed by functions in its place.
complete_zsh() {
    zsh -f -c '
        compadd() { [[ $1 != -- ]] || shift; print -rl -- ${(M)@:#${words[CURRENT]}*}; }
        _describe() { local -a all=("${(@P)2}"); compadd -- ${all%%:*}; }
        _files() { print files; }
        _normal() { print command $words; }
        words=(${(z)1}); [[ $1 != *" " ]] || words+=("")
        [[ -z $3 ]] || words=("${(@)words//@/$3}")
        CURRENT=$#words
        . "$2"' zsh "$1" "$build/completions/minimioctl.zsh" "${2-}"
}

complete_fish() {
    # It keeps its history and settings in a home of its own.
    # shellcheck disable=SC2016 # fish expands its arguments
    HOME=${fish_home-$folder} XDG_CONFIG_HOME=$folder XDG_DATA_HOME=$folder \
        fish -N -c 'source $argv[1]; complete -C $argv[2]' "$build/completions/minimioctl.fish" "${1//@/"${2-}"}" | cut -f 1
}

# expect LINE WORD...: all these are among the completions of the line. One behind a ! is not. $inserted, where it is
# set, stands in the line for @ as one word.
expect() {
    line=$1
    shift
    "complete_$shell" "$line" ${inserted+"$inserted"} >"$folder/words"
    for word in "$@"; do
        if grep -qxF -- "${word#!}" "$folder/words"; then found=yes; else found=no; fi
        case $word in
        !*) [ $found = no ] || { echo "$shell: '$line' is completed by ${word#!}" >&2; exit 1; } ;;
        *) [ $found = yes ] || { echo "$shell: '$line' (${inserted-}) is not completed by $word, but:" >&2; cat "$folder/words" >&2; exit 1; } ;;
        esac
    done
}

expect 'minimioctl ' watch wait register close-loop top help
expect 'minimioctl re' read register reregister !watch
expect 'minimioctl --' --socket --json !--loop
expect 'minimioctl register --' --loop --mode --no-nodelay --socket
expect 'minimioctl wait --' --closed --any --quiet --stable !--loop
expect 'minimioctl events --loop ' upstreams other
expect 'minimioctl --socket /x events --loop upstreams --' --rearm --exec
expect 'minimioctl register --mode ' oneshot edge level
expect 'minimioctl read --encoding b' base64 !auto
expect 'minimioctl call re' register reregister !ping
expect 'minimioctl shutdown --loop other 1 ' read write both
expect 'minimioctl help clo' close-loop
expect 'minimioctl completions ' bash zsh fish
expect 'minimioctl comp' completions
[ "$shell" != bash ] || expect 'minimioctl list --loop=up' upstreams !other
[ "$shell" = fish ] || expect 'minimioctl --socket /nowhere list --loop ' !upstreams
expect "minimioctl --socket $MINIMIO_SOCKET list --loop " upstreams

# ---- Names with spaces, and names that are commands to a shell

true_socket=$MINIMIO_SOCKET
export MINIMIO_SOCKET=/nowhere # the line alone names the daemon
mkdir "$folder/My Files"
ln -s "$true_socket" "$folder/My Files/a b.sock"
for inserted in "'$folder/My Files/a b.sock'" "\"$folder/My Files/a b.sock\"" "$folder/My\\ Files/a\\ b.sock"; do
    expect 'minimioctl --socket @ list --loop ' upstreams other
done
export FILES="$folder/My Files" HOME="$folder/My Files" fish_home="$folder/My Files"
# shellcheck disable=SC2016,SC2088 # these are what a user types
for inserted in '~/a\ b.sock' '$HOME/a\ b.sock' '"$FILES/a b.sock"'; do
    expect 'minimioctl --socket @ list --loop ' upstreams other
done
unset inserted

# A daemon that no one should trust. Nothing of a name is run; bash, which does not quote what is chosen, has it quoted.
hostile=$folder/hostile.sock
# shellcheck disable=SC2016 # these are names
names=("\$(touch $folder/pwned)" "\`touch $folder/pwned\`" 'a b' "it's" '~root' '*' 'x;y' '"q' '$HOME')
tests/clients/hostile_daemon.py "$hostile" "${names[@]}" $'e\033[2J' >"$folder/up" &
servers="${servers:-} $!"
until grep -q up "$folder/up"; do :; done
chosen=("${names[@]}" 'e\x1b[2J')
if [ "$shell" = bash ]; then
    for i in "${!chosen[@]}"; do
        printf -v "chosen[$i]" %q "${chosen[i]}"
    done
fi
expect "minimioctl --socket $hostile list --loop " "${chosen[@]}"
[ "$shell" != bash ] || expect "minimioctl --socket $hostile list --loop a" 'a\ b' "!it\\'s"
[ ! -e "$folder/pwned" ] || { echo "$shell: the name of a loop was run" >&2; exit 1; }

if [ "$shell" = bash ]; then
    cd "$folder"
    expect 'minimioctl --socket My' 'My Files'
    shell_ifs=: expect 'minimioctl li' list
    shell_ifs=: expect "minimioctl --socket $true_socket list --loop " upstreams
fi
