# parley: PGXS builds the extension. The gateway and the generator have makefiles of their own.

# parley_front and parley_shard are for several databases. They are SQL only.
EXTENSION = parley extension/front/parley_front extension/front/parley_shard
MODULE_big = parley
# Each module may only use the ones before it. The install script contains their tables (NAME.tables.sql, if it exists) and then
# their functions (NAME.sql), in this order.
SQL_MODULES = schema text/grams contacts contact_list agents conversations cases messages live/live bulk_load users sync/sync applications search/search ledger/ledger ledger/audit merges erasures shards routes openapi help api
OBJS = $(patsubst %.c,%.o,$(wildcard extension/*.c extension/*/*.c))
# One topic per file: sql/NAME.sql with expected/NAME.out, test/specs/NAME.spec with test/expected/NAME.out.
REGRESS = contacts contact_list merges erasures conversations cases messages messages_owner bulk_load audit users sync live applications chats_owner shards ledger ledger_time ledger_errors ledger_audit ledger_owner ledger_path routes api search search_schema search_oracle plans reach tour
ISOLATION = merge_race user_creation conversation_creation block_race numbering message_replay rebuild read_horizon sync_late_commit chat_creation chat_posting last_cent transfer_crossing posting_replay totals_during_transfers search_visibility search_serializable list_serializable

# The script for a fresh database, and the one that updates from the previous version to the same (its first file explains the
# rule).
EXTVERSION = 1.1
DATA_built = extension/parley--$(EXTVERSION).sql extension/parley--1.0--1.1.sql
DATA = extension/upgrade/parley--1.0.sql extension/front/parley_front--$(EXTVERSION).sql extension/front/parley_shard--$(EXTVERSION).sql
PG_CPPFLAGS = -Iextension -MMD -MP
EXTRA_CLEAN = $(OBJS:.o=.d)
# The extension is created before each test, so that every test can be run by itself.
REGRESS_OPTS = --load-extension=pg_trgm --load-extension=parley
ISOLATION_OPTS = --inputdir=test $(REGRESS_OPTS)

# Bitcode lets the JIT compiler inline functions into expressions. Ours would not benefit, and building it needs clang.
override with_llvm = no

# The distribution's PostgreSQL, even if another one is installed.
ifeq ($(origin PG_CONFIG),undefined)
PG_CONFIG := $(shell bash -c '. deploy/local/common.sh && echo "$$PG_CONFIG"')
endif
PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null))
ifneq ($(PGXS),)
include $(PGXS)
else
all install installcheck clean:
	$(error the headers of PostgreSQL are missing: `make run` installs them, or set PG_CONFIG)
endif

TABLES_SQL = $(wildcard $(SQL_MODULES:%=extension/%.tables.sql))
FUNCTIONS_SQL = $(SQL_MODULES:%=extension/%.sql)
extension/parley--$(EXTVERSION).sql: $(TABLES_SQL) $(FUNCTIONS_SQL)
	cat $^ > $@
extension/parley--1.0--1.1.sql: extension/upgrade/1.0--1.1.tables.sql $(FUNCTIONS_SQL)
	sed -E 's/^CREATE (FUNCTION|PROCEDURE|VIEW|TRIGGER) /CREATE OR REPLACE \1 /' $^ > $@
-include $(OBJS:.o=.d)

# The development interface. deploy/local/parley.sh lists its variables, and test/run.sh the values of TESTS.
export PG_CONFIG RUN_DIR PORT DEMO_CONTACTS DEMO_MESSAGES CONTACTS MESSAGES CSV SEED REPLACE SHARDS TESTS
.PHONY: help run up down populate debug clean-run test check-asan check-valgrind lint format

help:
	@sed -nE 's/^\| (`make .*`.*) \| (.*) \|$$/\1\n    \2/p; s/^(Variables:.*\.) .*/\n\1/p' README.md | tr -d '`'

run up down populate debug clean-run:
	@bash deploy/$(if $(and $(SHARDS),$(filter up,$@)),shards/shards.sh,local/parley.sh) $@

test:
	@bash test/run.sh

# To try out and to break: two nodes and a monitor; home, SHARDS shards and a front.
.PHONY: ha shards
ha:
	@bash deploy/ha/ha.sh run
shards:
	@bash deploy/shards/shards.sh run

check-asan:
	@TESTS=asan,log bash test/run.sh

check-valgrind:
	@TESTS=valgrind,log bash test/run.sh

C_FILES = $(shell git ls-files '*.[ch]')
lint format:
	@bash deploy/local/packages.sh clang-format shellcheck
	@clang-format $(if $(filter lint,$@),--dry-run -Werror,-i) $(C_FILES)
	shellcheck deploy/*/*.sh test/*.sh .ci/run

# Builds packages in dist/, for Debian and the sources for PGXN, and images of containers.
.PHONY: deb dist container
deb:
	@bash deploy/debian/build.sh
container:
	@bash deploy/container/build.sh
dist:
	@mkdir -p dist
	git archive --format=zip --prefix=parley-$(EXTVERSION).0/ --output=dist/parley-$(EXTVERSION).0.zip HEAD

# BENCH selects sections, as in list,search. bench/run.sh lists the other variables.
.PHONY: bench
bench:
	@bash bench/run.sh
