# The library for Windows, built by a cross compiler and tested under wine.
#   WINDOWS_CC=   the compiler     WINE=   what runs its programs

WINDOWS_CC ?= x86_64-w64-mingw32-gcc
WINDOWS_TOOLS = $(patsubst %gcc,%,$(WINDOWS_CC))
WINDOWS = build/windows
WINDOWS_CFLAGS = -std=c11 $(WARNINGS) $(if $(WERROR),-Werror) -D_WIN32_WINNT=0x0A00 -I. $(CFLAGS)

WINDOWS_SOURCES = $(filter-out %/registry.c,$(PORTABLE_SOURCES)) names/lookup_plain.c $(wildcard libminimio/*_windows.c)
WINDOWS_TEST_SOURCES = $(wildcard tests/windows/*.c) tests/skip.c \
	$(filter-out $(addprefix tests/library/,fork.c system_calls.c %_posix.c),$(wildcard tests/library/*.c))

windows_objects = $(patsubst %.c,$(WINDOWS)/obj/%.o,$(1))

# What a program is linked with beside the library: Winsock, and the system calls of AFD.
WINDOWS_PRIVATE = -lws2_32 -lntdll

.PHONY: windows check-windows

windows:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh windows)
	@$(MAKE) --no-print-directory $(WINDOWS)/libminimio.a $(WINDOWS)/minimio.pc

check-windows:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh windows)
	@$(MAKE) --no-print-directory $(WINDOWS)/libminimio.a $(WINDOWS)/tests/all.exe $(WINDOWS)/tests/program.exe
	@tests/windows/run.sh $(WINDOWS) $(WINDOWS_TOOLS)

$(WINDOWS)/obj/%.o: %.c Makefile windows.mk
	@mkdir -p $(@D)
	$(call quiet,CC) $(WINDOWS_CC) $(WINDOWS_CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c -o $@ $<

# The suites include <check.h>, which is ours here.
$(WINDOWS)/obj/tests/%.o: EXTRA_CFLAGS = -Itests/windows -DEXPECTED_BACKEND='"windows"'

$(WINDOWS)/libminimio.a: $(call windows_objects,$(WINDOWS_SOURCES))
	@rm -f $@
	$(call quiet,AR) $(WINDOWS_TOOLS)ar rcs $@ $^

# For a program of one's own: paths are those of the build folder.
$(WINDOWS)/minimio.pc: libminimio/minimio.pc.in windows.mk Makefile
	@mkdir -p $(@D)
	$(call quiet,GEN) sed -e 's,@PREFIX@,$(abspath .),' -e 's,@LIBDIR@,$(abspath $(WINDOWS)),' -e 's,@VERSION@,$(VERSION),' \
		-e 's,@RPATH@,,' -e 's,@PRIVATE@,$(WINDOWS_PRIVATE),' -e 's,/include$$,/libminimio,' $< >$@

# A program that is compiled and linked with what pkg-config says, and with nothing else.
WINDOWS_PKG_CONFIG = $(shell PKG_CONFIG_LIBDIR=$(WINDOWS) pkg-config --static --cflags --libs minimio)

$(WINDOWS)/tests/program.exe: tests/windows/program/main.c $(WINDOWS)/minimio.pc $(WINDOWS)/libminimio.a
	@mkdir -p $(@D)
	$(call quiet,LD) $(WINDOWS_CC) -o $@ $< $(WINDOWS_PKG_CONFIG)

# Static, for wine finds no library of the compiler's. Allocations are led to tests/windows/fail_alloc.c.
$(WINDOWS)/tests/all.exe: $(call windows_objects,$(WINDOWS_TEST_SOURCES)) $(WINDOWS)/libminimio.a
	@mkdir -p $(@D)
	$(call quiet,LD) $(WINDOWS_CC) $(LDFLAGS) -static -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc -o $@ $^ $(WINDOWS_PRIVATE) -lpthread

-include $(patsubst %.o,%.d,$(call windows_objects,$(WINDOWS_SOURCES) $(WINDOWS_TEST_SOURCES)))
