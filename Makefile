# minimio: build, demo, check, bench, install. `make help` lists the targets.
#
#   SANITIZE=address,undefined   or =thread: the same build with sanitizers, in a build folder of its own
#   WERROR=1                     warnings are errors
#   DEPS=no                      install nothing; what is missing is then the compiler's to say
#   BENCH=NAME                   for bench: that one alone
#   PREFIX= DESTDIR=             for install
#   V=1                          show the commands

VERSION = 0.1.0
SONAME = libminimio.so.0
PREFIX ?= /usr/local
COMMA := ,
OBJCOPY ?= objcopy
BUILD ?= build$(if $(SANITIZE),/$(subst $(COMMA),-,$(SANITIZE)))

quiet = $(if $(V),,@printf '  %-4s %s\n' $(1) $@ &&)

WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wwrite-strings
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=c11 $(WARNINGS) $(if $(WERROR),-Werror) -D_GNU_SOURCE -DMINIMIO_VERSION='"$(VERSION)"' -I. -pthread \
	-fPIC -fvisibility=hidden $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all) \
	$(CFLAGS)
ALL_LDFLAGS = -pthread $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)

# Expanded in recipes only, after `deps` has seen to pkg-config and what it is asked for.
pkg_cflags = $(shell pkg-config --cflags $(1))
pkg_libs = $(shell pkg-config --libs $(1))

# Where there is no systemd the daemon is built without: service.c says what is then missing.
HAVE_SYSTEMD = $(shell pkg-config --exists libsystemd && echo yes)

LIBRARY_SOURCES = $(wildcard libminimio/*.c)
PROTO_SOURCES = $(wildcard proto/*.c)
DAEMON_SOURCES = $(wildcard daemon/*.c)
CLIENT_SOURCES = $(wildcard client/*.c)
TEST_SOURCES = $(wildcard tests/*.c tests/unit/*.c tests/library/*.c tests/daemon/*.c tests/client/*.c \
	tests/installed/*.c)
TESTED_DAEMON_SOURCES = $(addprefix daemon/,address.c descriptors.c durable_names.c escape.c ledger.c log.c \
	name_servers.c policy.c rules.c)
EXAMPLE_SOURCES = $(wildcard examples/*.c)
LIBRARY_BENCH_SOURCES = $(wildcard bench/library/*.c)
DAEMON_BENCH_SOURCES = $(wildcard bench/daemon/*.c)

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIBRARY = $(BUILD)/libminimio.a
PROTO = $(BUILD)/obj/proto.a
PROGRAMS = $(BUILD)/minimiod $(BUILD)/minimioctl
EXAMPLES = $(patsubst %.c,$(BUILD)/%,$(EXAMPLE_SOURCES))
BENCHES = $(BUILD)/bench/library $(BUILD)/bench/daemon
PRODUCT_PACKAGES = libcjson libcares libbsd inih

.PHONY: all build tests deps demo check check-valgrind bench bench-results benches install clean help
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

all: deps
	@$(MAKE) --no-print-directory build

help:
	@echo 'make            build everything into $(BUILD)'
	@echo 'make demo       see it at work'
	@echo 'make check      run every test'
	@echo 'make check-valgrind  run the daemon through its tests under valgrind'
	@echo 'make bench      measure it; make bench-results writes bench/RESULTS.md'
	@echo 'make install    install under DESTDIR and PREFIX ($(PREFIX))'
	@echo 'make deps       install what the build needs'
	@echo 'make clean      remove $(BUILD)'

deps:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh build)

build: $(PROGRAMS) $(LIBRARY) $(BUILD)/libminimio.so $(BUILD)/$(SONAME) $(EXAMPLES)

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call quiet,CC) $(CC) $(ALL_CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/tests/%.o: EXTRA_CFLAGS = $(call pkg_cflags,check)
# The examples include <minimio.h>, as any program does.
$(BUILD)/obj/examples/%.o: EXTRA_CFLAGS = -Ilibminimio
$(BUILD)/obj/bench/library/%.o: EXTRA_CFLAGS = $(call pkg_cflags,libevent_core libuv)

$(BUILD)/obj/daemon/service.o: EXTRA_CFLAGS = $(if $(HAVE_SYSTEMD),-DHAVE_SYSTEMD $(call pkg_cflags,libsystemd))

# In an object for link-time optimization no symbol can be made local.
$(BUILD)/obj/libminimio/%.o: EXTRA_CFLAGS = -fno-lto

# One object of them all, in which the library's own symbols are local: a program that links it may use any other name.
$(BUILD)/obj/libminimio.o: $(call objects,$(LIBRARY_SOURCES))
	$(call quiet,LD) $(CC) -r -nostdlib -o $@.all $^ && $(OBJCOPY) --localize-hidden $@.all $@ && rm $@.all

$(LIBRARY): $(BUILD)/obj/libminimio.o
	@rm -f $@
	$(call quiet,AR) $(AR) rcs $@ $^

$(PROTO): $(call objects,$(PROTO_SOURCES))
	@rm -f $@
	$(call quiet,AR) $(AR) rcs $@ $^

$(BUILD)/libminimio.so $(BUILD)/$(SONAME): $(BUILD)/libminimio.so.$(VERSION)
	$(call quiet,LN) ln -sf $(<F) $@

$(BUILD)/libminimio.so.$(VERSION): $(call objects,$(LIBRARY_SOURCES)) libminimio/minimio.map
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,--version-script,libminimio/minimio.map -o $@ $(filter %.o,$^)

$(BUILD)/minimiod: $(call objects,$(DAEMON_SOURCES)) $(PROTO) $(LIBRARY)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg_libs,libcjson libcares inih $(if $(HAVE_SYSTEMD),libsystemd))

$(BUILD)/minimioctl: $(call objects,$(CLIENT_SOURCES)) $(PROTO) $(LIBRARY)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg_libs,libcjson)

$(BUILD)/examples/%: $(BUILD)/obj/examples/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^

-include $(patsubst %.o,%.d,$(call objects,$(LIBRARY_SOURCES) $(PROTO_SOURCES) $(DAEMON_SOURCES) $(CLIENT_SOURCES) \
	$(TEST_SOURCES) $(EXAMPLE_SOURCES) $(LIBRARY_BENCH_SOURCES) $(DAEMON_BENCH_SOURCES)))

demo: deps
	@$(MAKE) --no-print-directory build
	@examples/demo.sh $(BUILD)

check:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh build check)
	@$(MAKE) --no-print-directory build tests
	@tests/run.sh $(BUILD)

# Every test, with the daemon under valgrind.
check-valgrind:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh build check ci)
	@$(MAKE) --no-print-directory build tests
	@tests/run.sh $(BUILD) --valgrind

bench:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh build bench)
	@$(MAKE) --no-print-directory build benches
	@bench/run.sh $(BUILD)

# The page of figures that is kept with the sources.
bench-results:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh build bench)
	@$(MAKE) --no-print-directory build benches
	@bench/results.sh $(BUILD) >$(BUILD)/RESULTS.md && mv $(BUILD)/RESULTS.md bench/RESULTS.md

benches: $(BENCHES)

# The libraries that libminimio is measured beside are linked here and nowhere else. libev has no pkg-config file, and
# imitates libevent's functions, which must come from libevent: it comes last.
$(BUILD)/bench/library: $(call objects,$(LIBRARY_BENCH_SOURCES)) $(LIBRARY)
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg_libs,libevent_core libuv) -lev

# It starts the daemon and speaks to it, and has none of its code.
$(BUILD)/bench/daemon: $(call objects,$(DAEMON_BENCH_SOURCES)) $(BUILD)/minimiod
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^)

# One program holds every suite, so that a run closes with one line of Check's. Suites see the private headers.
$(BUILD)/tests/all: $(call objects,$(TEST_SOURCES) $(TESTED_DAEMON_SOURCES)) $(PROTO) $(LIBRARY)
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg_libs,check libcjson)

bindir = $(DESTDIR)$(PREFIX)/bin
libdir = $(DESTDIR)$(PREFIX)/lib
includedir = $(DESTDIR)$(PREFIX)/include
mandir = $(DESTDIR)$(PREFIX)/share/man
docdir = $(DESTDIR)$(PREFIX)/share/doc/minimio

install: all
	install -d $(bindir) $(libdir)/pkgconfig $(includedir) $(docdir) $(addprefix $(mandir)/man,1 3 5 8)
	install -m 755 $(PROGRAMS) $(bindir)
	install -m 644 $(LIBRARY) $(libdir)
	install -m 755 $(BUILD)/libminimio.so.$(VERSION) $(libdir)
	ln -sf libminimio.so.$(VERSION) $(libdir)/$(SONAME)
	ln -sf $(SONAME) $(libdir)/libminimio.so
	install -m 644 libminimio/minimio.h $(includedir)
	sed -e 's,@PREFIX@,$(PREFIX),' -e 's,@VERSION@,$(VERSION),' libminimio/minimio.pc.in >$(libdir)/pkgconfig/minimio.pc
	install -m 644 man/minimioctl.1 $(mandir)/man1
	install -m 644 $(wildcard man/*.3) $(mandir)/man3
	install -m 644 man/minimiod.conf.5 $(mandir)/man5
	install -m 644 man/minimiod.8 $(mandir)/man8
	install -m 644 daemon/minimiod.conf.example $(docdir)
	scripts/man_names.sh man/*.3 | while read -r name page; do ln -sf "$$page" "$(mandir)/man3/$$name.3"; done

# A sanitizer has the allocator to itself, so there it is not built.
tests: $(BUILD)/tests/all $(if $(SANITIZE),,$(BUILD)/tests/fail_every.so)

$(BUILD)/tests/fail_every.so: $(BUILD)/obj/tests/preload/fail_every.o
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -shared -o $@ $^

clean:
	rm -rf $(BUILD)
