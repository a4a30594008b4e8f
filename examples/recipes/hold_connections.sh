#!/bin/sh
# SPDX-License-Identifier: MIT
# Holds a connection to each address, by the same command each minute. Living connections stay and are printed with
# "existing"; ended connections are connected anew. Tokens are line numbers: append new addresses to the list.
# usage: hold_connections.sh LOOP <ADDRESSES    for example from cron: * * * * * hold_connections.sh LOOP </etc/addresses
set -eu
awk 'NF { print NR, $1 }' | xargs -r minimioctl register --loop "$1" --ensure
