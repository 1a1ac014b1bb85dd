/*
 * parley.c: initializes the modules of the extension.
 *
 * The modules do not depend on each other's initialization: each prepares its statements when it first runs them. Here
 * is what must be done once, when the library is loaded.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "conversations.h"
#include "errors.h"
#include "front/remote.h"
#include "index/lookup.h"
#include "ledger/early_release.h"
#include "live/wakeups.h"
#include "rows/row_writer.h"
#include "search/settings.h"

PG_MODULE_MAGIC;

void _PG_init(void);

void
_PG_init(void)
{
	parley_errors_init();
	parley_conversations_init();
	parley_lookup_init();
	parley_search_settings_init();
	parley_early_release_init();
	parley_row_writer_init();
	parley_wakeups_init();
	parley_remote_init();
	MarkGUCPrefixReserved("parley");
}
