/* SPDX-License-Identifier: MIT */
/*
 * Check of HOST:PORT arguments. The file has no state.
 */
#include "client/ctl/target.h"

#include "proto/endpoint.h"

#include <stddef.h>
#include <string.h>

const char *target_fault(const char *text)
{
    struct endpoint endpoint;
    enum endpoint_fault fault = endpoint_parse((struct span){text, strlen(text)}, &endpoint);

    return fault == ENDPOINT_OK ? NULL : endpoint_fault_text(fault);
}
