/* SPDX-License-Identifier: MIT */
/*
 * The names under which the service manager keeps descriptors.
 *
 * A stream's is "+" and up to six characters, its id in base 64. The manager hands all names over in one environment
 * variable, which the kernel limits to 128 KiB: with these, 16,384 descriptors fit.
 */
#ifndef MINIMIO_DAEMON_MANAGER_STORE_NAMES_H
#define MINIMIO_DAEMON_MANAGER_STORE_NAMES_H

#include <stdint.h>

#define STORE_LEDGER "ledger"

#define DURABLE_ID_CHARACTERS 6
#define STORE_ID_MAX          ((UINT64_C(1) << 6 * DURABLE_ID_CHARACTERS) - 1)
#define STORE_NAME_SIZE       (DURABLE_ID_CHARACTERS + 2)

/* The name of this id, 1 to STORE_ID_MAX. */
void store_name(uint64_t id, char ret_name[STORE_NAME_SIZE]);

/* The id of this name; 0: it is no stream's. */
uint64_t store_name_id(const char *name);

#endif
