# The unit tests of the extension's pure C: make -f extension/unit.mk check

CFLAGS ?= -O2 -g
BUILD ?= extension/build
PURE = text/fold text/grams
CHECKS = $(PURE:text/%=$(BUILD)/test_%)

.PHONY: check clean
check: $(CHECKS)
	set -e; for test in $(CHECKS); do $$test; done

$(BUILD)/test_%: test/unit/extension/text/test_%.c $(PURE:%=extension/%.c) $(wildcard extension/text/*.h) | $(BUILD)
	$(CC) -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror $(CFLAGS) -Iextension -o $@ $(filter %.c,$^) \
		$(shell pkg-config --cflags --libs check)

$(BUILD):
	mkdir -p $@

clean:
	rm -rf $(BUILD)
