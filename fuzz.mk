# Fuzzing; see fuzz/README.md.
#   FUZZ=NAME          only this target: scan, request or session
#   FUZZ_SECONDS=60    duration of each target
#   FUZZER=libfuzzer   or afl

FUZZ ?= scan request session
FUZZ_SECONDS ?= 60
FUZZER ?= libfuzzer
FUZZ_BUILD = build/fuzz/$(FUZZER)
FUZZ_CC = $(if $(filter afl,$(FUZZER)),afl-clang-fast,clang)
# Instrumentation of the product; afl-clang-fast needs no flag.
FUZZ_CFLAGS = -O1 -g $(if $(filter libfuzzer,$(FUZZER)),-fsanitize=fuzzer-no-link)

FUZZ_SHARED_SOURCES = fuzz/reader.c fuzz/expect.c
FUZZ_DRIVER_SOURCES = fuzz/replay.c fuzz/live_blocks.c
FUZZ_SESSION_SOURCES = $(filter-out fuzz/scan.c fuzz/request.c $(FUZZ_DRIVER_SOURCES) fuzz/dictionary.c \
	$(FUZZ_SHARED_SOURCES),$(wildcard fuzz/*.c))
FUZZ_SOURCES = $(wildcard fuzz/*.c)
# The daemon without its main; fuzz/names.c replaces the process that looks names up.
FUZZ_DAEMON_SOURCES = $(filter-out daemon/main.c $(addprefix daemon/connect/names_,link.c process.c worker.c),$(DAEMON_SOURCES))
FUZZ_PROGRAMS = $(addprefix $(BUILD)/fuzz/,scan request session)

# A fuzzer has a main; without a fuzzer, replay.c runs files.
FUZZ_DRIVER = $(if $(FUZZ_ENGINE),,$(call objects,$(FUZZ_DRIVER_SOURCES)))
FUZZ_LDFLAGS = $(if $(FUZZ_ENGINE),-fsanitize=fuzzer)
# Functions that the target session replaces.
FUZZ_WRAPPED = clock_gettime minimio_poll_poll connect accept4 access_peer closing_start closing_is_running closing_leave closing_end \
	closing_progress closing_put
FUZZ_WRAP = $(foreach name,$(FUZZ_WRAPPED),-Wl,--wrap=$(name))

# The targets are not instrumented: only the coverage of the product counts.
$(BUILD)/obj/fuzz/%.o: EXTRA_CFLAGS = $(if $(filter libfuzzer,$(FUZZ_ENGINE)),-fno-sanitize=fuzzer-no-link)

.PHONY: fuzz fuzz-programs fuzz-dictionary fuzz-coverage

fuzz:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh build fuzz)
	@$(MAKE) --no-print-directory BUILD=$(FUZZ_BUILD) CC=$(FUZZ_CC) SANITIZE=address,undefined \
		CFLAGS='$(FUZZ_CFLAGS)' FUZZ_ENGINE=$(FUZZER) fuzz-programs
	@fuzz/run.sh $(FUZZER) $(FUZZ_BUILD) $(FUZZ_SECONDS) $(FUZZ)

fuzz-programs: $(FUZZ_PROGRAMS) $(BUILD)/fuzz/dictionary $(BUILD)/fuzz/seeds \
	$(if $(FUZZ_ENGINE),,$(BUILD)/tests/replay_leaks)

fuzz-dictionary: $(BUILD)/fuzz/dictionary
	$(BUILD)/fuzz/dictionary >fuzz/minimio.dict

# Coverage of the product by the corpora and the findings. The symbols of the profile must not be made local.
fuzz-coverage:
	@$(if $(filter no,$(DEPS)),:,scripts/deps.sh build fuzz)
	@$(MAKE) --no-print-directory BUILD=build/fuzz/coverage CC=clang CAN_LOCALIZE= \
		CFLAGS='-O1 -g -fprofile-instr-generate -fcoverage-mapping' LDFLAGS=-fprofile-instr-generate fuzz-programs
	@fuzz/coverage.sh build/fuzz/coverage $(FUZZ)

$(BUILD)/fuzz/scan: $(call objects,fuzz/scan.c $(FUZZ_SHARED_SOURCES)) $(FUZZ_DRIVER) $(PROTO)
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) $(FUZZ_LDFLAGS) -o $@ $^ $(call pkg_libs,libcjson)

$(BUILD)/fuzz/request: $(call objects,fuzz/request.c $(FUZZ_SHARED_SOURCES)) $(FUZZ_DRIVER) $(PROTO)
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) $(FUZZ_LDFLAGS) -o $@ $^ $(call pkg_libs,libcjson)

$(BUILD)/fuzz/session: $(call objects,$(FUZZ_SESSION_SOURCES) $(FUZZ_SHARED_SOURCES) $(FUZZ_DAEMON_SOURCES)) \
		$(FUZZ_DRIVER) $(PROTO) $(LIBRARY)
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) $(FUZZ_LDFLAGS) $(FUZZ_WRAP) -o $@ $^ $(call pkg_libs,libcjson inih) \
		$(systemd_libs)

# The driver with a target that leaks on demand.
$(BUILD)/tests/replay_leaks: $(BUILD)/obj/tests/replay/leaks.o $(FUZZ_DRIVER)
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^

$(BUILD)/fuzz/dictionary: $(BUILD)/obj/fuzz/dictionary.o $(BUILD)/obj/proto/methods.o
	@mkdir -p $(@D)
	$(call quiet,LD) $(CC) $(ALL_LDFLAGS) -o $@ $^

$(BUILD)/fuzz/seeds: fuzz/seeds.py $(wildcard proto/vectors/*.jsonl)
	@mkdir -p $(@D)
	$(call quiet,GEN) fuzz/seeds.py $@

-include $(patsubst %.o,%.d,$(call objects,$(FUZZ_SOURCES) tests/replay/leaks.c))
