/* SPDX-License-Identifier: MIT */
#include "daemon/base/invariant.h"

#include "daemon/base/log.h"

#include <stdlib.h>

void invariant_violated(const char *condition, const char *file, int line)
{
    log_write(LOG_LEVEL_ERROR, "a bug in minimiod: %s:%d: not true: %s", file, line, condition);
    abort();
}
