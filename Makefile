# parley: the extension is built here by PGXS, the gateway by its own makefile.

EXTENSION = parley
MODULE_big = parley
# Each module may use only those above it. The install script is their tables, then their functions, in this order.
SQL_MODULES = schema contacts conversations messages search api
OBJS = $(patsubst %,extension/%.o,parley statement messages search)
DATA_built = extension/parley--1.0.sql

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

extension/parley--1.0.sql: $(wildcard $(SQL_MODULES:%=extension/%.tables.sql) $(SQL_MODULES:%=extension/%.sql))
	cat $^ > $@
