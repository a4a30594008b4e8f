# SPDX-License-Identifier: MIT
"""One history of a machine against the daemon: begun with a daemon that others have used, wound up, and judged."""
import sys

from daemon import Daemon
from wire import Patience, trace

PATIENCE_AFTER_FAILURE_S = 3


class History:
    daemon = None  # of all machines
    failure = ""  # what was seen of a run that failed

    def __init__(self):
        super().__init__()
        trace.clear()
        if not History.daemon:
            History.daemon = Daemon()

    def teardown(self):
        # What ends a history that is long enough is no Exception.
        failed = isinstance(sys.exc_info()[1], Exception)
        try:
            if not failed:
                failed = True
                self.wind_up()
                failed = False
        finally:
            self.clean_up()
            if failed:
                self.replace_daemon()

    @staticmethod
    def replace_daemon():
        """What a run that failed has left is not to be the next one's."""
        daemon = History.daemon
        state = "" if daemon.is_alive() else "the daemon has ended\n"
        History.failure = "\n".join([*trace, state + daemon.said()])
        daemon.discard()
        History.daemon = None
        Patience.seconds = min(Patience.seconds, PATIENCE_AFTER_FAILURE_S)
