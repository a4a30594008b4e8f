/* SPDX-License-Identifier: MIT */
#include "daemon/accounts/asker.h"

void asker_init(struct asker *asker, struct share *share)
{
    *asker = (struct asker){.share = share, .task = {.share = share, .stage = STAGE_RUN}};
    TAILQ_INIT(&asker->waiting);
    TAILQ_INIT(&asker->answered);
}

void asker_deinit(struct asker *asker)
{
    task_cancel(&asker->task);
}
