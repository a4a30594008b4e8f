/* SPDX-License-Identifier: MIT */
/*
 * The names of descriptors in the service manager's store.
 *
 * A stream's name is "+" and up to six characters, the id in base 64. The manager passes all names in one environment
 * variable, which the kernel limits to 128 KiB: 16,384 such names fit.
 *
 * Owns nothing. Calls nothing.
 */
#ifndef MINIMIO_DAEMON_MANAGER_STORE_NAMES_H
#define MINIMIO_DAEMON_MANAGER_STORE_NAMES_H

#include <stdint.h>

#define STORE_LEDGER "ledger"

#define STORE_ID_CHARACTERS 6
#define STORE_ID_MAX        ((UINT64_C(1) << 6 * STORE_ID_CHARACTERS) - 1)
#define STORE_NAME_SIZE     (STORE_ID_CHARACTERS + 2)

/* Writes the name of an id from 1 to STORE_ID_MAX. */
void store_name(uint64_t id, char ret_name[STORE_NAME_SIZE]);

/* The id of a stream's name; 0: not the name of a stream. */
uint64_t store_name_id(const char *name);

#endif
