/* SPDX-License-Identifier: MIT */
#include "client/ctl/screen.h"

#include "client/lib/deadline.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l"
/* Moves to the last row, for terminals without an alternate screen. */
#define LEAVE "\033[0m\033[999;1H\r\n\033[?25h\033[?1049l"

#define ESCAPE_NS     (100 * NS_PER_MS) /* timeout of an escape sequence; then ESC is the Escape key */
#define LEAVE_MS      1000              /* for a terminal that accepts no output */
#define PIECE_BYTES   1024
#define SCREEN_SMALL  24
#define SCREEN_NARROW 80

/* Termination signals, then signals of the terminal. */
static const int signals[] = {SIGINT,  SIGTERM,   SIGHUP,  SIGQUIT,  SIGUSR1, SIGUSR2, SIGALRM,
                              SIGXCPU, SIGVTALRM, SIGPROF, SIGWINCH, SIGTSTP, SIGCONT};
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

/* Signals of crashes; the handler restores the terminal. */
static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
#define CRASHES (sizeof(crashes) / sizeof(crashes[0]))

static struct termios before;
static volatile sig_atomic_t entered; /* the terminal is in full-screen mode; `before` has the earlier settings */
static struct sigaction actions_before[SIGNALS], crash_actions_before[CRASHES];
static volatile sig_atomic_t arrived[SIGNALS];
static sigset_t mask_before, mask_waiting;

/* ---- The terminal ----------------------------------------------------------------------------------------------- */

bool screen_is_usable(void)
{
    const char *term = getenv("TERM");

    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0 &&
           strcmp(term, "unknown") != 0;
}

int screen_columns(void)
{
    struct winsize size;

    return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static void measure(struct screen *screen)
{
    struct winsize size;

    screen->rows = SCREEN_SMALL;
    screen->columns = SCREEN_NARROW;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
        screen->rows = size.ws_row;
        screen->columns = size.ws_col;
    }
    screen->clear = true;
}

/* Writes with a timeout: a terminal that accepts no output must not prevent the exit. */
static void write_soon(const char *text, size_t length)
{
    struct pollfd terminal = {.fd = STDOUT_FILENO, .events = POLLOUT};

    if (poll(&terminal, 1, LEAVE_MS) > 0 && write(STDOUT_FILENO, text, length) < 0)
        return; /* the terminal hung up */
}

/*
 * Saves the settings of the terminal. A background job would save the settings of another job, so a background job
 * stops here until the job is in the foreground.
 */
static int save(void)
{
    pid_t foreground = tcgetpgrp(STDIN_FILENO);

    if (foreground > 0 && foreground != getpgrp())
        raise(SIGTTIN);
    return tcgetattr(STDIN_FILENO, &before) < 0 ? -errno : 0;
}

/* Enters full-screen mode, without flow control, so that Ctrl-S does not freeze the screen. */
static int enter(void)
{
    struct termios raw = before;

    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_iflag &= ~(tcflag_t)IXON;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    entered = 1;
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
        return -errno;
    write_soon(ENTER, sizeof ENTER - 1);
    return 0;
}

/* Restores the terminal. Async-signal-safe. */
static void leave(void)
{
    if (!entered)
        return;
    entered = 0;
    write_soon(LEAVE, sizeof LEAVE - 1);
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

/* ---- Signals ---------------------------------------------------------------------------------------------------- */

static void note(int number)
{
    for (size_t i = 0; i < SIGNALS; i++)
        if (signals[i] == number)
            arrived[i] = 1;
}

/* After the handler returns, the fault recurs, or the raised signal is delivered. */
static void crash(int number)
{
    leave();
    for (size_t i = 0; i < CRASHES; i++)
        if (crashes[i] == number)
            sigaction(number, &crash_actions_before[i], NULL);
    raise(number);
}

/* Signals are blocked except in ppoll, so that no signal is lost between the check and the wait. Ignored signals
 * (nohup) stay ignored. */
static void take_signals(void)
{
    struct sigaction action = {.sa_handler = note}, crashing = {.sa_handler = crash};
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
        sigaction(signals[i], NULL, &actions_before[i]);
        if (actions_before[i].sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
    for (size_t i = 0; i < CRASHES; i++)
        sigaction(crashes[i], &crashing, &crash_actions_before[i]);
}

static void give_signals_back(void)
{
    for (size_t i = 0; i < CRASHES; i++)
        sigaction(crashes[i], &crash_actions_before[i], NULL);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &actions_before[i], NULL);
    sigprocmask(SIG_SETMASK, &mask_before, NULL);
}

static bool has_arrived(void)
{
    for (size_t i = 0; i < SIGNALS; i++)
        if (arrived[i])
            return true;
    return false;
}

/* Stops by the default action of SIGTSTP, which the kernel ignores in an orphaned process group. */
static void stop(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL}, ours;
    sigset_t only, mask;

    leave();
    sigemptyset(&only);
    sigaddset(&only, SIGTSTP);
    sigaction(SIGTSTP, &action, &ours);
    raise(SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &only, &mask); /* the process stops here */
    sigprocmask(SIG_SETMASK, &mask, NULL);
    sigaction(SIGTSTP, &ours, NULL);
}

static int end_with(struct screen *screen, int signal_number, int error)
{
    screen->signal_number = signal_number;
    screen->error = error;
    return SCREEN_END;
}

/* The event of a received signal; 0: no signal. */
static int take_signal(struct screen *screen)
{
    for (size_t i = 0; i < SIGNALS; i++) {
        int result = 0;

        if (!arrived[i])
            continue;
        arrived[i] = 0;
        if (signals[i] != SIGWINCH && signals[i] != SIGTSTP && signals[i] != SIGCONT)
            return end_with(screen, signals[i], 0);
        if (signals[i] == SIGTSTP)
            stop();
        if (signals[i] != SIGWINCH)
            result = enter();
        measure(screen);
        return result < 0 ? end_with(screen, 0, -result) : SCREEN_RESIZED;
    }
    return 0;
}

/* ---- Open and close --------------------------------------------------------------------------------------------- */

int screen_open(struct screen *ret_screen)
{
    const char *no_color = getenv("NO_COLOR");
    int result = save();

    if (result < 0)
        return result;
    take_signals();
    result = enter();
    if (result < 0) {
        leave();
        give_signals_back();
        return result;
    }
    *ret_screen = (struct screen){.styled = !(no_color && *no_color)};
    buffer_init(&ret_screen->frame);
    measure(ret_screen);
    return 0;
}

void screen_close(struct screen *screen)
{
    leave();
    give_signals_back();
    buffer_deinit(&screen->frame);
}

/* ---- Waiting ---------------------------------------------------------------------------------------------------- */

/* Reads available bytes. Returns 0 or SCREEN_END. */
static int read_keys(struct screen *screen)
{
    struct screen_keys *keys = &screen->keys;
    ssize_t n = read(STDIN_FILENO, keys->bytes + keys->length, sizeof keys->bytes - keys->length);

    if (n > 0)
        keys->length += (size_t)n;
    else if (n == 0 || (errno != EINTR && errno != EAGAIN))
        return end_with(screen, 0, n < 0 && errno != EIO ? errno : 0);
    return 0;
}

static int wait_once(struct screen *screen, int fd, short events, int64_t deadline_ns)
{
    struct pollfd wanted[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = fd, .events = events}};
    int64_t left = deadline_left_ns(deadline_ns);
    struct timespec timeout = deadline_timespec(left);
    int n = ppoll(wanted, 2, left < 0 ? NULL : &timeout, &mask_waiting);
    int error = n < 0 && errno != EINTR ? errno : 0;
    int result = take_signal(screen);

    if (result != 0)
        return result;
    if (error)
        return end_with(screen, 0, error);
    if (n > 0 && wanted[0].revents)
        return read_keys(screen);
    if (n > 0)
        return SCREEN_READY;
    return n == 0 && deadline_left_ns(deadline_ns) == 0 ? SCREEN_TIMEOUT : 0;
}

int screen_wait(struct screen *screen, int fd, short events, int64_t deadline_ns)
{
    int64_t escape_ns = DEADLINE_NEVER;

    if (screen->error)
        return SCREEN_END;
    for (;;) {
        int key = screen_keys_next(&screen->keys), result;

        if (key >= 0)
            return key;
        if (key == KEY_PARTIAL && escape_ns == DEADLINE_NEVER)
            escape_ns = deadline_in(ESCAPE_NS);
        result = wait_once(screen, key == KEY_PARTIAL ? -1 : fd, events, deadline_sooner(deadline_ns, escape_ns));
        if (result == SCREEN_TIMEOUT && key == KEY_PARTIAL && deadline_left_ns(escape_ns) == 0)
            return screen_keys_give_up(&screen->keys);
        if (result != 0)
            return result;
    }
}

bool screen_has_key(const struct screen *screen)
{
    struct screen_keys keys = screen->keys;

    return screen_keys_next(&keys) >= 0;
}

/* ---- Drawing ---------------------------------------------------------------------------------------------------- */

void screen_begin(struct screen *screen)
{
    buffer_truncate(&screen->frame, 0);
    buffer_append_text(&screen->frame, screen->clear ? "\033[H\033[2J" : "\033[H");
    screen->clear = false;
    screen->row = 0;
}

void screen_line(struct screen *screen, enum screen_style style, const char *text)
{
    static const char *const styles[] = {[SCREEN_PLAIN] = "", [SCREEN_BOLD] = "\033[1m", [SCREEN_REVERSE] = "\033[7m"};
    size_t columns = (size_t)screen->columns, length = strlen(text);

    if (screen->row >= screen->rows)
        return;
    if (screen->row++ > 0)
        buffer_append_text(&screen->frame, "\r\n");
    if (screen->styled)
        buffer_append_text(&screen->frame, styles[style]);
    buffer_append(&screen->frame, text, length < columns ? length : columns);
    for (; screen->styled && style == SCREEN_REVERSE && length < columns; length++)
        buffer_append(&screen->frame, " ", 1);
    if (screen->styled && style != SCREEN_PLAIN)
        buffer_append_text(&screen->frame, "\033[0m");
    /* After a full row, some terminals would clear the last column. */
    if (length < columns)
        buffer_append_text(&screen->frame, "\033[K");
}

/* A signal ends the wait for a terminal that accepts no output; screen_wait then reports the signal. */
static ssize_t write_piece(const char *bytes, size_t length)
{
    struct pollfd terminal = {.fd = STDOUT_FILENO, .events = POLLOUT};
    sigset_t blocked;
    ssize_t n = -1;
    int error;

    if (ppoll(&terminal, 1, NULL, &mask_waiting) < 0)
        return -errno;
    sigprocmask(SIG_SETMASK, &mask_waiting, &blocked);
    if (has_arrived())
        errno = EINTR;
    else
        n = write(STDOUT_FILENO, bytes, length < PIECE_BYTES ? length : PIECE_BYTES);
    error = errno;
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    return n < 0 ? -error : n;
}

int screen_end(struct screen *screen)
{
    size_t sent = 0;

    while (screen->row < screen->rows)
        screen_line(screen, SCREEN_PLAIN, "");
    if (buffer_failed(&screen->frame))
        return -ENOMEM;
    while (sent < screen->frame.length && !has_arrived()) {
        ssize_t n = write_piece(buffer_bytes(&screen->frame) + sent, screen->frame.length - sent);

        if (n < 0 && n != -EINTR && n != -EAGAIN) {
            screen->signal_number = 0;
            screen->error = (int)-n;
            break;
        }
        sent += n > 0 ? (size_t)n : 0;
    }
    return 0;
}
