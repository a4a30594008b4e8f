/* SPDX-License-Identifier: MIT */
#include "daemon/accounts/asker.h"

#include "daemon/base/invariant.h"

void asker_init(struct asker *asker, struct share *share)
{
    *asker = (struct asker){.share = share, .task = {.share = share, .stage = STAGE_RUN}};
    TAILQ_INIT(&asker->waiting);
    TAILQ_INIT(&asker->answered);
}

void asker_deinit(struct asker *asker)
{
    INVARIANT(TAILQ_EMPTY(&asker->waiting) && TAILQ_EMPTY(&asker->answered));
    INVARIANT(!asker->waiting_count && !asker->under_way);
    task_cancel(&asker->task);
}
