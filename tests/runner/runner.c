/* SPDX-License-Identifier: MIT */
#include "tests/runner/runner.h"

#include "tests/process.h"
#include "tests/runner/family.h"
#include "tests/runner/one_test.h"
#include "tests/runner/progress.h"
#include "tests/runner/skipped.h"
#include "tests/runner/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS_MAX    64
#define EXIT_USAGE  2
#define NAMES_SHOWN 400

struct tally {
    int checks, failures, errors;
};

struct run {
    const struct job *job;
    pid_t pid; /* 0: it has not started, or has ended */
    int64_t started_ns;
    int output; /* what the tests of the suite print */
    int report; /* what Check prints of the suite, its line of counts first */
    bool started;
};

struct batch {
    struct run *runs; /* in the order in which they start */
    size_t count;
    int parallel, running;
    struct tally total;
    FILE *failures; /* Check's lines, for the end */
    sigset_t signals, signals_before;
};

/* ---- Which jobs ------------------------------------------------------------------------------------------------- */

static bool has_test_case(const struct job *job, const char *name)
{
    Suite *suite = job->make();
    bool has = suite_tcase(suite, name) != 0;

    srunner_free(srunner_create(suite)); /* nothing else frees a suite */
    return has;
}

static bool is_of_patterns(const char *suite, const char *patterns)
{
    char *copy = strdup(patterns), *rest = NULL;
    bool is = false;

    for (char *pattern = strtok_r(copy, " ", &rest); pattern && !is; pattern = strtok_r(NULL, " ", &rest))
        is = fnmatch(pattern, suite, 0) == 0;
    free(copy);
    return is;
}

/* Says which pattern of CK_RUN_SUITE names no suite, if there is one. */
static bool names_no_suite(const struct job *jobs, size_t count)
{
    const char *suites = getenv("CK_RUN_SUITE");
    char *copy = strdup(suites ? suites : ""), *rest = NULL;
    bool is_unknown = false;

    for (char *pattern = strtok_r(copy, " ", &rest); pattern && !is_unknown; pattern = strtok_r(NULL, " ", &rest)) {
        size_t i = 0;

        while (i < count && fnmatch(pattern, jobs[i].suite, 0) != 0)
            i++;
        is_unknown = i == count;
        if (is_unknown)
            fprintf(stderr, "no suite is named '%s'\n", pattern);
    }
    free(copy);
    return is_unknown;
}

static bool is_wanted(const struct job *job)
{
    const char *suites = getenv("CK_RUN_SUITE"), *test_case = getenv("CK_RUN_CASE");

    if (suites && !is_of_patterns(job->suite, suites))
        return false;
    if (getenv("CK_RUN_TEST") && !one_test_is_in(job->make))
        return false;
    if (!test_case)
        return true;
    return job->test_case ? strcmp(test_case, job->test_case) == 0 : has_test_case(job, test_case);
}

/* The longest first, so that no long job is left at the end; those that run alone last. */
static int compare_runs(const void *a, const void *b)
{
    const struct job *left = ((const struct run *)a)->job, *right = ((const struct run *)b)->job;

    if (left->alone != right->alone)
        return left->alone ? 1 : -1;
    if (left->seconds != right->seconds)
        return right->seconds - left->seconds;
    return left < right ? -1 : left > right;
}

static int parallel_jobs(void)
{
    const char *text = getenv("JOBS");
    char *end;
    long number;

    if (!text || !*text)
        return (int)sysconf(_SC_NPROCESSORS_ONLN) + 1;
    number = strtol(text, &end, 10);
    if (*end || number < 1 || number > JOBS_MAX) {
        fprintf(stderr, "JOBS='%s': a number from 1 to %d\n", text, JOBS_MAX);
        exit(EXIT_USAGE);
    }
    return (int)number;
}

static int expected_seconds(const struct batch *batch)
{
    int together = 0, alone = 0, longest = 0;

    for (size_t i = 0; i < batch->count; i++) {
        const struct job *job = batch->runs[i].job;

        *(job->alone ? &alone : &together) += job->seconds;
        if (!job->alone && job->seconds > longest)
            longest = job->seconds;
    }
    together = (together + batch->parallel - 1) / batch->parallel;
    return alone + (together > longest ? together : longest);
}

static bool fork_is(const char *mode)
{
    const char *fork_mode = getenv("CK_FORK");

    return fork_mode && strcmp(fork_mode, mode) == 0;
}

static const char *name_of(const struct job *job)
{
    static char name[128];

    if (!job->test_case)
        return job->suite;
    snprintf(name, sizeof name, "%s:%s", job->suite, job->test_case);
    return name;
}

/* ---- One job ---------------------------------------------------------------------------------------------------- */

static int open_capture(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC);

    if (fd < 0) {
        perror("memfd_create");
        exit(EXIT_FAILURE);
    }
    return fd;
}

/* The process of a job: Check runs the suite, and prints its results where the runner reads them. */
static _Noreturn void be_job(const struct batch *batch, const struct run *run, pid_t parent)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    SRunner *runner;

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    setpgid(0, 0); /* what is typed on the terminal is for the runner, which ends its jobs in order */
    sigprocmask(SIG_SETMASK, &batch->signals_before, NULL);
    signal(SIGINT, SIG_DFL);
    dup2(null, STDIN_FILENO);
    dup2(run->output, STDOUT_FILENO);
    dup2(run->output, STDERR_FILENO);
    setenv("MINIMIO_SUITE", run->job->suite, 1);
    if (getenv("CK_RUN_SUITE"))
        setenv("CK_RUN_SUITE", run->job->suite, 1);
    runner = srunner_create(run->job->make());
    if (fork_is("suite") && !run->job->forks)
        srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run(runner, NULL, run->job->test_case, CK_SILENT);
    fflush(stdout);
    dup2(run->report, STDOUT_FILENO);
    srunner_print(runner, CK_NORMAL);
    fflush(stdout);
    srunner_free(runner);
    exit(EXIT_SUCCESS);
}

static void start_run(struct batch *batch, struct run *run)
{
    pid_t parent = getpid();

    run->output = open_capture("output");
    run->report = open_capture("report");
    run->started_ns = test_now_ns();
    run->started = true;
    fflush(NULL);
    run->pid = fork();
    if (run->pid == 0)
        be_job(batch, run, parent);
    if (run->pid < 0) {
        perror("fork");
        exit(EXIT_FAILURE);
    }
    batch->running++;
}

/* ---- What came of a job ----------------------------------------------------------------------------------------- */

static void copy(int from, FILE *to)
{
    char bytes[4096];
    ssize_t length;

    for (off_t offset = 0; (length = pread(from, bytes, sizeof bytes, offset)) > 0; offset += length)
        fwrite(bytes, 1, (size_t)length, to);
}

/* Check's first line has the counts, the others are its failures. A suite that died has left none. */
static struct tally read_report(struct batch *batch, const struct run *run, int status)
{
    struct tally tally = {0};
    FILE *report = fdopen(dup(run->report), "re");
    char *line = NULL;
    size_t room = 0;

    rewind(report);
    if (getline(&line, &room, report) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
        sscanf(line, "%*d%%: Checks: %d, Failures: %d, Errors: %d", &tally.checks, &tally.failures, &tally.errors) ==
            3) {
        while (getline(&line, &room, report) > 0)
            fputs(line, batch->failures);
    } else {
        tally = (struct tally){.checks = 1, .errors = 1};
        fprintf(batch->failures, "%s:0:E:%s:suite:0: the suite's own process ended with %s %d\n", __FILE__,
                name_of(run->job), WIFSIGNALED(status) ? "signal" : "status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    free(line);
    fclose(report);
    return tally;
}

static void show_failed(const struct run *run)
{
    progress_clear();
    printf("---- %s failed; its output:\n", name_of(run->job));
    copy(run->output, stdout);
    copy(run->report, stdout);
    printf("---- end of %s\n", name_of(run->job));
}

static double processor_seconds(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

static void end_run(struct batch *batch, struct run *run, int status, const struct rusage *usage)
{
    struct tally tally = read_report(batch, run, status);
    char result[64];
    int failed = tally.failures + tally.errors;

    if (failed > 0)
        show_failed(run);
    snprintf(result, sizeof result, "%d check%s%s", tally.checks, tally.checks == 1 ? "" : "s",
             failed > 0 ? ", FAILED" : "");
    progress_ended(name_of(run->job), result, test_now_ns() - run->started_ns, processor_seconds(usage));
    batch->total.checks += tally.checks;
    batch->total.failures += tally.failures;
    batch->total.errors += tally.errors;
    batch->running--;
    run->pid = 0;
    close(run->output);
    close(run->report);
}

/* ---- All of them ------------------------------------------------------------------------------------------------ */

static void start_next(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct run *run = &batch->runs[i];

        if (run->started)
            continue;
        if (batch->running >= (run->job->alone ? 1 : batch->parallel))
            return;
        start_run(batch, run);
    }
}

/* Orphans of the tests are children of this process too. */
static void reap(struct batch *batch)
{
    struct rusage usage;
    int status;
    pid_t pid;

    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0)
        for (size_t i = 0; i < batch->count; i++)
            if (batch->runs[i].pid == pid)
                end_run(batch, &batch->runs[i], status, &usage);
}

static void tick(const struct batch *batch)
{
    char names[NAMES_SHOWN] = "";
    size_t length = 0;

    for (size_t i = 0; i < batch->count && length < sizeof names; i++) {
        const struct run *run = &batch->runs[i];

        if (run->pid > 0)
            length += (size_t)snprintf(names + length, sizeof names - length, "%s%s (%d s)", length > 0 ? ", " : "",
                                       name_of(run->job), (int)((test_now_ns() - run->started_ns) / 1000000000));
    }
    progress_tick(names);
}

/* Check ends the tests of a job that is told to end. */
static void end_early(const struct batch *batch, int signal_number)
{
    progress_clear();
    printf("\n%s: ending %d suite%s\n", strsignal(signal_number), batch->running, batch->running == 1 ? "" : "s");
    fflush(stdout);
    for (size_t i = 0; i < batch->count; i++)
        if (batch->runs[i].pid > 0)
            kill(batch->runs[i].pid, SIGTERM);
    family_end(&batch->signals);
}

/* Returns 0, or the signal that has ended the run. */
static int run_batch(struct batch *batch)
{
    static const struct timespec second = {1, 0};

    for (start_next(batch); batch->running > 0; start_next(batch)) {
        int signal_number = sigtimedwait(&batch->signals, NULL, &second);

        if (signal_number > 0 && signal_number != SIGCHLD) {
            end_early(batch, signal_number);
            return signal_number;
        }
        reap(batch);
        tick(batch);
    }
    progress_clear();
    family_end(&batch->signals);
    return 0;
}

/* What the shell that started the run in the background ignores must end it nevertheless. */
static void block_signals(struct batch *batch)
{
    static const int numbers[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT};

    sigemptyset(&batch->signals);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaddset(&batch->signals, numbers[i]);
        signal(numbers[i], SIG_DFL);
    }
    sigprocmask(SIG_BLOCK, &batch->signals, &batch->signals_before);
}

/* Each descendant has been waited for: the runner is the subreaper. */
static void print_time(int64_t started_ns)
{
    struct rusage usage;

    getrusage(RUSAGE_CHILDREN, &usage);
    printf("All of them: %.0f s, %.0f s of processor time\n", (double)(test_now_ns() - started_ns) / 1e9,
           processor_seconds(&usage));
}

static void print_totals(const struct batch *batch)
{
    const struct tally *total = &batch->total;
    int failed = total->failures + total->errors;
    int percent = total->checks == 0 ? 100 : (int)((total->checks - failed) * 100L / total->checks);

    rewind(batch->failures);
    copy(fileno(batch->failures), stdout);
    printf("%d%%: Checks: %d, Failures: %d, Errors: %d\n", percent, total->checks, total->failures, total->errors);
    fflush(stdout);
}

static int run_side_by_side(struct batch *batch)
{
    const char *temporary = temporary_make();
    int64_t started_ns = test_now_ns();
    char skips[PATH_MAX];
    int signal_number;

    snprintf(skips, sizeof skips, "%s/skips", temporary);
    setenv("MINIMIO_SKIP_LOG", skips, 1);
    batch->failures = tmpfile();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    block_signals(batch);
    progress_start(batch->count, batch->parallel, expected_seconds(batch));
    signal_number = run_batch(batch);
    if (signal_number == 0) {
        print_time(started_ns);
        print_skipped(skips);
        print_totals(batch);
    }
    fclose(batch->failures);
    temporary_remove();
    if (signal_number != 0)
        return 128 + signal_number;
    return batch->total.failures + batch->total.errors == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- One process ------------------------------------------------------------------------------------------------ */

static bool is_for_one_process(void)
{
    return fork_is("no") || getenv("CK_LOG_FILE_NAME") || getenv("CK_XML_LOG_FILE_NAME") ||
           getenv("CK_TAP_LOG_FILE_NAME");
}

static int run_in_one_process(const struct batch *batch)
{
    SRunner *runner = srunner_create(NULL);
    const struct job *last = NULL;
    int failed;

    for (size_t i = 0; i < batch->count; i++) {
        const struct job *job = batch->runs[i].job;

        if (!last || job->make != last->make)
            srunner_add_suite(runner, job->make());
        last = job;
    }
    temporary_make();
    unsetenv("CK_RUN_SUITE"); /* Check would compare it with their names */
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    temporary_remove();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int run_jobs(const struct job *jobs, size_t count)
{
    struct batch batch = {.runs = calloc(count, sizeof *batch.runs), .parallel = parallel_jobs()};
    const char *test_case = getenv("CK_RUN_CASE"), *test = getenv("CK_RUN_TEST");
    int status;

    for (size_t i = 0; i < count; i++)
        if (is_wanted(&jobs[i]))
            batch.runs[batch.count++].job = &jobs[i];
    if (names_no_suite(jobs, count)) {
        status = EXIT_USAGE;
    } else if (batch.count == 0) {
        fprintf(stderr, "no suite of these has the test%s '%s'\n", test ? "" : " case", test ? test : test_case);
        status = EXIT_USAGE;
    } else if (is_for_one_process()) {
        status = run_in_one_process(&batch);
    } else {
        qsort(batch.runs, batch.count, sizeof *batch.runs, compare_runs);
        status = run_side_by_side(&batch);
    }
    free(batch.runs);
    return status;
}
