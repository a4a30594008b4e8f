/* SPDX-License-Identifier: MIT */
/*
 * The commands of minimioctl, defined in command_*.c and completions.c.
 */
#ifndef MINIMIO_CLIENT_CTL_COMMANDS_H
#define MINIMIO_CLIENT_CTL_COMMANDS_H

#include "client/ctl/command.h"

extern const struct command command_watch;
extern const struct command command_wait;
extern const struct command command_connect;
extern const struct command command_register;
extern const struct command command_reregister;
extern const struct command command_deregister;
extern const struct command command_take;
extern const struct command command_read;
extern const struct command command_write;
extern const struct command command_shutdown;
extern const struct command command_events;
extern const struct command command_run;
extern const struct command command_checkout;
extern const struct command command_list;
extern const struct command command_loops;
extern const struct command command_close_loop;
extern const struct command command_call;
extern const struct command command_batch;
extern const struct command command_discover;
extern const struct command command_ping;
extern const struct command command_hello;
extern const struct command command_stats;
extern const struct command command_top;
extern const struct command command_completions;

#endif
