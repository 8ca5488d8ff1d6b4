# rowferry: the only build file. `make help` lists the targets.
PROFILE ?= release
PREFIX  ?= /usr/local
DESTDIR ?=
DEBDIR  ?= $(B)
CC      ?= gcc
B       := build/$(PROFILE)

# One job a core, unless the command line says otherwise.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

VERSION := 0.1.0

# core/ in the order of its layers: a file uses its own layer and those before it (make lint).
LAYERS := base row target validate job store http api inbox ingest drain notify

BUILD_PKGS := libcurl json-c sqlite3 uuid libpcre2-8 libxxhash libmicrohttpd libidn2 zlib libcrypto
TEST_PKGS  := cmocka
# what `make deps` installs: Debian's names for the above, and the tools of tests and demo
DEB_BUILD  := gcc make pkg-config libcurl4-openssl-dev libjson-c-dev libsqlite3-dev uuid-dev \
              libpcre2-dev libxxhash-dev libmicrohttpd-dev libidn2-dev zlib1g-dev libssl-dev
DEB_TEST   := libcmocka-dev bats sqlite3 jq curl openssl mandoc zsh lighttpd lighttpd-mod-webdav
DEB_LINT   := clang-format clang-tidy cppcheck
DEB_BENCH  := nginx-light miller wrk parallel jq python3
DEB_FUZZ   := clang
DEB_DEB    := dpkg-dev lintian
DEB_COV    := gcovr jq

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wformat=2 -Wvla -Wswitch-enum -Werror
# what the profiles for tests have and the one that is shipped does not have (core/base/crash.h)
CRASHES  := -DROWFERRY_CRASH_POINTS
HARDEN   := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fPIE
CFLAGS_release := -O2 -g $(HARDEN)
CFLAGS_debug   := -Og -g3 -fPIE $(CRASHES)
CFLAGS_asan    := -Og -g3 -fPIE -fno-omit-frame-pointer -fsanitize=address,undefined \
                  -fno-sanitize-recover=undefined $(CRASHES)
CFLAGS_tsan    := -Og -g3 -fPIE -fsanitize=thread $(CRASHES)
CFLAGS_cov     := -O0 -g3 -fPIE --coverage -DROWFERRY_COVERAGE $(CRASHES)
# without trace-cmp: it took a third of the time, most of it for comparisons of the sanitizers' own
CFLAGS_fuzz    := -O2 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
                  -fno-sanitize-coverage=trace-cmp -fno-sanitize-recover=undefined -Wno-string-concatenation
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
LDFLAGS_debug   := -pie
LDFLAGS_asan    := -pie -fsanitize=address,undefined
LDFLAGS_tsan    := -pie -fsanitize=thread
LDFLAGS_cov     := -pie --coverage
LDFLAGS_fuzz    := -fsanitize=fuzzer,address,undefined

ifeq ($(CFLAGS_$(PROFILE)),)
$(error PROFILE=$(PROFILE) is not one of release, debug, asan, tsan, cov)
endif

# The package check runs in the recipes, so that `make deps` works where all of it is missing.
PKG_CFLAGS = $(shell pkg-config --cflags $(BUILD_PKGS) 2>/dev/null)
PKG_LIBS   = $(shell pkg-config --libs $(BUILD_PKGS) 2>/dev/null) -lm

ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -I. -DROWFERRY_VERSION='"$(VERSION)"' -pthread $(WARNINGS) \
             $(CFLAGS_$(PROFILE)) $(PKG_CFLAGS) $(CFLAGS)
ALL_LDFLAGS = $(LDFLAGS_$(PROFILE)) -pthread $(LDFLAGS)

CORE_SRC := $(foreach layer,$(LAYERS),$(wildcard core/$(layer)/*.c))
CORE_OBJ := $(CORE_SRC:%.c=$(B)/%.o) $(B)/migrations.o $(B)/presets.o
CLI_SRC  := $(wildcard cmd/rowferry/*.c)
SIM_SRC  := $(wildcard cmd/genesys-sim/*.c)
UNIT_SRC := $(wildcard tests/unit/*_test.c)
LIB_SRC  := $(wildcard tests/lib/*.c)
LIB_OBJ  := $(LIB_SRC:%.c=$(B)/%.o)
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(B)/unit/%)
# what TESTS chooses; all without it
chosen    = $(if $(TESTS),$(foreach word,$(TESTS),$(foreach file,$(1),$(if $(findstring $(word),$(file)),$(file)))),$(1))
FUZZ_SRC := $(wildcard tests/fuzz/*_fuzz.c)
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(B)/fuzz/%)
# what the targets share; replay.c is main where libFuzzer is not
FUZZ_LIB := $(filter-out $(FUZZ_SRC) tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c)) tests/lib/rows.c
FUZZ_OBJ := $(FUZZ_LIB:%.c=$(B)/%.o) $(if $(filter fuzz,$(PROFILE)),,$(B)/tests/fuzz/replay.o)
MIGRATIONS := $(sort $(wildcard migrations/*.sql))
TARGETS    := $(sort $(wildcard targets/*.json))

# What is installed with the program, and what is made of that.
SHARE  := cmd/rowferry/share
ZSHDIR ?= share/zsh/site-functions
# MODE:FILE:where it goes below PREFIX
INSTALLED := 755:$(B)/rowferry:bin/rowferry \
             644:$(B)/share/rowferry.1:share/man/man1/rowferry.1 \
             644:$(SHARE)/rowferry-schema.5:share/man/man5/rowferry-schema.5 \
             644:$(B)/share/rowferry.bash:share/bash-completion/completions/rowferry \
             644:$(B)/share/rowferry.zsh:$(ZSHDIR)/_rowferry \
             644:$(B)/share/rowferry.service:lib/systemd/system/rowferry.service \
             644:$(SHARE)/rowferry.timer:lib/systemd/system/rowferry.timer \
             644:$(B)/share/rowferry-listen.service:lib/systemd/system/rowferry-listen.service \
             644:$(SHARE)/rowferry-listen.socket:lib/systemd/system/rowferry-listen.socket \
             644:$(SHARE)/sysusers.conf:lib/sysusers.d/rowferry.conf \
             644:$(SHARE)/tmpfiles.conf:lib/tmpfiles.d/rowferry.conf \
             644:$(SHARE)/rowferry.env:share/doc/rowferry/examples/rowferry.env \
             644:$(SHARE)/litestream.yml:share/doc/rowferry/examples/litestream.yml \
             $(foreach file,$(wildcard schema/*.json schema/examples/*.json),644:$(file):share/rowferry/$(file))

.PHONY: all always help deps deps-lint deps-bench deps-fuzz have-packages need test test-programs quick golden cov unit cli \
        crash fuzz fuzz-programs demo lint bench bench-count format install uninstall deb clean
.DELETE_ON_ERROR:
# objects that were made for one test program are kept for the next build
.SECONDARY:

all: $(B)/rowferry $(B)/genesys-sim

help:
	@echo 'make           build/release/rowferry and build/release/genesys-sim'
	@echo 'make demo      one nightly run over sample-batches/ against the simulator'
	@echo 'make test      unit tests (cmocka), the fuzz corpus, and command tests (bats)'
	@echo '              TESTS="store drain" only some files, FILTER=429 only some tests'
	@echo 'make quick     all but the command tests that take longest'
	@echo 'make cov       all tests, and how much of core/ they take; fails below 98% of lines, 93% of branches'
	@echo 'make golden    writes the expected output of tests again'
	@echo 'make compile_commands.json  for editors and clang tools'
	@echo 'make crash     KILLS=1000: SIGKILL at every moment, compared with what the API applied;'
	@echo '              COPIES=20: rounds of older and second copies of the database'
	@echo 'make fuzz      libFuzzer (clang) on each target; TARGET=csv SECONDS=600 or RUNS=1000000'
	@echo 'make lint      layers, banned functions, clang-format, cppcheck, clang-tidy, gcc -fanalyzer'
	@echo 'make bench     speed of intake, drain and listener, each next to its reference'
	@echo 'make bench-count   instructions a row and a job, not more than 3% above what is committed'
	@echo 'make install   with manual pages, completions, systemd units; PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)'
	@echo 'make uninstall what install put there'
	@echo 'make deb       a Debian package, $(DEBDIR)/rowferry_$(VERSION)_*.deb'
	@echo 'make deps      what the above needs, through apt-get'
	@echo 'PROFILE=       release (default), debug, asan, tsan, cov'

$(B)/%.o: %.c | have-packages
	@mkdir -p $(@D)
	@echo '  CC   $@'
	@$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# embed HEADER STRUCT ARRAY COUNT FILES: each file as a string with its name, in the order of the names
define embed
@mkdir -p $(@D)
@{ echo '/* made by the Makefile from $(dir $(firstword $(5))); do not edit */'; \
   echo '#include "$(1)"'; \
   echo 'const struct $(2) $(3)[] = {'; \
   for file in $(5); do \
     name=$${file##*/}; echo "{\"$${name%.*}\","; \
     sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $$file; \
     echo '},'; \
   done; \
   echo '};'; \
   echo 'const unsigned $(4) = $(words $(5));'; } > $@
endef

$(B)/migrations.c: $(MIGRATIONS) Makefile
	$(call embed,core/store/migrate.h,migration,migrations,migration_count,$(MIGRATIONS))

$(B)/presets.c: $(TARGETS) Makefile
	$(call embed,core/target/preset.h,preset,presets,preset_count,$(TARGETS))

$(B)/migrations.o $(B)/presets.o: $(B)/%.o: $(B)/%.c | have-packages
	@$(CC) $(filter-out -Wpedantic,$(ALL_CFLAGS)) -Wno-overlength-strings -MMD -MP -c -o $@ $<

$(B)/librowferry.a: $(CORE_OBJ)
	@rm -f $@
	@echo '  AR   $@'
	@ar rcs $@ $^

$(B)/rowferry: $(CLI_SRC:%.c=$(B)/%.o) $(B)/librowferry.a
	@echo '  LD   $@'
	@$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(B)/genesys-sim: $(SIM_SRC:%.c=$(B)/%.o) $(B)/librowferry.a
	@echo '  LD   $@'
	@$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(B)/unit/%: $(B)/tests/unit/%.o $(LIB_OBJ) $(B)/librowferry.a
	@mkdir -p $(@D)
	@echo '  LD   $@'
	@$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) $$(pkg-config --libs $(TEST_PKGS))

$(B)/fuzz/%: $(B)/tests/fuzz/%.o $(FUZZ_OBJ) $(B)/librowferry.a
	@mkdir -p $(@D)
	@echo '  LD   $@'
	@$(CC) $(ALL_LDFLAGS) -Wl,--wrap=open,--wrap=read,--wrap=poll,--wrap=fstat -o $@ $^ $(PKG_LIBS)

# What plays a full disk, a wrong clock, a file that is replaced and a link that is cut for the tests,
# without sanitizers in every profile.
PRELOADS := $(B)/full_disk.so $(B)/clock_step.so $(B)/swap_file.so
$(PRELOADS): $(B)/%.so: tests/crash/%.c
	@mkdir -p $(@D)
	@$(CC) -std=c11 -D_GNU_SOURCE -O2 $(WARNINGS) -fPIC -shared -o $@ $<

$(B)/relay: tests/crash/relay.c
	@mkdir -p $(@D)
	@$(CC) -std=c11 -D_GNU_SOURCE -O2 $(WARNINGS) -o $@ $<

# in some shells, command -v looks only at its first argument
have = (for tool in $(1); do command -v $$tool || exit 1; done) >/dev/null 2>&1

# A build installs nothing by itself.
have-packages:
	@pkg-config --exists $(BUILD_PKGS) 2>/dev/null || { \
	  echo 'libraries are missing: run `make deps`, which installs these Debian packages, or install them yourself:'; \
	  printf '  %s\n' $(DEB_BUILD); exit 1; } >&2

# Installs what pkg-config misses, so that `make demo` and `make test` are enough.
need:
	@pkg-config --exists $(BUILD_PKGS) 2>/dev/null || $(MAKE) --no-print-directory deps

need-test: need
	@PATH="$$PATH:/usr/sbin"; { pkg-config --exists $(TEST_PKGS) 2>/dev/null && \
	  $(call have,bats sqlite3 jq curl openssl mandoc zsh lighttpd); } || $(MAKE) --no-print-directory deps

deps:
	@tests/lib/deps.sh $(DEB_BUILD) $(DEB_TEST)

deps-lint: need
	@$(call have,clang-format clang-tidy cppcheck) || tests/lib/deps.sh $(DEB_LINT)

deps-bench: need
	@PATH="$$PATH:/usr/sbin"; $(call have,nginx mlr wrk parallel jq sqlite3 curl openssl python3) || tests/lib/deps.sh $(DEB_BENCH) $(DEB_TEST)

# libFuzzer comes with clang, in a package that is named after its version
libfuzzer = echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' | \
            clang -fsanitize=fuzzer,address -x c -o /dev/null - 2>/dev/null
deps-fuzz: need
	@$(call have,clang) || tests/lib/deps.sh $(DEB_FUZZ)
	@$(libfuzzer) || tests/lib/deps.sh libclang-rt-$$(clang -dumpversion | cut -d. -f1)-dev

# What the chosen tests need: the programs only where a command test is among them.
CLI_TESTS = $(strip $(call chosen,$(wildcard tests/cli/*.bats)))
TEST_BIN  = $(sort $(call chosen,$(UNIT_BIN)) $(call chosen,$(FUZZ_BIN)) \
            $(if $(CLI_TESTS),$(B)/rowferry $(B)/genesys-sim $(PRELOADS) $(B)/relay))

test-programs: $(TEST_BIN)
	@:

test: need-test
	@$(MAKE) --no-print-directory test-programs
	@PROFILE=$(PROFILE) tests/run.sh

quick: need-test
	@$(MAKE) --no-print-directory test-programs
	@PROFILE=$(PROFILE) tests/run.sh quick

# Writes what the tests compare with: read the difference before you commit it.
golden: need-test
	@$(MAKE) --no-print-directory test-programs
	@UPDATE_GOLDEN=1 PROFILE=$(PROFILE) tests/run.sh
	@git status --short tests/golden docs README.md

# What all tests together take of core/; the parts that none takes are in build/cov/uncovered.txt.
cov: need-test
	@$(call have,gcovr) || tests/lib/deps.sh $(DEB_COV)
	@find build/cov -name '*.gcda' -delete 2>/dev/null || true
	@$(MAKE) --no-print-directory PROFILE=cov test
	@tests/cov.sh

unit: need-test
	@$(MAKE) --no-print-directory $(call chosen,$(UNIT_BIN))
	@PROFILE=$(PROFILE) tests/run.sh unit

cli: need-test
	@$(MAKE) --no-print-directory $(B)/rowferry $(B)/genesys-sim $(PRELOADS) $(B)/relay
	@PROFILE=$(PROFILE) tests/run.sh cli

fuzz: deps-fuzz
	@$(MAKE) --no-print-directory PROFILE=fuzz CC=clang fuzz-programs
	@RUNS='$(RUNS)' tests/fuzz/run.sh '$(or $(SECONDS),600)' $(TARGET)

fuzz-programs: $(FUZZ_BIN)

# The shipped build has no crash points, so this uses another profile.
CRASH_PROFILE = $(PROFILE:release=debug)
KILLS ?= 1000
COPIES ?= 20

crash: need-test
	@$(MAKE) --no-print-directory PROFILE=$(CRASH_PROFILE) all build/$(CRASH_PROFILE)/clock_step.so
	@$(MAKE) --no-print-directory PROFILE=release build/release/unit/governor_fuzz_test
	@B=build/$(CRASH_PROFILE) KILLS='$(KILLS)' SEED='$(SEED)' tests/crash/run.sh
	@$(MAKE) --no-print-directory build/$(CRASH_PROFILE)/relay PROFILE=$(CRASH_PROFILE)
	@ROWFERRY_BIN=$(CURDIR)/build/$(CRASH_PROFILE) COPIES_ROUNDS='$(COPIES)' bats tests/cli/copies.bats

demo: need-test
	@$(MAKE) --no-print-directory all
	@B=$(B) tests/lib/demo.sh

lint: need deps-lint
	@CC='$(CC)' CFLAGS='$(ALL_CFLAGS) $(CRASHES)' LAYERS='$(LAYERS)' tests/lint/run.sh

bench: need deps-bench
	@$(MAKE) --no-print-directory PROFILE=release all build/release/limit_drain build/release/limit_listen \
	          build/release/measure build/release/begin_waits.so
	@tests/bench/run.sh

# Instructions a row and a job, held to what is committed.
bench-count: need-test
	@$(call have,valgrind) || tests/lib/deps.sh valgrind
	@$(MAKE) --no-print-directory PROFILE=release all
	@tests/bench/count.sh

build/release/limit_drain build/release/limit_listen build/release/measure: build/release/%: tests/bench/%.c
	@$(CC) $(ALL_CFLAGS) -o $@ $< $(ALL_LDFLAGS) $(PKG_LIBS)

build/release/begin_waits.so: tests/bench/begin_waits.c
	@$(CC) -std=c11 -D_GNU_SOURCE -O2 $(WARNINGS) -fPIC -shared -o $@ $<

# The compiler's commands as make would run them.
compile_commands.json: always
	@$(MAKE) --no-print-directory -nB $(sort $(CORE_SRC:%.c=$(B)/%.o) $(CLI_SRC:%.c=$(B)/%.o) \
	  $(SIM_SRC:%.c=$(B)/%.o) $(UNIT_SRC:%.c=$(B)/%.o) $(LIB_OBJ)) | \
	  awk -v folder='$(CURDIR)' 'BEGIN { printf "[" } \
	    / -c -o / { gsub(/\\/, "&&"); gsub(/"/, "\\\""); \
	      printf "%s\n{\"directory\": \"%s\", \"file\": \"%s\", \"command\": \"%s\"}", sep, folder, $$NF, $$0; sep = "," } \
	    END { print "\n]" }' > $@

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

# The manual page and the completions name the commands and options that this rowferry has.
$(B)/help_table: $(B)/$(SHARE)/help_table.o $(filter-out %/main.o,$(CLI_SRC:%.c=$(B)/%.o)) $(B)/librowferry.a
	@$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(B)/share/help.tsv: $(B)/help_table
	@mkdir -p $(@D)
	@$< > $@

$(B)/share/rowferry.1: $(B)/share/help.tsv $(SHARE)/rowferry.1.in $(SHARE)/man.awk
	@awk -f $(SHARE)/man.awk $(filter-out %.awk,$^) > $@

# The names of the states in a list of core/job/state.h.
STATE_WORDS = $(shell echo '$1(NAME, NAME)' | \
    $(CC) -E -P -I. -include core/job/state.h '-DNAME(state,name)=name' -x c - | tail -n 1)

$(B)/share/rowferry.%: $(B)/share/help.tsv $(SHARE)/rowferry.%.in $(SHARE)/values.awk $(SHARE)/%.awk
	@awk -v states="$(call STATE_WORDS,JOB_STATE_LIST)" -v retriable="$(call STATE_WORDS,JOB_RETRIABLE_LIST)" \
	    -f $(SHARE)/values.awk -f $(SHARE)/$*.awk $(filter-out %.awk,$^) > $@

# made each time, because it depends on PREFIX
$(B)/share/%.service: $(SHARE)/%.service.in $(SHARE)/hardening.conf always
	@mkdir -p $(@D)
	@{ sed 's|@BINDIR@|$(PREFIX)/bin|' $<; echo; cat $(SHARE)/hardening.conf; } > $@

install: all $(foreach entry,$(INSTALLED),$(word 2,$(subst :, ,$(entry))))
	@set -e; umask 022; for entry in $(INSTALLED); do \
	  mode=$${entry%%:*} rest=$${entry#*:}; \
	  install -D -m "$$mode" "$${rest%:*}" '$(DESTDIR)$(PREFIX)'/"$${rest#*:}"; \
	done

uninstall:
	@set -e; for entry in $(INSTALLED); do rm -f '$(DESTDIR)$(PREFIX)'/"$${entry##*:}"; done
	@cd '$(DESTDIR)$(PREFIX)/share' 2>/dev/null && \
	  rmdir rowferry/schema/examples rowferry/schema rowferry doc/rowferry/examples doc/rowferry 2>/dev/null || true

deb: need
	@$(call have,dpkg-shlibdeps lintian) || tests/lib/deps.sh $(DEB_DEB)
	@rm -rf $(B)/deb
	@umask 022; $(MAKE) --no-print-directory PREFIX=/usr ZSHDIR=share/zsh/vendor-completions \
	  DESTDIR='$(CURDIR)/$(B)/deb' install
	@$(SHARE)/debian/build.sh $(B)/deb $(VERSION) '$(DEBDIR)'

clean:
	rm -rf build

-include $(shell find $(B) -type f -name '*.d' 2>/dev/null)
