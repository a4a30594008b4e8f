#!/bin/sh
# Runs a client that is made of a JSON-RPC library as its authors published it against a daemon: hello, register by
# address, list. Or the validator of rpc.discover.
# usage: MINIMIO_BUILD=BUILD tests/clients/run.sh node|openrpc|perl|python
# exit status 77: the library is not there; 1 under MINIMIO_CLIENTS=required.
set -eu
cd "$(dirname "$0")/../.."

. tests/clients/skip.sh
export NODE_PATH=build/clients/node_modules
python=python3
case $1 in
node | openrpc)
    command -v node >/dev/null || skip 'the program node'
    [ -d "$NODE_PATH/jayson" ] || skip "the packages of tests/clients/package.json (make clients)"
    set -- node "tests/clients/$1.js"
    ;;
perl)
    perl -MJSON::RPC::Common -e 1 2>/dev/null || skip "Perl's JSON::RPC::Common (libjson-rpc-common-perl)"
    set -- perl tests/clients/perl.pl
    ;;
python)
    # A Python of one's own does not see what the distribution has for its own.
    for candidate in python3 /usr/bin/python3; do
        "$candidate" -c 'import aiorpcx' 2>/dev/null && python=$candidate
    done
    "$python" -c 'import aiorpcx' 2>/dev/null || skip "Python's aiorpcx (python3-aiorpcx)"
    set -- "$python" tests/clients/python.py
    ;;
esac

. tests/clients/daemon.sh
timeout 60 "$@" "$MINIMIO_SOCKET" "127.0.0.1:$fast" >"$folder/output" 2>&1 || fail "$* failed"
check_lines
