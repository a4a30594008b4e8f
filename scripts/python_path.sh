#!/bin/sh
# Prints $PATH, with the folder of the Python interpreter in front if `python3` is a version manager's script: such a
# script looks for the interpreter at each start, which takes seven times as long as the interpreter's own start.
set -eu

python=$(command -v python3 || :)
interpreter=$("${python:-false}" -c 'import sys; print(sys.executable)' 2>/dev/null || :)
if [ "$interpreter" = "$python" ] || [ ! -x "$(dirname "$interpreter")/python3" ]; then
    echo "$PATH"
else
    echo "$(dirname "$interpreter"):$PATH"
fi
