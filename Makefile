# minimio: build, demo, bench. `make help` lists the targets and the variables, and those of the files included below.

VERSION = 0.1.0
SOVERSION = 0
CLIENT_SONAME = libminimio-client.so.0
PREFIX ?= /usr/local
COMMA := ,
OBJCOPY ?= objcopy
BUILD ?= build$(if $(M32),/32)$(if $(MUSL),/musl)$(if $(SANITIZE),/$(subst $(COMMA),-,$(SANITIZE)))
PLATFORM := $(shell uname -s)

quiet = $(if $(V),,@printf '  %-4s %s\n' $(1) $@ &&)

WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wwrite-strings
CFLAGS ?= -O2 -g
# Where the system's own are small, as on 32-bit x86, the numbers of some files do not fit.
LARGE_FILES := $(if $(M32),-D_FILE_OFFSET_BITS=64,$(shell getconf LFS_CFLAGS 2>/dev/null))
# As distributions build their packages. A sanitizer does its own checks, and _FORTIFY_SOURCE needs an optimization; flags
# that are given in CFLAGS or LDFLAGS come later and win.
HARDENING = $(if $(SANITIZE),,-fstack-protector-strong $(if $(findstring _FORTIFY_SOURCE,$(CFLAGS))$(filter -O0,$(CFLAGS)),,\
	$(if $(filter -O%,$(CFLAGS)),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)))
HARDENING_LDFLAGS = $(if $(SANITIZE),,$(if $(filter Linux,$(PLATFORM)),-Wl$(COMMA)-z$(COMMA)relro -Wl$(COMMA)-z$(COMMA)now))
ALL_CFLAGS = -std=c11 $(WARNINGS) $(if $(WERROR),-Werror) -D_GNU_SOURCE $(LARGE_FILES) -DMINIMIO_VERSION='"$(VERSION)"' -I. -pthread \
	-fPIC -fvisibility=hidden $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all) \
	$(if $(KQUEUE_LIKE),-Itests/kqueue -DKQUEUE_LIKE_$(KQUEUE_LIKE) -DEXPECTED_BACKEND='"kqueue"') $(HARDENING) $(CFLAGS)
ALL_LDFLAGS = -pthread $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(HARDENING_LDFLAGS) $(LDFLAGS)

# What a 32-bit build is linked with is fetched by scripts/sysroot-32.sh; the C library is the compiler's.
ifdef M32
override CC += -m32
SYSROOT = $(abspath build/32/root)
SYSROOT_FOLDERS = $(addprefix $(SYSROOT),/usr/lib/i386-linux-gnu /lib/i386-linux-gnu)
ALL_CFLAGS += -Wno-psabi -idirafter $(SYSROOT)/usr/include
ALL_LDFLAGS += -Wl,--disable-new-dtags $(foreach folder,$(SYSROOT_FOLDERS),-L$(folder) -Wl,-rpath$(COMMA)$(folder) \
	-Wl,-rpath-link$(COMMA)$(folder))
PKG_CONFIG = PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) PKG_CONFIG_LIBDIR=$(firstword $(SYSROOT_FOLDERS))/pkgconfig pkg-config
else
PKG_CONFIG = pkg-config
endif

# What a build with musl links is compiled by scripts/sysroot-musl.sh; libsystemd is for glibc.
ifdef MUSL
CC = musl-gcc
PKG_CONFIG = PKG_CONFIG_LIBDIR=$(abspath build/musl/root)/lib/pkgconfig pkg-config
ALL_CFLAGS += -isystem $(abspath build/musl/root)/include
endif

# Expanded in recipes only, after `deps` has seen to pkg-config and what it is asked for.
pkg_cflags = $(shell $(PKG_CONFIG) --cflags $(1))
pkg_libs = $(shell $(PKG_CONFIG) --libs $(1))

# Where there is no systemd the daemon is built without: service.c says what is then missing.
HAVE_SYSTEMD = $(shell $(PKG_CONFIG) --exists libsystemd && echo yes)
systemd_cflags = $(if $(HAVE_SYSTEMD),-DHAVE_SYSTEMD $(call pkg_cflags,libsystemd))
systemd_libs = $(if $(HAVE_SYSTEMD),$(call pkg_libs,libsystemd))

# The platform chooses its files among those that are named for a selector or a system; the rest of the library is
# portable.
PORTABLE_SOURCES = $(filter-out $(addprefix libminimio/,selector_% tcp_stream_% forks_% %_windows.c),\
	$(wildcard libminimio/*.c))
POSIX_SOURCES = $(addprefix libminimio/,tcp_stream_posix.c forks_posix.c)
EPOLL_SOURCES = $(wildcard libminimio/selector_epoll*.c) $(POSIX_SOURCES) \
	$(if $(filter thread,$(SANITIZE)),tests/thread_sanitizer/epoll_pwait2.c)
KQUEUE_SOURCES = $(wildcard libminimio/selector_kqueue*.c) $(POSIX_SOURCES)
NAMES_SOURCES = $(if $(filter Linux,$(PLATFORM)),names/lookup_linux.c names/hurry_linux.c,names/lookup_plain.c)
LIBRARY_SOURCES = $(PORTABLE_SOURCES) $(NAMES_SOURCES) \
	$(if $(filter Linux,$(PLATFORM)),$(if $(KQUEUE_LIKE),$(KQUEUE_SOURCES),$(EPOLL_SOURCES)),$(KQUEUE_SOURCES))
PROTO_SOURCES = $(wildcard proto/*.c)
DAEMON_SOURCES = $(wildcard daemon/*.c daemon/*/*.c)
# The client library; deadline.c is in both, as nothing of it is exported.
CLIENT_LIBRARY_SOURCES = $(wildcard client/lib/*.c)
CTL_SOURCES = $(wildcard client/ctl/*.c) client/lib/deadline.c
EXAMPLE_SOURCES = $(wildcard examples/*.c)
LIBRARY_BENCH_SOURCES = $(wildcard bench/library/*.c)
DAEMON_BENCH_SOURCES = $(wildcard bench/daemon/*.c)
NEIGHBOURS_BENCH_SOURCES = $(wildcard bench/neighbours/*.c)

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIBRARY = $(BUILD)/libminimio.a
# On macOS what is exported is what minimio.h makes visible; elsewhere the symbols have a version too.
ifeq ($(PLATFORM),Darwin)
SHARED_LINK = libminimio.dylib
SONAME = libminimio.$(SOVERSION).dylib
SHARED = libminimio.$(VERSION).dylib
SHARED_FLAGS = -dynamiclib -install_name $(LIBDIR)/$(SONAME) -current_version $(VERSION)
else
SHARED_LINK = libminimio.so
SONAME = $(SHARED_LINK).$(SOVERSION)
SHARED = $(SHARED_LINK).$(VERSION)
SHARED_FLAGS = -shared -Wl,-soname,$(SONAME) -Wl,--version-script,libminimio/minimio.map
endif
CLIENT_LIBRARY = $(BUILD)/libminimio-client.a
PROTO = $(BUILD)/obj/proto.a
PROGRAMS = $(BUILD)/minimiod $(BUILD)/minimioctl
EXAMPLES = $(patsubst %.c,$(BUILD)/%,$(EXAMPLE_SOURCES))
BENCHES = $(addprefix $(BUILD)/bench/,library daemon neighbours calls)
COMPLETIONS = $(addprefix $(BUILD)/completions/minimioctl.,bash zsh fish)
PRODUCT_PACKAGES = libcjson libbsd inih smartcols

.PHONY: all build library deps demo bench benches clean help
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

all: deps
	@$(MAKE) --no-print-directory build

help:
	@echo 'Use it:'
	@echo '  make            build everything into $(BUILD), after installing missing dependencies'
	@echo '  make demo       build, then run a short demonstration'
	@echo '  make install    install under PREFIX ($(PREFIX))'
	@echo '  make uninstall  remove what make install has put there'
	@echo '  make library    build libminimio alone'
	@echo '  make windows    build libminimio for Windows into $(WINDOWS)'
	@echo '  make deps       install what the build needs, and nothing else'
	@echo '  make clean      remove $(BUILD)'
	@echo
	@echo 'Test it:'
	@echo '  make check           run every test'
	@echo '  make soak            many clients that connect and die, for ten minutes'
	@echo '  make fuzz            search for inputs that break it: three fuzzers, a minute each'
	@echo '  make bench           measure it, and write bench/RESULTS.md'
	@echo '  make faults          make every allocation and system call fail in turn (faults-results: keep the table)'
	@echo '  make coverage        how much of the code the tests run'
	@echo '  make mutation        how many deliberate bugs the tests notice'
	@echo '  make check-32        build for 32-bit x86 and run every test'
	@echo '  make check-musl      build with musl and run every test'
	@echo '  make check-valgrind  run every test with the daemon under valgrind'
	@echo '  make check-kqueue    run the tests of the library over its kqueue backend'
	@echo '  make check-headers   compile the library against the headers of macOS, the BSDs, musl and old glibc'
	@echo '  make check-windows   run the tests of the Windows library under wine'
	@echo '  make clients         fetch the JSON-RPC libraries that make check tries the daemon with'
	@echo
	@echo 'Variables, as in `make PREFIX=/opt/minimio install`:'
	@echo '  DEPS=no          install no packages; DEPS=yes: do not ask before sudo'
	@echo '  PREFIX=FOLDER    where to install ($(PREFIX))'
	@echo '  DESTDIR=FOLDER   install below this staging folder, as for a package'
	@echo '  LIBDIR=, UNITDIR=, DOCDIR=, ZSHDIR='
	@echo '                   folders for libraries, systemd units, documents and the completion for zsh'
	@echo '  BUILD=FOLDER     where to build ($(BUILD))'
	@echo '  V=1              show the commands'
	@echo '  WERROR=1         treat warnings as errors'
	@echo '  JOBS=N           check: how many suites run at a time'
	@echo '  CK_RUN_SUITE="NAME…"'
	@echo '                   check: these suites alone, by name or pattern'
	@echo '  CK_RUN_TEST=NAME check: this test alone, by the name in START_TEST'
	@echo '  CC=, CFLAGS=, LDFLAGS='
	@echo '                   the compiler and its options'
	@echo '  SANITIZE=address,undefined'
	@echo '                   build with sanitizers (or =thread), in a build folder of its own'
	@echo '  MUSL=1           build with musl, in a build folder of its own'
	@echo '  M32=1            build for 32-bit x86, in a build folder of its own'
	@echo '  BENCH=NAME       bench: this benchmark alone'
	@echo '  FUZZ_SECONDS=N   fuzz: how long each fuzzer runs'
	@echo '  MUTANTS=N, SEED=N'
	@echo '                   mutation: how many bugs, and which'
	@echo '  VALGRIND=1       check-kqueue: under valgrind'

deps:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh build)

build: library $(PROGRAMS) $(EXAMPLES) $(CLIENT_LIBRARY) $(BUILD)/libminimio-client.so $(BUILD)/$(CLIENT_SONAME) \
	$(COMPLETIONS)
	@:

# What macOS and the BSDs can have of it: the rest is for Linux.
library: $(LIBRARY) $(BUILD)/$(SHARED_LINK) $(BUILD)/$(SONAME)
	@:

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call quiet,CC) $(CC) $(ALL_CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c -o $@ $<

# The examples include <minimio.h>, as any program does.
$(BUILD)/obj/examples/%.o: EXTRA_CFLAGS = -Ilibminimio
$(BUILD)/obj/bench/library/%.o: EXTRA_CFLAGS = $(call pkg_cflags,libevent_core libuv)

$(BUILD)/obj/daemon/manager/manager.o: EXTRA_CFLAGS = $(systemd_cflags)

# In an object for link-time optimization no symbol can be made local.
$(BUILD)/obj/libminimio/%.o: EXTRA_CFLAGS = -fno-lto
$(BUILD)/obj/names/%.o: EXTRA_CFLAGS = -fno-lto
$(BUILD)/obj/proto/%.o: EXTRA_CFLAGS = -fno-lto
$(call objects,$(CLIENT_LIBRARY_SOURCES)): EXTRA_CFLAGS = -fno-lto

# What 32-bit x86 calls to find its data is in groups of which a linker keeps one: local, each needs its own.
FORCE_GROUPS = $(shell $(CC) -Wl,--help 2>&1 | grep -q -e --force-group-allocation && echo -Wl,--force-group-allocation)

# One object of them all, in which the library's own symbols are local: a program that links it may use any other name.
$(BUILD)/obj/libminimio.o: $(call objects,$(LIBRARY_SOURCES))
	$(call quiet,LD) $(CC) -r -nostdlib $(FORCE_GROUPS) -o $@.all $^ && $(OBJCOPY) --localize-hidden $@.all $@ && rm $@.all

# Where nothing can make them so, as on macOS, the archive is a plain one.
CAN_LOCALIZE = $(shell $(OBJCOPY) --help 2>&1 | grep -e --localize-hidden)

$(LIBRARY): $(if $(CAN_LOCALIZE),$(BUILD)/obj/libminimio.o,$(call objects,$(LIBRARY_SOURCES)))
	@rm -f $@
	$(call quiet,AR) $(AR) rcs $@ $^

# Likewise, with what it uses of proto.
$(BUILD)/obj/libminimio-client.o: $(call objects,$(CLIENT_LIBRARY_SOURCES)) $(PROTO)
	$(call quiet,LD) $(CC) -r -nostdlib $(FORCE_GROUPS) -o $@.all $^ && $(OBJCOPY) --localize-hidden $@.all $@ && rm $@.all

$(CLIENT_LIBRARY): $(BUILD)/obj/libminimio-client.o
	@rm -f $@
	$(call quiet,AR) $(AR) rcs $@ $^

$(BUILD)/libminimio-client.so $(BUILD)/$(CLIENT_SONAME): $(BUILD)/libminimio-client.so.$(VERSION)
	$(call quiet,LN) ln -sf $(<F) $@

$(BUILD)/libminimio-client.so.$(VERSION): $(call objects,$(CLIENT_LIBRARY_SOURCES)) $(PROTO) client/lib/minimio-client.map
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,$(CLIENT_SONAME) \
		-Wl,--version-script,client/lib/minimio-client.map -o $@ $(filter %.o %.a,$^)

$(PROTO): $(call objects,$(PROTO_SOURCES))
	@rm -f $@
	$(call quiet,AR) $(AR) rcs $@ $^

$(BUILD)/$(SHARED_LINK) $(BUILD)/$(SONAME): $(BUILD)/$(SHARED)
	$(call quiet,LN) ln -sf $(<F) $@

$(BUILD)/$(SHARED): $(call objects,$(LIBRARY_SOURCES)) libminimio/minimio.map
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) $(SHARED_FLAGS) -o $@ $(filter %.o,$^)

$(BUILD)/minimiod: $(call objects,$(DAEMON_SOURCES) $(NAMES_SOURCES)) $(PROTO) $(LIBRARY)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg_libs,inih) $(systemd_libs)

$(BUILD)/minimioctl: $(call objects,$(CTL_SOURCES)) $(CLIENT_LIBRARY) $(PROTO) $(LIBRARY)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg_libs,libcjson smartcols) -ldl

$(BUILD)/completions/minimioctl.%: $(BUILD)/minimioctl
	@mkdir -p $(@D)
	$(call quiet,GEN) $(BUILD)/minimioctl completions $* >$@

$(BUILD)/examples/%: $(BUILD)/obj/examples/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^

-include $(patsubst %.o,%.d,$(call objects,$(LIBRARY_SOURCES) $(PROTO_SOURCES) $(DAEMON_SOURCES) \
	$(CLIENT_LIBRARY_SOURCES) $(CTL_SOURCES) $(EXAMPLE_SOURCES) \
	$(LIBRARY_BENCH_SOURCES) $(DAEMON_BENCH_SOURCES) \
	$(NEIGHBOURS_BENCH_SOURCES) bench/calls.c))

demo: deps
	@$(MAKE) --no-print-directory build
	@examples/demo.sh $(BUILD)

bench:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh build bench)
	@$(MAKE) --no-print-directory build benches $(BUILD)/tests/name_server.so
	@bench/run.sh $(BUILD)

benches: $(BENCHES)

# The libraries that libminimio is measured beside are linked here and nowhere else. libev has no pkg-config file, and
# imitates libevent's functions, which must come from libevent: it comes last.
$(BUILD)/bench/library: $(call objects,$(LIBRARY_BENCH_SOURCES)) $(LIBRARY)
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg_libs,libevent_core libuv) -lev

$(BUILD)/bench/calls: $(BUILD)/obj/bench/calls.o
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^

$(BUILD)/bench/neighbours: $(call objects,$(NEIGHBOURS_BENCH_SOURCES)) $(BUILD)/minimiod
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^)

# It starts the daemon and speaks to it, and has none of its code.
$(BUILD)/bench/daemon: $(call objects,$(DAEMON_BENCH_SOURCES)) $(BUILD)/minimiod
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^)

include tests/tests.mk
include systemd/install.mk
include windows.mk
include fuzz.mk

clean:
	rm -rf $(BUILD)
