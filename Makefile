# minimio: build, demo, check, bench, install. `make help` lists the targets.
#
#   SANITIZE=address,undefined   or =thread: the same build with sanitizers, in a build folder of its own
#   WERROR=1                     warnings are errors
#   DEPS=no                      install nothing; what is missing is then the compiler's to say
#   PREFIX= DESTDIR=             for install
#   V=1                          show the commands

VERSION = 0.1.0
SONAME = libminimio.so.0
CLIENT_SONAME = libminimio-client.so.0
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
# The client library; deadline.c is in both, as nothing of it is exported.
CLIENT_LIBRARY_SOURCES = $(wildcard client/client*.c) client/line_reader.c client/deadline.c
CTL_SOURCES = $(filter-out $(wildcard client/client*.c) client/line_reader.c,$(wildcard client/*.c))
TEST_SOURCES = $(wildcard tests/*.c tests/unit/*.c tests/library/*.c tests/daemon/*.c tests/client/*.c \
	tests/installed/*.c)
TESTED_DAEMON_SOURCES = daemon/policy.c daemon/ledger.c daemon/durable_names.c
EXAMPLE_SOURCES = $(wildcard examples/*.c)
BENCH_SOURCES = $(wildcard bench/*.c)

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIBRARY = $(BUILD)/libminimio.a
CLIENT_LIBRARY = $(BUILD)/libminimio-client.a
PROTO = $(BUILD)/obj/proto.a
PROGRAMS = $(BUILD)/minimiod $(BUILD)/minimioctl
EXAMPLES = $(patsubst %.c,$(BUILD)/%,$(EXAMPLE_SOURCES))
BENCHES = $(patsubst %.c,$(BUILD)/%,$(BENCH_SOURCES))
COMPLETIONS = $(BUILD)/completions/minimioctl.bash $(BUILD)/completions/minimioctl.zsh $(BUILD)/completions/minimioctl.fish
PRODUCT_PACKAGES = libcjson libcares libbsd smartcols

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
	@echo 'make bench      measure it'
	@echo 'make install    install under DESTDIR and PREFIX ($(PREFIX))'
	@echo 'make deps       install what the build needs'
	@echo 'make clean      remove $(BUILD)'

deps:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh build)

build: $(PROGRAMS) $(LIBRARY) $(BUILD)/libminimio.so $(BUILD)/$(SONAME) $(EXAMPLES) \
	$(CLIENT_LIBRARY) $(BUILD)/libminimio-client.so $(BUILD)/$(CLIENT_SONAME) $(COMPLETIONS)

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call quiet,CC) $(CC) $(ALL_CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/tests/%.o: EXTRA_CFLAGS = $(call pkg_cflags,check)
# The examples include <minimio.h>, as any program does.
$(BUILD)/obj/examples/%.o: EXTRA_CFLAGS = -Ilibminimio

$(BUILD)/obj/daemon/service.o: EXTRA_CFLAGS = $(if $(HAVE_SYSTEMD),-DHAVE_SYSTEMD $(call pkg_cflags,libsystemd))

# In an object for link-time optimization no symbol can be made local.
$(BUILD)/obj/libminimio/%.o: EXTRA_CFLAGS = -fno-lto
$(BUILD)/obj/proto/%.o: EXTRA_CFLAGS = -fno-lto
$(call objects,$(CLIENT_LIBRARY_SOURCES)): EXTRA_CFLAGS = -fno-lto

# One object of them all, in which the library's own symbols are local: a program that links it may use any other name.
$(BUILD)/obj/libminimio.o: $(call objects,$(LIBRARY_SOURCES))
	$(call quiet,LD) $(CC) -r -nostdlib -o $@.all $^ && $(OBJCOPY) --localize-hidden $@.all $@ && rm $@.all

$(LIBRARY): $(BUILD)/obj/libminimio.o
	@rm -f $@
	$(call quiet,AR) $(AR) rcs $@ $^

# Likewise, with what it uses of proto.
$(BUILD)/obj/libminimio-client.o: $(call objects,$(CLIENT_LIBRARY_SOURCES)) $(PROTO)
	$(call quiet,LD) $(CC) -r -nostdlib -o $@.all $^ && $(OBJCOPY) --localize-hidden $@.all $@ && rm $@.all

$(CLIENT_LIBRARY): $(BUILD)/obj/libminimio-client.o
	@rm -f $@
	$(call quiet,AR) $(AR) rcs $@ $^

$(BUILD)/libminimio-client.so $(BUILD)/$(CLIENT_SONAME): $(BUILD)/libminimio-client.so.$(VERSION)
	$(call quiet,LN) ln -sf $(<F) $@

$(BUILD)/libminimio-client.so.$(VERSION): $(call objects,$(CLIENT_LIBRARY_SOURCES)) $(PROTO) client/minimio-client.map
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,$(CLIENT_SONAME) \
		-Wl,--version-script,client/minimio-client.map -o $@ $(filter %.o %.a,$^)

$(PROTO): $(call objects,$(PROTO_SOURCES))
	@rm -f $@
	$(call quiet,AR) $(AR) rcs $@ $^

$(BUILD)/libminimio.so $(BUILD)/$(SONAME): $(BUILD)/libminimio.so.$(VERSION)
	$(call quiet,LN) ln -sf $(<F) $@

$(BUILD)/libminimio.so.$(VERSION): $(call objects,$(LIBRARY_SOURCES)) libminimio/minimio.map
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,--version-script,libminimio/minimio.map -o $@ $(filter %.o,$^)

$(BUILD)/minimiod: $(call objects,$(DAEMON_SOURCES)) $(PROTO) $(LIBRARY)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg_libs,libcjson libcares $(if $(HAVE_SYSTEMD),libsystemd))

$(BUILD)/minimioctl: $(call objects,$(CTL_SOURCES)) $(CLIENT_LIBRARY) $(PROTO) $(LIBRARY)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg_libs,libcjson smartcols)

$(BUILD)/completions/minimioctl.%: $(BUILD)/minimioctl
	@mkdir -p $(@D)
	$(call quiet,GEN) $(BUILD)/minimioctl completions $* >$@

$(BUILD)/examples/%: $(BUILD)/obj/examples/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^

-include $(patsubst %.o,%.d,$(call objects,$(LIBRARY_SOURCES) $(PROTO_SOURCES) $(DAEMON_SOURCES) \
	$(CLIENT_LIBRARY_SOURCES) $(CTL_SOURCES) $(TEST_SOURCES) $(EXAMPLE_SOURCES) $(BENCH_SOURCES)))

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
$(BUILD)/tests/all: $(call objects,$(TEST_SOURCES) $(TESTED_DAEMON_SOURCES)) $(CLIENT_LIBRARY) $(PROTO) $(LIBRARY)
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg_libs,check libcjson)

bindir = $(DESTDIR)$(PREFIX)/bin
libdir = $(DESTDIR)$(PREFIX)/lib
includedir = $(DESTDIR)$(PREFIX)/include
datadir = $(DESTDIR)$(PREFIX)/share
mandir = $(datadir)/man

install: all
	install -d $(bindir) $(libdir)/pkgconfig $(includedir) $(mandir)/man1 $(mandir)/man3 $(mandir)/man8
	install -m 755 $(PROGRAMS) $(bindir)
	install -m 644 $(LIBRARY) $(libdir)
	install -m 755 $(BUILD)/libminimio.so.$(VERSION) $(libdir)
	ln -sf libminimio.so.$(VERSION) $(libdir)/$(SONAME)
	ln -sf $(SONAME) $(libdir)/libminimio.so
	install -m 644 $(CLIENT_LIBRARY) $(libdir)
	install -m 755 $(BUILD)/libminimio-client.so.$(VERSION) $(libdir)
	ln -sf libminimio-client.so.$(VERSION) $(libdir)/$(CLIENT_SONAME)
	ln -sf $(CLIENT_SONAME) $(libdir)/libminimio-client.so
	install -m 644 libminimio/minimio.h $(includedir)
	install -m 644 client/client.h $(includedir)/minimio-client.h
	sed -e 's,@PREFIX@,$(PREFIX),' -e 's,@VERSION@,$(VERSION),' libminimio/minimio.pc.in >$(libdir)/pkgconfig/minimio.pc
	sed -e 's,@PREFIX@,$(PREFIX),' -e 's,@VERSION@,$(VERSION),' client/minimio-client.pc.in \
		>$(libdir)/pkgconfig/minimio-client.pc
	install -m 644 man/minimioctl.1 $(mandir)/man1
	install -D -m 644 $(BUILD)/completions/minimioctl.bash $(datadir)/bash-completion/completions/minimioctl
	install -D -m 644 $(BUILD)/completions/minimioctl.zsh $(datadir)/zsh/site-functions/_minimioctl
	install -D -m 644 $(BUILD)/completions/minimioctl.fish $(datadir)/fish/vendor_completions.d/minimioctl.fish
	install -m 644 $(wildcard man/*.3) $(mandir)/man3
	install -m 644 man/minimiod.8 $(mandir)/man8
	scripts/man_names.sh man/*.3 | while read -r name page; do ln -sf "$$page" "$(mandir)/man3/$$name.3"; done

# A sanitizer has the allocator to itself, so there it is not built.
tests: $(BUILD)/tests/all $(if $(SANITIZE),,$(BUILD)/tests/fail_every.so)

$(BUILD)/tests/fail_every.so: $(BUILD)/obj/tests/preload/fail_every.o
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -shared -o $@ $^

clean:
	rm -rf $(BUILD)
