# minimio: build, demo, check, bench, install. `make help` lists the targets.
#
#   SANITIZE=address,undefined   or =thread: the same build with sanitizers, in a build folder of its own
#   WERROR=1                     warnings are errors
#   DEPS=no                      install nothing; what is missing is then the compiler's to say
#   PREFIX= DESTDIR=             for install
#   V=1                          show the commands

VERSION = 0.1.0
SOVERSION = 0
PREFIX ?= /usr/local
COMMA := ,
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

LIBRARY_SOURCES = $(filter-out %_windows.c,$(wildcard libminimio/*.c))
PROTO_SOURCES = $(wildcard proto/*.c)
DAEMON_SOURCES = $(wildcard daemon/*.c)
CLIENT_SOURCES = $(wildcard client/*.c)
TEST_SOURCES = $(wildcard tests/*.c tests/unit/*.c tests/library/*.c tests/daemon/*.c tests/client/*.c)
EXAMPLE_SOURCES = $(wildcard examples/*.c)
BENCH_SOURCES = $(wildcard bench/*.c)

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIBRARY = $(BUILD)/libminimio.a
PROTO = $(BUILD)/obj/proto.a
PROGRAMS = $(BUILD)/minimiod $(BUILD)/minimioctl
EXAMPLES = $(patsubst %.c,$(BUILD)/%,$(EXAMPLE_SOURCES))
BENCHES = $(patsubst %.c,$(BUILD)/%,$(BENCH_SOURCES))
PRODUCT_PACKAGES = libcjson libcares libbsd

.PHONY: all build tests deps demo check check-valgrind bench benches install clean help
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
	@echo 'make windows    build the library for Windows into $(WINDOWS)'
	@echo 'make check-windows  run its tests under wine'
	@echo 'make bench      measure it'
	@echo 'make install    install under DESTDIR and PREFIX ($(PREFIX))'
	@echo 'make deps       install what the build needs'
	@echo 'make clean      remove $(BUILD)'

deps:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh build)

build: $(PROGRAMS) $(LIBRARY) $(BUILD)/libminimio.so $(EXAMPLES)

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call quiet,CC) $(CC) $(ALL_CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/tests/%.o: EXTRA_CFLAGS = $(call pkg_cflags,check)

$(LIBRARY): $(call objects,$(LIBRARY_SOURCES))
	@rm -f $@
	$(call quiet,AR) $(AR) rcs $@ $^

$(PROTO): $(call objects,$(PROTO_SOURCES))
	@rm -f $@
	$(call quiet,AR) $(AR) rcs $@ $^

$(BUILD)/libminimio.so: $(BUILD)/libminimio.so.$(SOVERSION)
	$(call quiet,LN) ln -sf $(<F) $@

$(BUILD)/libminimio.so.$(SOVERSION): $(call objects,$(LIBRARY_SOURCES)) libminimio/minimio.map
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,$(@F) -Wl,--version-script,libminimio/minimio.map -o $@ $(filter %.o,$^)

$(BUILD)/minimiod: $(call objects,$(DAEMON_SOURCES)) $(PROTO) $(LIBRARY)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg_libs,libcjson libcares)

$(BUILD)/minimioctl: $(call objects,$(CLIENT_SOURCES)) $(PROTO) $(LIBRARY)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg_libs,libcjson)

$(BUILD)/examples/%: $(BUILD)/obj/examples/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^

-include $(patsubst %.o,%.d,$(call objects,$(LIBRARY_SOURCES) $(PROTO_SOURCES) $(DAEMON_SOURCES) $(CLIENT_SOURCES) \
	$(TEST_SOURCES) $(EXAMPLE_SOURCES) $(BENCH_SOURCES)))

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

benches: $(BENCHES)

$(BUILD)/bench/%: $(BUILD)/obj/bench/%.o $(PROTO) $(LIBRARY)
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg_libs,libcjson)

# One program holds every suite, so that a run closes with one line of Check's. Suites see the private headers.
$(BUILD)/tests/all: $(call objects,$(TEST_SOURCES)) $(PROTO) $(LIBRARY)
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg_libs,check libcjson)

bindir = $(DESTDIR)$(PREFIX)/bin
libdir = $(DESTDIR)$(PREFIX)/lib
includedir = $(DESTDIR)$(PREFIX)/include
mandir = $(DESTDIR)$(PREFIX)/share/man

install: all
	install -d $(bindir) $(libdir)/pkgconfig $(includedir) $(mandir)/man1 $(mandir)/man8
	install -m 755 $(PROGRAMS) $(bindir)
	install -m 644 $(LIBRARY) $(libdir)
	install -m 755 $(BUILD)/libminimio.so.$(SOVERSION) $(libdir)
	ln -sf libminimio.so.$(SOVERSION) $(libdir)/libminimio.so
	install -m 644 libminimio/minimio.h $(includedir)
	sed -e 's,@PREFIX@,$(PREFIX),' -e 's,@VERSION@,$(VERSION),' libminimio/minimio.pc.in >$(libdir)/pkgconfig/minimio.pc
	install -m 644 man/minimioctl.1 $(mandir)/man1
	install -m 644 man/minimiod.8 $(mandir)/man8

# A sanitizer has the allocator to itself, so there it is not built.
tests: $(BUILD)/tests/all $(if $(SANITIZE),,$(BUILD)/tests/fail_every.so)

$(BUILD)/tests/fail_every.so: $(BUILD)/obj/tests/preload/fail_every.o
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -shared -o $@ $^

include windows.mk

clean:
	rm -rf $(BUILD)
