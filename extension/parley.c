/*
 * parley.c: the extension's composition root.
 *
 * The modules are independent of load order: each prepares its statements when it first runs them. What is done once a
 * library load is done here.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "conversations.h"
#include "index/lookup.h"
#include "ledger/early_release.h"
#include "ledger/row_writer.h"
#include "live/wakeups.h"
#include "search/settings.h"

PG_MODULE_MAGIC;

void _PG_init(void);

void
_PG_init(void)
{
	parley_conversations_init();
	parley_lookup_init();
	parley_search_settings_init();
	parley_early_release_init();
	parley_row_writer_init();
	parley_wakeups_init();
	MarkGUCPrefixReserved("parley");
}
