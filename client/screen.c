/* SPDX-License-Identifier: MIT */
#include "client/screen.h"

#include "client/deadline.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH, SIGPIPE};
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static struct termios before;
static struct sigaction actions_before[SIGNALS];
static volatile sig_atomic_t arrived[SIGNALS];
static sigset_t mask_before, mask_waiting;

static void note(int number)
{
    for (size_t i = 0; i < SIGNALS; i++)
        if (signals[i] == number)
            arrived[i] = 1;
}

static void measure(struct screen *screen)
{
    struct winsize size;

    screen->rows = 24;
    screen->columns = 80;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
        screen->rows = size.ws_row;
        screen->columns = size.ws_col;
    }
}

static int enter(void)
{
    struct termios raw = before;

    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0)
        return -errno;
    fputs(ENTER, stdout);
    return fflush(stdout) == 0 ? 0 : -errno;
}

static void leave(void)
{
    fputs(LEAVE, stdout);
    fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

/* They are blocked but for the wait, so that none is missed between looking and waiting. */
static void take_signals(void)
{
    struct sigaction action = {.sa_handler = note};
    sigset_t blocked;

    sigemptyset(&blocked);
    for (size_t i = 0; i < SIGNALS; i++) {
        sigaddset(&blocked, signals[i]);
        arrived[i] = 0;
    }
    sigprocmask(SIG_BLOCK, &blocked, &mask_before);
    mask_waiting = mask_before;
    for (size_t i = 0; i < SIGNALS; i++) {
        sigdelset(&mask_waiting, signals[i]);
        sigaction(signals[i], &action, &actions_before[i]);
    }
}

static void give_signals_back(void)
{
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &actions_before[i], NULL);
    sigprocmask(SIG_SETMASK, &mask_before, NULL);
}

int screen_open(struct screen *ret_screen)
{
    int r;

    if (tcgetattr(STDIN_FILENO, &before) < 0)
        return -errno;
    take_signals();
    r = enter();
    if (r < 0) {
        leave();
        give_signals_back();
        return r;
    }
    measure(ret_screen);
    return 0;
}

void screen_close(void)
{
    leave();
    give_signals_back();
}

/* Stops as the system would have it, with the terminal as it was meanwhile. */
static void stop(void)
{
    leave();
    raise(SIGSTOP);
    enter();
}

/* What a signal means, 0 where none came. */
static int take_signal(struct screen *screen)
{
    for (size_t i = 0; i < SIGNALS; i++) {
        if (!arrived[i])
            continue;
        arrived[i] = 0;
        if (signals[i] != SIGWINCH && signals[i] != SIGTSTP) {
            screen->signal_number = signals[i];
            return SCREEN_END;
        }
        if (signals[i] == SIGTSTP)
            stop();
        measure(screen);
        return SCREEN_RESIZED;
    }
    return 0;
}

int screen_wait(struct screen *screen, int64_t deadline_ns)
{
    for (;;) {
        struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
        int64_t left = deadline_left_ns(deadline_ns);
        struct timespec timeout = deadline_timespec(left);
        int n = ppoll(&keys, 1, left < 0 ? NULL : &timeout, &mask_waiting);
        int r = take_signal(screen);
        unsigned char key;

        if (r != 0)
            return r;
        if (n > 0 && read(STDIN_FILENO, &key, 1) == 1)
            return key;
        if (n > 0) {
            screen->signal_number = 0;
            return SCREEN_END;
        }
        if (n == 0)
            return SCREEN_TIMEOUT;
    }
}

void screen_show(const struct screen *screen, struct span text)
{
    const char *end = text.data + text.length;

    fputs("\033[H", stdout);
    for (int row = 0; row < screen->rows && text.data < end; row++) {
        const char *newline = memchr(text.data, '\n', (size_t)(end - text.data));
        const char *line_end = newline ? newline : end;
        int length = (int)(line_end - text.data);

        printf("%s%.*s\033[K", row > 0 ? "\n" : "", length < screen->columns ? length : screen->columns - 1, text.data);
        text.data = newline ? newline + 1 : end;
    }
    fputs("\033[J", stdout);
    fflush(stdout);
}
