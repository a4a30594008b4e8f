/* SPDX-License-Identifier: MIT */
#include "daemon/connect/names_worker.h"

#include "daemon/connect/names_message.h"
#include "names/lookup.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static void take_error(struct names_answer *answer, int error)
{
    if (error == EAI_SYSTEM) {
        answer->outcome = NAMES_ERRNO;
        answer->detail = errno;
    } else if (error == EAI_MEMORY) {
        answer->outcome = NAMES_ERRNO;
        answer->detail = ENOMEM;
    } else {
        answer->outcome = NAMES_NOT_FOUND;
        answer->detail = error;
    }
}

noreturn void names_worker_run(const char *host)
{
    static struct names_answer answer;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int error = lookup_name(host, "0", &hints, &list);

    if (error)
        take_error(&answer, error);
    for (const struct addrinfo *found = error ? NULL : list; found; found = found->ai_next)
        names_answer_add(&answer, found->ai_addr);
    if (!error && !answer.count)
        take_error(&answer, EAI_NONAME);
    send(STDIN_FILENO, &answer, names_answer_size(&answer), MSG_NOSIGNAL);
    _exit(0);
}
