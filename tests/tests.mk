# The tests: their programs, and every target that runs tests. `make help` lists the targets, CONTRIBUTING.md describes them.

.PHONY: tests clients check check-32 check-musl soak faults faults-results check-valgrind coverage mutation check-kqueue \
	check-headers

# ---- The programs -----------------------------------------------------------------------------------------------------

TEST_SOURCES = $(wildcard tests/*.c tests/runner/*.c tests/unit/*.c tests/library/*.c tests/daemon/*.c tests/client/*.c \
	tests/fairness/*.c tests/names/*.c tests/faults/*.c tests/installed/*.c tests/rooms/*.c tests/systemd/*.c)
# Unit tests link every room of the daemon; main.c and the process that looks up names are programs.
TESTED_DAEMON_SOURCES = $(filter-out daemon/main.c,$(DAEMON_SOURCES))
# KQUEUE_LIKE=FREEBSD, MACOS or OLD_NETBSD: the kqueue backend on Linux, over the kqueue of tests/kqueue.
KQUEUE_TEST_SOURCES = $(wildcard tests/kqueue/*.c tests/library/*.c) tests/fail_alloc.c tests/skip.c

$(BUILD)/obj/tests/%.o: EXTRA_CFLAGS = $(call pkg_cflags,check)
$(BUILD)/obj/tests/unit/service.o $(BUILD)/obj/tests/daemon/keeping.o $(BUILD)/obj/tests/systemd/suite.o: \
	EXTRA_CFLAGS = $(call pkg_cflags,check) $(systemd_cflags)

# CK_RUN_TEST: tests/runner/one_test.c chooses among the tests that are added.
$(BUILD)/tests/all $(BUILD)/tests/runner_sample: ALL_LDFLAGS += -Wl,--wrap=_tcase_add_test

# One program holds every suite, so that a run closes with one line of Check's. Suites see the private headers.
$(BUILD)/tests/all: $(call objects,$(TEST_SOURCES) $(TESTED_DAEMON_SOURCES) $(NAMES_SOURCES)) $(CLIENT_LIBRARY) $(PROTO) $(LIBRARY)
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg_libs,check libcjson inih) $(systemd_libs) -ldl

# The runner of the tests with suites that fail, for its own tests.
RUNNER_SOURCES = $(addprefix tests/,process.c skip.c) $(filter-out %/suite.c,$(wildcard tests/runner/*.c))
$(BUILD)/tests/runner_sample: $(call objects,$(RUNNER_SOURCES) tests/runner/sample/main.c)
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg_libs,check)

# A sanitizer has the allocator to itself, so there it is not built. fail_at.so knows glibc's second names of its allocator.
tests: $(BUILD)/tests/all $(BUILD)/tests/runner_sample $(BUILD)/tests/name_server.so $(BUILD)/tests/rubbish.so fuzz-programs \
	$(if $(SANITIZE),,$(BUILD)/tests/fail_every.so $(if $(MUSL),,$(BUILD)/tests/fail_at.so))

# What is preloaded is not what is tested: no sanitizer looks at it.
$(BUILD)/obj/tests/preload/%.o $(BUILD)/tests/%.so: override SANITIZE =

$(BUILD)/tests/%.so: $(BUILD)/obj/tests/preload/%.o
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -shared -o $@ $^

# Every close tells the kqueue, which the kernel does for its own.
$(BUILD)/tests/kqueue: $(call objects,$(KQUEUE_TEST_SOURCES)) $(LIBRARY)
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -Wl,--wrap=close -o $@ $^ $(call pkg_libs,check) -ldl

# What `make install` puts, for the boxes of tests/systemd.
STAGED = $(BUILD)/tests/staged
$(STAGED).made: $(PROGRAMS) $(LIBRARY) $(CLIENT_LIBRARY) $(BUILD)/$(SHARED) $(BUILD)/libminimio-client.so.$(VERSION) \
		$(COMPLETIONS) $(wildcard man/*.[0-9] systemd/* examples/*.c examples/*/*) daemon/minimiod.conf.example \
		scripts/install.sh scripts/man_names.sh libminimio/minimio.pc.in client/lib/minimio-client.pc.in
	@rm -rf $(STAGED)
	@$(MAKE) --no-print-directory DESTDIR=$(STAGED) install
	@touch $@

-include $(patsubst %.o,%.d,$(call objects,$(TEST_SOURCES) $(KQUEUE_TEST_SOURCES) tests/runner/sample/main.c))

# ---- The runs ---------------------------------------------------------------------------------------------------------

check:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh build check)
	@$(MAKE) --no-print-directory build tests
	@$(if $(M32),CC='$(CC)' CXX='c++ -m32') tests/run.sh $(BUILD)

# Every test of a build for 32-bit x86. A kernel may run no 32-bit programs, as in confidential virtual machines: there all
# is compiled and linked.
RUNS_32 = echo 'int main(void) { return 0; }' | $(CC) -m32 -x c -o build/32/runs - && build/32/runs 2>/dev/null
check-32:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh build check m32)
	@scripts/sysroot-32.sh build/32/root
	@if $(RUNS_32); then \
		$(MAKE) --no-print-directory M32=1 WERROR=1 DEPS=no check; \
	else \
		$(MAKE) --no-print-directory M32=1 WERROR=1 DEPS=no library $(addprefix build/32/,minimiod minimioctl tests/all) && \
		echo 'check-32: skipped: this kernel runs no 32-bit programs; all of them compile and link'; \
	fi

# Every test of a build with musl, which has no systemd.
check-musl:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh build check musl)
	@scripts/sysroot-musl.sh build/musl/root
	@$(MAKE) --no-print-directory MUSL=1 WERROR=1 DEPS=no check

# Each allocation and each system call of the programs fails in turn; `check` has a sample of it.
faults:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh build check)
	@$(MAKE) --no-print-directory build tests
	@python3 tests/faults/run.py $(BUILD) --whole --json $(BUILD)/faults.json --table $(BUILD)/faults.md

# The page of it that is kept with the sources.
faults-results: faults
	@cp $(BUILD)/faults.md tests/faults/RESULTS.md

# Many clients that come and die, for ten minutes, or MINIMIO_SOAK_S seconds.
soak:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh build check)
	@$(MAKE) --no-print-directory build
	@MINIMIO_BUILD=$(BUILD) MINIMIO_LONG=1 tests/model/run.sh soak

# Every test, with the daemon under valgrind.
check-valgrind:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh build check ci)
	@$(MAKE) --no-print-directory build tests
	@tests/run.sh $(BUILD) --valgrind

# How much of the code the tests run. gcc knows execv only in gnu11, and then writes the counters before it.
COVERAGE = $(BUILD)/coverage
coverage:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh build check coverage)
	@$(MAKE) --no-print-directory CC=gcc BUILD=$(COVERAGE) $(COVERAGE_FLAGS) build tests
	@$(MAKE) --no-print-directory CC=gcc BUILD=$(COVERAGE)/kqueue $(COVERAGE_FLAGS) KQUEUE_LIKE=MACOS \
		$(COVERAGE)/kqueue/tests/kqueue
	@tests/coverage/run.sh $(COVERAGE)

COVERAGE_FLAGS = CFLAGS='-std=gnu11 -O0 -g --coverage' LDFLAGS=--coverage

# How much of what is broken on purpose the tests notice.
MUTANTS ?= 200
SEED ?= 1
mutation:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh build check)
	@nice tests/mutation/mutate.py --count $(MUTANTS) --seed $(SEED) --build $(BUILD)

# The library's tests over its kqueue backend, for each kind of kqueue. VALGRIND=1: under valgrind.
check-kqueue:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh build check $(if $(VALGRIND),ci))
	@for like in FREEBSD MACOS OLD_NETBSD; do \
		build=$(BUILD)/kqueue/$$like; \
		$(MAKE) --no-print-directory KQUEUE_LIKE=$$like BUILD=$$build $$build/tests/kqueue || exit 1; \
	done
	@tests/kqueue/run.sh $(BUILD) $(if $(VALGRIND),--valgrind)

# The kqueue backend against the headers and C libraries of its platforms. No C flags but those every build has.
check-headers:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh headers)
	@DEPS=$(DEPS) CFLAGS='-std=c11 $(WARNINGS) -D_GNU_SOURCE -I. -O1' \
		LINUX_SOURCES='$(PORTABLE_SOURCES) $(NAMES_SOURCES) $(EPOLL_SOURCES)' \
		scripts/check-headers.sh $(BUILD)/headers tests/headers/program.c $(PORTABLE_SOURCES) names/lookup_plain.c \
		$(KQUEUE_SOURCES)

# The JSON-RPC libraries of others that the daemon is tried with; `check` skips those that are not there.
clients: build/clients/node_modules/.package-lock.json

build/clients/node_modules/.package-lock.json: tests/clients/package.json tests/clients/package-lock.json
	@mkdir -p build/clients
	@cp $^ build/clients
	$(call quiet,NPM) cd build/clients && npm ci --silent --no-audit --no-fund --ignore-scripts && touch $(@:build/clients/%=%)
