# perkline: build, test, demo. `make help` lists the targets.
#
# Objects go to build/<variant>/. Variants: release (default), asan (address and undefined-behaviour sanitizers),
# clang (a second compiler, all warnings fatal), fuzz (libFuzzer), coverage (gcov), chaos (crash points, see base/crashpoint.h).
# A new source or test file needs no edit here.

VARIANT ?= release
BUILD   ?= build/$(VARIANT)
PREFIX  ?= /usr/local
JOBS    ?= $(shell nproc)
CC       = gcc
V       ?= 0
VERSION := 0.1.0

PACKAGES_BUILD = pkg-config librdkafka-dev libcurl4-openssl-dev libjansson-dev libhiredis-dev libuv1-dev libyaml-dev \
                 libicu-dev uthash-dev libmicrohttpd-dev libssl-dev
PACKAGES_DEMO  = redis-server ca-certificates
PACKAGES_TEST  = libcmocka-dev
PACKAGES_PROMTOOL = prometheus
PACKAGES_KAFKA = maven default-jre-headless
PACKAGES_LINT  = clang clang-tidy libclang-rt-14-dev

LIBRARIES = rdkafka libcurl jansson hiredis libuv yaml-0.1 icu-i18n icu-uc libmicrohttpd openssl
# TLS to Redis, where the installed hiredis has it (1.0 and newer).
LIBRARIES += $(shell pkg-config --exists hiredis_ssl 2>/dev/null && echo hiredis_ssl)

WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wwrite-strings -Wundef \
           -Wpointer-arith -Wvla -Wcast-align -Wimplicit-fallthrough -Werror
HARDENING = -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -ftrivial-auto-var-init=zero \
            -fno-strict-overflow -fno-strict-aliasing -fno-delete-null-pointer-checks -fPIE
CFLAGS_release = -O2 -g -D_FORTIFY_SOURCE=3 $(HARDENING)
CFLAGS_asan    = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS_clang   = -O1 -g
CFLAGS_chaos   = $(CFLAGS_release) -DPERKLINE_CHAOS
CFLAGS_fuzz    = -O2 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
CFLAGS_coverage = -O0 -g --coverage -Wno-format-truncation
LDFLAGS_coverage = --coverage
LDFLAGS_release = -pie -Wl,-z,relro,-z,now,-z,noexecstack
LDFLAGS_asan    = -fsanitize=address,undefined
LDFLAGS_fuzz    = -fsanitize=fuzzer,address,undefined
ifneq ($(filter clang fuzz,$(VARIANT)),)
CC = clang
endif

override CFLAGS += -std=c11 -D_GNU_SOURCE -DPERKLINE_VERSION='"$(VERSION)"' $(CFLAGS_$(VARIANT)) $(WARNINGS) -MMD -MP \
                   -Icommon -I. $(shell pkg-config --cflags $(LIBRARIES) 2>/dev/null)
override LDFLAGS += $(LDFLAGS_$(VARIANT))
LDLIBS = $(shell pkg-config --libs $(LIBRARIES) 2>/dev/null) -lm -lpthread

ifeq ($(V),0)
Q = @
say = @printf '  %-5s %s\n' $(1) $(2)
endif

sources = $(sort $(wildcard $(addsuffix /*.c,$(1))))
objects = $(patsubst %.c,$(BUILD)/%.o,$(call sources,$(1)))

LAYERS   = base io core run
LIBS     = $(patsubst %,$(BUILD)/lib%.a,$(LAYERS))
OBJ_base = $(call objects,common/base)
OBJ_io   = $(call objects,common/io)
OBJ_core = $(call objects,common/core common/core/liquid)
OBJ_run  = $(call objects,common/run)
OBJ_workers = $(filter-out $(BUILD)/workers/main.o,$(call objects,workers $(patsubst %/,%,$(wildcard workers/*/))))
OBJ_support = $(call objects,tests/support)

# What a test of a layer may link: the layer and those below it. Tests of run link fakes of io instead of io.
LINK_base    = $(BUILD)/libbase.a
LINK_core    = $(BUILD)/libcore.a $(BUILD)/libbase.a
LINK_io      = $(BUILD)/libio.a $(BUILD)/libbase.a
LINK_run     = $(BUILD)/librun.a $(BUILD)/libfakes.a $(BUILD)/libsupport.a $(BUILD)/libcore.a $(BUILD)/libbase.a
LINK_workers = $(BUILD)/libworkers.a $(BUILD)/librun.a $(BUILD)/libio.a $(BUILD)/libcore.a $(BUILD)/libbase.a
LINK_integration = $(BUILD)/libsupport.a $(LINK_workers)
LINK_chaos   = $(BUILD)/libchaos.a $(LINK_integration)

unit_tests   = $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/unit/*/test_*.c)))
golden_tests = $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/golden/test_*.c)))
chaos_tests  = $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/chaos/test_*.c)))
# Loaded into the program under test (LD_PRELOAD).
chaos_preloads = $(patsubst %.c,$(BUILD)/%.so,$(sort $(wildcard tests/chaos/preload/*.c)))
integration_tests = $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/integration/test_*.c)))
# The workers in a simulated world; simulate runs many seeds, test_simulation some.
simulation_parts = $(filter-out %/simulate.o %/test_simulation.o,$(call objects,tests/simulation)) \
                   $(patsubst %,$(BUILD)/tests/chaos/%.o,history history_deliveries history_order history_tables)
simulation_tests = $(BUILD)/tests/simulation/test_simulation
# Replays its corpus as a test; with libFuzzer (VARIANT=fuzz) it searches.
fuzz_main    = $(if $(filter fuzz,$(VARIANT)),,$(BUILD)/tests/support/fuzz_replay.o)
fuzz_parts   = $(BUILD)/tests/fuzz/record_input.o
fuzz_replays = $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
benches      = $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/bench/bench_*.c)))

.PHONY: all help deps deps-test deps-lint deps-kafka demo test unit golden golden-update integration bench lint clean install
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/perkline

help:
	@echo 'make demo          install what is missing, build, run the whole system once with embedded parts'
	@echo 'make test          install what is missing, build with sanitizers, run unit, golden and integration tests'
	@echo 'make               build build/release/perkline'
	@echo 'make chaos         kill -9, lost answers, dead and emptied Redis, a failing provider; prints a table'
	@echo 'make chaos-long    the same, for an hour'
	@echo 'make simulate      the workers in a simulated world, many seeds (SEEDS=100000 SEED=1 JOBS=2)'
	@echo 'make mutants       plants bugs, one at a time, and shows which test catches each'
	@echo 'make bench         measure; prints a table of ratios'
	@echo 'make liquid-diff   compare our Liquid with ruby-liquid on random templates (N=100000 SEED=1)'
	@echo 'make fuzz-coverage how much of each parser its fuzzer reaches; prints a table'
	@echo 'make lint          layers, banned functions, headers, documents, static analysis'
	@echo 'make golden-update rewrite the expected files of the golden tests (review the diff)'
	@echo 'make install       PREFIX=/usr/local'

# --- packages -------------------------------------------------------------------------------------------------------

# $(call install_packages,list): says what is missing and installs it from Debian's packages; silent when all is there.
define install_packages
@missing=""; for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
if [ -n "$$missing" ]; then \
	if [ "$$(id -u)" != 0 ]; then echo "missing packages, install them as root: apt-get install$$missing" >&2; exit 1; fi; \
	echo "installing from Debian's packages:$$missing"; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null || exit 1; \
fi
endef

deps:
	$(call install_packages,$(PACKAGES_BUILD) $(PACKAGES_DEMO))

deps-test:
	$(call install_packages,$(PACKAGES_BUILD) $(PACKAGES_DEMO) $(PACKAGES_TEST))
	-$(call install_packages,$(PACKAGES_PROMTOOL))

deps-lint:
	$(call install_packages,$(PACKAGES_LINT))

deps-kafka:
	$(call install_packages,$(PACKAGES_KAFKA))

# --- the two commands -----------------------------------------------------------------------------------------------

# A second make, so that pkg-config is asked after the packages are there.
demo: deps
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@$(BUILD)/perkline demo

test: deps-test
	@$(MAKE) --no-print-directory -j$(JOBS) VARIANT=asan run-tests

# --- build ----------------------------------------------------------------------------------------------------------

$(BUILD)/%.o: %.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -c -o $@ $<

# Files that are embedded in an object (see base/embed.h).
$(OBJ_run): $(wildcard common/run/scripts/*.lua)
$(OBJ_workers): $(wildcard workers/*/*.html workers/*/*.css workers/*/*.js)

define archive
	$(call say,AR,$@)
	@rm -f $@
	$(Q)ar rcs $@ $^
endef

$(BUILD)/libbase.a: $(OBJ_base)
	$(archive)
$(BUILD)/libio.a: $(OBJ_io)
	$(archive)
$(BUILD)/libcore.a: $(OBJ_core)
	$(archive)
$(BUILD)/librun.a: $(OBJ_run)
	$(archive)
$(BUILD)/libworkers.a: $(OBJ_workers)
	$(archive)
$(BUILD)/libfakes.a: $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/support/fake_*.c)))
	$(archive)
$(BUILD)/libsupport.a: $(filter-out $(BUILD)/tests/support/fake_% $(BUILD)/tests/support/every_allocation.o,$(OBJ_support))
	$(archive)

$(BUILD)/libchaos.a: $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/chaos/test_%,$(sort $(wildcard tests/chaos/*.c))))
	$(archive)

$(BUILD)/perkline: $(BUILD)/workers/main.o $(LINK_workers)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# --- tests ----------------------------------------------------------------------------------------------------------

.SECONDEXPANSION:
$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $$(LINK_$$(firstword $$(subst /, ,$$*)))
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)
# Each allocation fails once, in a child of the test. What stands between is not to be checked by a sanitizer that has not begun.
$(BUILD)/tests/chaos/preload/fail_malloc.o: CFLAGS_asan =
$(BUILD)/tests/unit/run/test_pipeline_memory $(BUILD)/tests/unit/core/test_catalog_memory: \
        $(BUILD)/tests/support/every_allocation.o $(BUILD)/tests/chaos/preload/fail_malloc.o
$(BUILD)/tests/golden/%: $(BUILD)/tests/golden/%.o $(LINK_integration)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)
$(BUILD)/tests/integration/%: $(BUILD)/tests/integration/%.o $(LINK_integration)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)
$(BUILD)/tests/chaos/%: $(BUILD)/tests/chaos/%.o $(LINK_chaos)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)
$(BUILD)/tests/chaos/preload/%.so: tests/chaos/preload/%.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O1 -g -fno-omit-frame-pointer $(WARNINGS) -I. -fPIC -shared -o $@ $< -ldl
$(BUILD)/tests/simulation/%: $(BUILD)/tests/simulation/%.o $(simulation_parts) $(LINK_run)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)
$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(fuzz_parts) $(fuzz_main) $(LINK_workers)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
# Its Redis is bytes: what hears replies, over fakes of the rest, and the parts of io that read them.
$(BUILD)/tests/fuzz/fuzz_redis: $(BUILD)/tests/fuzz/fuzz_redis.o $(BUILD)/tests/fuzz/redis_bytes.o $(fuzz_main) $(BUILD)/librun.a \
        $(patsubst %,$(BUILD)/tests/support/fake_%.o,loop watch background catalog) \
        $(patsubst %,$(BUILD)/common/io/redis_%.o,reader check command refusal) $(LINK_core)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
# Programs for comparing engines; they need no harness around them.
$(BUILD)/tests/fuzz/liquid_diff/%: $(BUILD)/tests/fuzz/liquid_diff/%.o $(LINK_core)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(BUILD)/tests/bench/liquid/%: $(BUILD)/tests/bench/liquid/%.o $(LINK_core)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(LINK_integration)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# For .ci/run: all that can be compiled, and the searching fuzzers (with VARIANT=fuzz).
.PHONY: everything fuzzers
everything: $(BUILD)/perkline $(unit_tests) $(golden_tests) $(fuzz_replays) $(integration_tests) $(chaos_tests) $(chaos_preloads) \
            $(benches) \
            $(simulation_tests) $(BUILD)/tests/simulation/simulate
fuzzers: $(fuzz_replays)

.PHONY: run-tests run-unit run-golden run-integration
run-tests: $(BUILD)/perkline $(unit_tests) $(golden_tests) $(fuzz_replays) $(simulation_tests) $(integration_tests)
	@PERKLINE=$(BUILD)/perkline tests/support/run_tests.sh $(unit_tests) $(golden_tests) $(fuzz_replays) $(simulation_tests) $(integration_tests)
run-unit: $(unit_tests)
	@tests/support/run_tests.sh $^
run-golden: $(golden_tests)
	@tests/support/run_tests.sh $^
run-integration: $(BUILD)/perkline $(integration_tests)
	@PERKLINE=$(BUILD)/perkline tests/support/run_tests.sh $(integration_tests)

unit golden integration:
	@$(MAKE) --no-print-directory -j$(JOBS) VARIANT=asan run-$@

# Kill, freeze, cut, empty: what must hold holds. The long forms take about an hour.
.PHONY: chaos chaos-long run-chaos mutants
chaos: deps-test
	@$(MAKE) --no-print-directory -j$(JOBS) VARIANT=chaos run-chaos
chaos-long: deps-test
	@CHAOS_LONG=1 $(MAKE) --no-print-directory -j$(JOBS) VARIANT=chaos run-chaos
run-chaos: $(BUILD)/perkline $(chaos_tests) $(chaos_preloads)
	@PERKLINE=$(BUILD)/perkline tests/chaos/run.sh $(chaos_tests)
# Seeded bugs, each to be caught by a test.
mutants: deps-test
	@tests/chaos/mutants/run.sh

# The workers in a simulated world, many seeds; a seed that fails is printed with the command that shows it.
SEEDS ?= 100000
.PHONY: simulate
simulate: deps-test
	@$(MAKE) --no-print-directory -j$(JOBS) $(BUILD)/tests/simulation/simulate
	@$(BUILD)/tests/simulation/simulate --seeds $(SEEDS) --seed $(SEED) --jobs $(JOBS) --coverage

# How much of each parser its fuzzer's corpus reaches. MISSED=1 shows the lines that it does not.
.PHONY: fuzz-coverage
fuzz-coverage: deps-test
	@JOBS=$(JOBS) tests/fuzz/coverage.sh

# Random templates through our engine and Debian's ruby-liquid: no difference without a known reason.
N    ?= 100000
SEED ?= 1
.PHONY: liquid-diff
liquid-diff: deps
	@$(MAKE) --no-print-directory -j$(JOBS) $(BUILD)/tests/fuzz/liquid_diff/liquid_batch
	@tests/fuzz/liquid_diff/run.sh $(BUILD)/tests/fuzz/liquid_diff/liquid_batch $(N) $(SEED)

# Render time of our Liquid beside liquidjs and ruby-liquid.
.PHONY: bench-liquid
bench-liquid: deps
	@$(MAKE) --no-print-directory -j$(JOBS) $(BUILD)/tests/bench/liquid/bench_liquid
	@tests/bench/liquid/run.sh $(BUILD)/tests/bench/liquid/bench_liquid

golden-update:
	@GOLDEN_UPDATE=1 $(MAKE) --no-print-directory golden

bench: deps
	@$(MAKE) --no-print-directory -j$(JOBS) run-bench
.PHONY: run-bench
run-bench: $(BUILD)/perkline $(benches) $(BUILD)/tests/bench/liquid/bench_liquid
	@status=0; PERKLINE=$(BUILD)/perkline tests/bench/run.sh $(benches) || status=1; echo; \
	tests/bench/liquid/run.sh $(BUILD)/tests/bench/liquid/bench_liquid || status=1; exit $$status

# Three workers and more on a real Kafka; about five minutes.
.PHONY: bench-scaling run-bench-scaling
bench-scaling: deps-test deps-kafka
	@$(MAKE) --no-print-directory -j$(JOBS) VARIANT=chaos run-bench-scaling
run-bench-scaling: $(BUILD)/perkline $(BUILD)/tests/chaos/test_scaling
	@PERKLINE=$(BUILD)/perkline tests/bench/scaling.sh $(BUILD)/tests/chaos

# A dry run of a million events: events per CPU second and memory.
.PHONY: bench-replay
bench-replay: deps
	@$(MAKE) --no-print-directory -j$(JOBS) $(BUILD)/perkline $(BUILD)/tests/bench/bench_events
	@PERKLINE=$(BUILD)/perkline tests/bench/replay.sh $(BUILD)/tests/bench/bench_events

lint: deps-test deps-lint
	@$(MAKE) --no-print-directory -j$(JOBS) VARIANT=release all >/dev/null
	@tests/support/lint.sh

# The page of all settings, from what the commands say of themselves.
.PHONY: settings-page
settings-page: all
	@tests/support/settings_page.sh $(BUILD)/perkline >deploy/SETTINGS.md

install: all
	install -D -m 0755 $(BUILD)/perkline $(DESTDIR)$(PREFIX)/bin/perkline
	mkdir -p $(DESTDIR)$(PREFIX)/share/perkline
	cp -R templates $(DESTDIR)$(PREFIX)/share/perkline/

clean:
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
