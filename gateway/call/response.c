/*
 * response: the rows that a function returned, as JSON or CSV. They are written straight into one buffer, by the
 * columns' types.
 */
#include "call/response.h"

#include <string.h>

#include "base/csv.h"
#include "base/json.h"
#include "base/uri.h"
#include "base/rfc3339.h"

typedef enum ColumnRole
{
	ROLE_FIELD,
	ROLE_NOTHING,
	ROLE_CREATED,
	ROLE_REPLAYED,
	ROLE_TOTAL_COUNT,
	ROLE_NEXT,
	ROLE_REFUSED,
	ROLE_REFUSED_DETAIL
} ColumnRole;

typedef void (*FieldWriter)(Buffer *out, const char *text, size_t length);

typedef struct Column
{
	ColumnRole role;
	const char *name;
	size_t name_length;
	h2o_iovec_t key; /* what precedes the value in an object: a comma, except in the first, the name, and a colon */
	FieldWriter write;
	FieldWriter write_element; /* for arrays; otherwise NULL */
} Column;

static void
verbatim_write(Buffer *out, const char *text, size_t length)
{
	buffer_append(out, text, length);
}

/* JSON has no infinity, nor what is not a number: these are null, as in JavaScript. */
static void
float_write(Buffer *out, const char *text, size_t length)
{
	if (text[length - 1] >= '0' && text[length - 1] <= '9')
		buffer_append(out, text, length);
	else
		buffer_append_text(out, "null");
}

static void
boolean_write(Buffer *out, const char *text, size_t length)
{
	(void) length;
	buffer_append_text(out, text[0] == 't' ? "true" : "false");
}

/* How to write the values of a type, or the elements of an array. All other types are written as text. Only arrays that
 * routes use are here. */
static const struct
{
	Oid type;
	FieldWriter write;
	FieldWriter write_element;
} writers[] = { { TYPE_SMALLINT, verbatim_write, NULL },
				{ TYPE_INTEGER, verbatim_write, NULL },
				{ TYPE_BIGINT, verbatim_write, NULL },
				{ TYPE_OID, verbatim_write, NULL },
				{ TYPE_JSON, verbatim_write, NULL },
				{ TYPE_JSONB, verbatim_write, NULL },
				{ TYPE_REAL, float_write, NULL },
				{ TYPE_DOUBLE, float_write, NULL },
				{ TYPE_BOOLEAN, boolean_write, NULL },
				{ TYPE_TIMESTAMPTZ, rfc3339_write, NULL },
				{ TYPE_INTEGER_ARRAY, NULL, verbatim_write },
				{ TYPE_BIGINT_ARRAY, NULL, verbatim_write },
				{ TYPE_TEXT_ARRAY, NULL, json_write_string } };

static ColumnRole
column_role(const char *name, Oid type)
{
	static const struct
	{
		const char *name;
		ColumnRole role;
	} roles[] = { { "created", ROLE_CREATED },
				  { "replayed", ROLE_REPLAYED },
				  { "total_count", ROLE_TOTAL_COUNT },
				  { "refused", ROLE_REFUSED },
				  { "refused_detail", ROLE_REFUSED_DETAIL } };

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(name, roles[i].name) == 0)
			return roles[i].role;
	if (strncmp(name, "next_", 5) == 0)
		return ROLE_NEXT;
	return type == TYPE_VOID ? ROLE_NOTHING : ROLE_FIELD;
}

static h2o_iovec_t
column_key(const Column *column, bool is_first, h2o_mem_pool_t *pool)
{
	Buffer key = { 0 };
	h2o_iovec_t kept;

	if (!is_first)
		buffer_append_byte(&key, ',');
	json_write_string(&key, column->name, column->name_length);
	buffer_append_byte(&key, ':');
	kept = h2o_strdup(pool, key.base, key.length);
	buffer_dispose(&key);
	return kept;
}

static Column *
columns_describe(const PGresult *result, const char *omitted, h2o_mem_pool_t *pool)
{
	int count = PQnfields(result);
	Column *columns = h2o_mem_alloc_pool(pool, ((size_t) count + 1) * sizeof(*columns));
	bool is_first = true;

	for (int i = 0; i < count; i++)
	{
		const char *name = PQfname(result, i);
		Oid type = PQftype(result, i);

		columns[i] =
			(Column){ .role = omitted != NULL && strcmp(name, omitted) == 0 ? ROLE_NOTHING : column_role(name, type),
					  .name = name,
					  .name_length = strlen(name),
					  .write = json_write_string };
		for (size_t j = 0; j < sizeof(writers) / sizeof(writers[0]); j++)
			if (writers[j].type == type)
			{
				columns[i].write = writers[j].write;
				columns[i].write_element = writers[j].write_element;
			}
		if (columns[i].role != ROLE_FIELD)
			continue;
		columns[i].key = column_key(&columns[i], is_first, pool);
		is_first = false;
	}
	return columns;
}

static void
value_write(Buffer *out, const Column *column, const PGresult *result, int row, int place)
{
	if (column->write_element != NULL)
		array_to_json(PQgetvalue(result, row, place), column->write_element, out);
	else
		column->write(out, PQgetvalue(result, row, place), (size_t) PQgetlength(result, row, place));
}

static void
object_write(Buffer *out, const Column *columns, const PGresult *result, int row)
{
	int count = PQnfields(result);

	buffer_append_byte(out, '{');
	for (int i = 0; i < count; i++)
	{
		if (columns[i].role != ROLE_FIELD)
			continue;
		buffer_append(out, columns[i].key.base, columns[i].key.len);
		if (PQgetisnull(result, row, i))
			buffer_append(out, "null", 4);
		else
			value_write(out, &columns[i], result, row, i);
	}
	buffer_append_byte(out, '}');
}

/* Writes the header (row -1) or a row. A value that is a JSON string is written without its quotes, any other as in
 * JSON. */
static void
line_write(Buffer *out, const Column *columns, const PGresult *result, int row)
{
	Buffer json = { 0 };
	const char *separator = "";

	for (int i = 0; i < PQnfields(result); i++)
	{
		if (columns[i].role != ROLE_FIELD)
			continue;
		buffer_append_text(out, separator);
		separator = ",";
		if (row < 0)
			csv_write_field(out, columns[i].name, columns[i].name_length);
		else if (PQgetisnull(result, row, i))
			continue;
		else if (columns[i].write == json_write_string)
			csv_write_field(out, PQgetvalue(result, row, i), (size_t) PQgetlength(result, row, i));
		else
		{
			json.length = 0;
			value_write(&json, &columns[i], result, row, i);
			/* A quoted time, or null. */
			if (columns[i].write != rfc3339_write)
				csv_write_field(out, json.base, json.length);
			else if (json.base[0] == '"')
				csv_write_field(out, json.base + 1, json.length - 2);
		}
	}
	buffer_append_text(out, "\r\n");
	buffer_dispose(&json);
}

static void
pair_append(Buffer *out, char *separator, const char *name, const char *value, size_t value_length)
{
	buffer_append_byte(out, *separator);
	*separator = '&';
	percent_encode(out, name, strlen(name));
	buffer_append_byte(out, '=');
	percent_encode(out, value, value_length);
}

/* Appends <this request with `name` set to `value` and without `dropped`>. If `value` is NULL, removes `name`. */
static void
link_append(const ResponseContext *context, h2o_mem_pool_t *pool, const char *relation, const char *name,
			const char *value, Buffer *out)
{
	const char *query = context->query;
	size_t length = context->query_length;
	/* Do not encode again what was sent encoded. */
	h2o_iovec_t escaped_path = h2o_uri_escape(pool, context->path, context->path_length, "%/:@");
	char separator = '?';
	QueryPair pair;

	buffer_append_text(out, out->length == 0 ? "<" : ", <");
	buffer_append(out, escaped_path.base, escaped_path.len);
	while (query_string_next(&query, &length, pool, &pair))
		if (pair.result == URI_OK && strcmp(pair.name, name) != 0 && strcmp(pair.name, "page") != 0)
			pair_append(out, &separator, pair.name, pair.value, pair.value_length);
	if (value != NULL)
		pair_append(out, &separator, name, value, strlen(value));
	buffer_printf(out, ">; rel=\"%s\"", relation);
}

static void
link_append_page(const ResponseContext *context, h2o_mem_pool_t *pool, const char *relation, long page, Buffer *out)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", page);
	link_append(context, pool, relation, "page", text, out);
}

/* Writes the links according to next_NAME, which says whether there is more. */
static void
links_write(const ResponseContext *context, const char *name, const char *next, h2o_mem_pool_t *pool, Buffer *out)
{
	const char *page_text = statement_value(context->route, context->statement, "page");
	long page = page_text == NULL ? 0 : atol(page_text);

	if (page_text == NULL)
	{
		if (next != NULL)
			link_append(context, pool, "next", name, next, out);
		link_append(context, pool, "first", name, NULL, out);
		return;
	}
	if (next != NULL)
		link_append_page(context, pool, "next", page + 1, out);
	if (page > 1)
		link_append_page(context, pool, "prev", page - 1, out);
	link_append_page(context, pool, "first", 1, out);
}

/* Reads the columns that are not fields. */
static void
signals_read(const ResponseContext *context, const Column *columns, const PGresult *result, h2o_mem_pool_t *pool,
			 Response *response)
{
	for (int i = 0; i < PQnfields(result); i++)
	{
		int row = context->route->returns_set ? PQntuples(result) - 1 : context->row;
		bool is_there = row >= 0 && row < PQntuples(result) && !PQgetisnull(result, row, i);
		const char *value = is_there ? PQgetvalue(result, row, i) : NULL;

		switch (columns[i].role)
		{
			case ROLE_NEXT:
				links_write(context, columns[i].name + 5, value, pool, &response->links);
				break;
			case ROLE_CREATED:
				if (value != NULL && value[0] == 'f' && response->status == 201)
					response->status = 200;
				break;
			case ROLE_REPLAYED:
				response->replayed = value != NULL && value[0] == 't';
				break;
			case ROLE_TOTAL_COUNT:
				response->total_count = value;
				break;
			case ROLE_REFUSED:
				response->refused = value;
				break;
			case ROLE_REFUSED_DETAIL:
				response->refused_detail = value;
				break;
			default:
				break;
		}
	}
}

void
response_write(const ResponseContext *context, const PGresult *result, h2o_mem_pool_t *pool, Response *response)
{
	Column *columns = columns_describe(result, context->omitted, pool);
	Buffer *body = &response->body;
	Oid only = PQnfields(result) == 1 ? PQftype(result, 0) : 0;

	*response = (Response){ .status = context->route->status, .content_type = "application/json" };
	signals_read(context, columns, result, pool, response);
	if (response->refused != NULL || response->status == 204)
		return;
	if (context->route->returns_set && csv_is_preferred(context->accept, context->accept_length))
	{
		response->content_type = "text/csv; charset=utf-8; header=present";
		line_write(body, columns, result, -1);
		for (int row = 0; row < PQntuples(result); row++)
		{
			if (PQgetisnull(result, row, 0))
				continue;
			response->rows++;
			line_write(body, columns, result, row);
		}
		return;
	}
	if (context->route->returns_set)
	{
		buffer_append_byte(body, '[');
		for (int row = 0; row < PQntuples(result); row++)
		{
			if (PQgetisnull(result, row, 0))
				continue;
			if (response->rows++ > 0)
				buffer_append_byte(body, ',');
			object_write(body, columns, result, row);
		}
		buffer_append_byte(body, ']');
		return;
	}
	response->rows = (size_t) PQntuples(result);
	if (response->rows == 0)
		response->status = 404;
	else if (only == TYPE_JSON || only == TYPE_JSONB)
		buffer_append_text(body, PQgetisnull(result, context->row, 0) ? "null" : PQgetvalue(result, context->row, 0));
	else
		object_write(body, columns, result, context->row);
}
