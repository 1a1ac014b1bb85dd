/*
 * response: the rows that a function returned, as JSON or CSV, written by the columns' types. To continue, a response
 * remembers its row, its field, and the offset in that field's value.
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
	ROLE_INCOMPLETE,
	ROLE_NEXT,
	ROLE_REFUSED,
	ROLE_REFUSED_DETAIL
} ColumnRole;

typedef void (*FieldWriter)(Buffer *out, const char *text, size_t length);

/* A column that is a field of the object. */
struct ResponseField
{
	int column;
	const char *name;
	size_t name_length;
	h2o_iovec_t key; /* what precedes the value in an object: a brace or a comma, the name, and a colon */
	FieldWriter write;
	FieldWriter write_element; /* for arrays; otherwise NULL */
};

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

/* `incomplete` is a field of an object, but not of a list's elements. */
static ColumnRole
column_role(const char *name, Oid type, bool in_list)
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
	if (in_list && strcmp(name, "incomplete") == 0)
		return ROLE_INCOMPLETE;
	if (strncmp(name, "next_", 5) == 0)
		return ROLE_NEXT;
	return type == TYPE_VOID ? ROLE_NOTHING : ROLE_FIELD;
}

static h2o_iovec_t
field_key(const ResponseField *field, bool is_first, h2o_mem_pool_t *pool)
{
	Buffer key = { 0 };
	h2o_iovec_t kept;

	buffer_append_byte(&key, is_first ? '{' : ',');
	json_write_string(&key, field->name, field->name_length);
	buffer_append_byte(&key, ':');
	kept = h2o_strdup(pool, key.base, key.length);
	buffer_dispose(&key);
	return kept;
}

static void
fields_describe(const ResponseContext *context, Response *response, h2o_mem_pool_t *pool)
{
	int count = PQnfields(response->result);

	response->fields = h2o_mem_alloc_pool(pool, ((size_t) count + 1) * sizeof(*response->fields));
	for (int i = 0; i < count; i++)
	{
		const char *name = PQfname(response->result, i);
		Oid type = PQftype(response->result, i);
		ResponseField *field = &response->fields[response->field_count];

		if (column_role(name, type, context->route->returns_set) != ROLE_FIELD ||
			(context->omitted != NULL && strcmp(name, context->omitted) == 0))
			continue;
		*field = (ResponseField){ .column = i, .name = name, .name_length = strlen(name), .write = json_write_string };
		for (size_t j = 0; j < sizeof(writers) / sizeof(writers[0]); j++)
			if (writers[j].type == type)
			{
				field->write = writers[j].write;
				field->write_element = writers[j].write_element;
			}
		field->key = field_key(field, response->field_count == 0, pool);
		response->field_count++;
	}
}

static void
value_write(Buffer *out, const ResponseField *field, const char *text, size_t length)
{
	if (field->write_element != NULL)
		array_to_json(text, field->write_element, out);
	else
		field->write(out, text, length);
}

/* Continues a text or JSON, which may be long, with up to so many bytes of it. Returns whether it is complete. */
static bool
value_continue(Response *response, int column, bool is_text, Buffer *out, size_t size)
{
	const char *text = PQgetvalue(response->result, response->row, column) + response->offset;
	size_t rest = (size_t) PQgetlength(response->result, response->row, column) - response->offset;
	size_t length = rest < size ? rest : size;

	if (is_text && response->offset == 0)
		buffer_append_byte(out, '"');
	if (is_text)
		json_escape(out, text, length);
	else
		buffer_append(out, text, length);
	if (is_text && length == rest)
		buffer_append_byte(out, '"');
	response->offset = length < rest ? response->offset + length : 0;
	return length == rest;
}

/* Continues the object of the current row. Returns whether it is complete. */
static bool
object_write(Response *response, Buffer *out, size_t size)
{
	for (; response->field < response->field_count; response->field++)
	{
		const ResponseField *field = &response->fields[response->field];
		bool is_text = field->write == json_write_string;

		if (response->offset == 0)
		{
			if (response->field > 0 && out->length >= size)
				return false;
			buffer_append(out, field->key.base, field->key.len);
		}
		if (PQgetisnull(response->result, response->row, field->column))
			buffer_append_text(out, "null");
		else if (!is_text && field->write != verbatim_write)
			value_write(out, field, PQgetvalue(response->result, response->row, field->column),
						(size_t) PQgetlength(response->result, response->row, field->column));
		else if (!value_continue(response, field->column, is_text, out, size))
			return false;
	}
	buffer_append_text(out, response->field_count == 0 ? "{}" : "}");
	response->field = 0;
	return true;
}

static bool
array_write(Response *response, Buffer *out, size_t size)
{
	for (; response->row < PQntuples(response->result); response->row++)
	{
		if (PQgetisnull(response->result, response->row, 0))
			continue;
		if (response->field == 0 && response->offset == 0)
		{
			if (out->length >= size)
				return false;
			buffer_append_byte(out, response->rows++ == 0 ? '[' : ',');
		}
		if (!object_write(response, out, size))
			return false;
	}
	buffer_append_text(out, response->rows == 0 ? "[]" : "]");
	return true;
}

/* Writes the header (row -1) or a row. A value that is a JSON string is written without its quotes, any other as in
 * JSON. */
static void
line_write(const Response *response, Buffer *out)
{
	int row = response->row;
	Buffer json = { 0 };

	for (size_t i = 0; i < response->field_count; i++)
	{
		const ResponseField *field = &response->fields[i];
		const char *text = row < 0 ? field->name : PQgetvalue(response->result, row, field->column);
		size_t length = row < 0 ? field->name_length : (size_t) PQgetlength(response->result, row, field->column);

		if (i > 0)
			buffer_append_byte(out, ',');
		if (row >= 0 && PQgetisnull(response->result, row, field->column))
			continue;
		if (row < 0 || field->write == json_write_string)
			csv_write_field(out, text, length);
		else
		{
			json.length = 0;
			value_write(&json, field, text, length);
			/* A quoted time, or null. */
			if (field->write != rfc3339_write)
				csv_write_field(out, json.base, json.length);
			else if (json.base[0] == '"')
				csv_write_field(out, json.base + 1, json.length - 2);
		}
	}
	buffer_append_text(out, "\r\n");
	buffer_dispose(&json);
}

static bool
csv_write(Response *response, Buffer *out, size_t size)
{
	for (; response->row < PQntuples(response->result); response->row++)
	{
		if (response->row >= 0 && PQgetisnull(response->result, response->row, 0))
			continue;
		if (out->length >= size)
			return false;
		response->rows += response->row >= 0;
		line_write(response, out);
	}
	return true;
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
signals_read(const ResponseContext *context, h2o_mem_pool_t *pool, Response *response)
{
	const PGresult *result = response->result;

	for (int i = 0; i < PQnfields(result); i++)
	{
		int row = context->route->returns_set ? PQntuples(result) - 1 : context->row;
		bool is_there = row >= 0 && row < PQntuples(result) && !PQgetisnull(result, row, i);
		const char *value = is_there ? PQgetvalue(result, row, i) : NULL;

		switch (column_role(PQfname(result, i), PQftype(result, i), context->route->returns_set))
		{
			case ROLE_NEXT:
				links_write(context, PQfname(result, i) + 5, value, pool, &response->links);
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
			case ROLE_INCOMPLETE:
				response->incomplete = value != NULL && value[0] == 't';
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

static ResponseForm
response_form(const ResponseContext *context, const Response *response)
{
	Oid only = PQnfields(response->result) == 1 ? PQftype(response->result, 0) : 0;

	if (response->refused != NULL || response->status == 204 || response->status == 404)
		return RESPONSE_EMPTY;
	if (context->route->returns_set)
		return csv_is_preferred(context->accept, context->accept_length) ? RESPONSE_CSV : RESPONSE_ARRAY;
	return only == TYPE_JSON || only == TYPE_JSONB ? RESPONSE_JSON : RESPONSE_OBJECT;
}

void
response_begin(const ResponseContext *context, const PGresult *result, h2o_mem_pool_t *pool, Response *response)
{
	*response = (Response){ .status = context->route->status, .content_type = "application/json", .result = result };
	signals_read(context, pool, response);
	if (response->refused == NULL && response->status != 204 && !context->route->returns_set && PQntuples(result) == 0)
		response->status = 404;
	response->form = response_form(context, response);
	fields_describe(context, response, pool);
	if (response->form == RESPONSE_CSV)
	{
		response->content_type = "text/csv; charset=utf-8; header=present";
		response->row = -1;
	}
	else if (response->form == RESPONSE_OBJECT || response->form == RESPONSE_JSON)
	{
		response->row = context->row;
		response->rows = (size_t) PQntuples(result);
	}
}

bool
response_write(Response *response, Buffer *out, size_t size)
{
	switch (response->form)
	{
		case RESPONSE_EMPTY:
			return true;
		case RESPONSE_ARRAY:
			return array_write(response, out, size);
		case RESPONSE_CSV:
			return csv_write(response, out, size);
		case RESPONSE_OBJECT:
			return object_write(response, out, size);
		case RESPONSE_JSON:
			if (!PQgetisnull(response->result, response->row, 0))
				return value_continue(response, 0, false, out, size);
			buffer_append_text(out, "null");
			return true;
	}
	return true;
}
