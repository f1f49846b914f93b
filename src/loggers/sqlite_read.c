/* SPDX-License-Identifier: BSD-3-Clause */
/* sqlite_read.c - frames out of a table of an SQLite database */
#include "sqlite_table.h"

#include <string.h>
#include <sys/stat.h>

#include "text.h"

/* Milliseconds to wait for a program that is just writing. */
#define READ_WAIT 5000
/*
 * Rows are taken by a function inside the statement, which lets pass (and
 * sqlite3_step() return) only when a batch is full. To a function values are
 * just there; each sqlite3_column_...() call would lock and look for errors,
 * which makes reading a third slower.
 */
#define TAKE_ROW "evcan_row"
static void take_row(sqlite3_context *context, int n, sqlite3_value **values);

/* Opening */

static void
let_go(struct evcan_sqlite_reader_ *reader)
{
	sqlite3_finalize(reader->select);
	reader->select = NULL;
	sqlite3_close_v2(reader->db);
	reader->db = NULL;
}

/* A file's name as a URI, with what must be escaped. NULL: out of memory */
static char *
immutable_uri(const char *path)
{
	sqlite3_str *uri = sqlite3_str_new(NULL);

	sqlite3_str_appendall(uri, "file:");
	for (; *path != '\0'; path++)
		if (strchr("%?#", *path) != NULL)
			sqlite3_str_appendf(uri, "%%%02x",
			    (unsigned char)*path);
		else
			sqlite3_str_appendchar(uri, 1, *path);
	sqlite3_str_appendall(uri, "?immutable=1");
	return sqlite3_str_finish(uri);
}

/* @return SQLITE_OK: its schema could be read */
static int
try_open(struct evcan_sqlite_reader_ *reader, const char *name, int flags)
{
	int r;

	let_go(reader);
	r = sqlite3_open_v2(name, &reader->db, flags | SQLITE_OPEN_NOMUTEX,
	    NULL);
	if (r != SQLITE_OK)
		return r;
	sqlite3_busy_timeout(reader->db, READ_WAIT);
	/* It may come from anybody. */
	sqlite3_db_config(reader->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(reader->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0,
	    NULL);
	/* Nothing is read twice, and what fits into the processor's cache is
	 * read faster. */
	return sqlite3_exec(reader->db, "PRAGMA cell_size_check=ON;"
	    "PRAGMA cache_size=-256;"
	    "SELECT 1 FROM sqlite_master LIMIT 1", NULL, NULL, NULL);
}

static bool
has_log(const char *path)
{
	char *name = sqlite3_mprintf("%s-wal", path);
	struct stat st = { 0 };
	const bool has = name == NULL || (stat(name, &st) == 0 &&
	    st.st_size > 0);

	sqlite3_free(name);
	return has;
}

/*
 * Nothing is changed where that can be avoided. A database that a crash left
 * behind has to be recovered: beside a write-ahead log that needs a file that
 * may be written, from a rollback journal the database itself. On a disk that
 * cannot be written it is taken as it is if there is no log.
 */
static int
open_database(struct evcan_sqlite_reader_ *reader, const char *path,
    struct evcan_error *err)
{
	int r = try_open(reader, path, SQLITE_OPEN_READONLY) & 0xff;
	char *uri;

	if (r == SQLITE_READONLY || r == SQLITE_CANTOPEN || r == SQLITE_IOERR)
		r = try_open(reader, path, SQLITE_OPEN_READWRITE) & 0xff;
	if ((r == SQLITE_READONLY || r == SQLITE_CANTOPEN) &&
	    !has_log(path)) {
		uri = immutable_uri(path);
		r = uri == NULL ? SQLITE_NOMEM : try_open(reader, uri,
		    SQLITE_OPEN_READONLY | SQLITE_OPEN_URI) & 0xff;
		sqlite3_free(uri);
	} else if (r == SQLITE_READONLY || r == SQLITE_CANTOPEN) {
		return evcan_error_set(err, EVCAN_ERR_INIT, 0, "its writer "
		    "was not closed, and the file with -wal behind its name "
		    "holds frames: copy both to where they may be written");
	}
	return r == SQLITE_OK ? 0 : evcan_sqlite_error_(reader->db,
	    EVCAN_ERR_INIT, "cannot be read", err);
}

/* Tells the tables that there are. */
static int
no_table(struct evcan_sqlite_reader_ *reader, struct evcan_error *err)
{
	sqlite3_stmt *names = NULL;
	sqlite3_str *list = sqlite3_str_new(reader->db);
	char *text;

	sqlite3_prepare_v2(reader->db, "SELECT name FROM sqlite_master WHERE "
	    "type='table' ORDER BY name LIMIT 10", -1, &names, NULL);
	while (sqlite3_step(names) == SQLITE_ROW)
		sqlite3_str_appendf(list, "%s%.50s",
		    sqlite3_str_length(list) > 0 ? ", " : "",
		    (const char *)sqlite3_column_text(names, 0));
	sqlite3_finalize(names);
	text = sqlite3_str_finish(list);
	evcan_error_set(err, EVCAN_ERR_NOT_FOUND, 0, "has no table %.100s; "
	    "the option table_name names one of: %.300s", reader->table,
	    text != NULL ? text : "(it has none)");
	sqlite3_free(text);
	return EVCAN_ERR_NOT_FOUND;
}

/* SELECT 1 FROM main."messages" WHERE evcan_row(rowid, data, ..., ts): the
 * last column first, so that a row's header is walked through once. A table
 * without rowid is read in the order of its key. */
static sqlite3_stmt *
prepare_select(struct evcan_sqlite_reader_ *reader, bool rowid)
{
	sqlite3_str *sql = sqlite3_str_new(reader->db);
	sqlite3_stmt *made = NULL;
	uint8_t at = 1;
	char *text;

	sqlite3_str_appendf(sql, "SELECT 1 FROM main.\"%w\" WHERE "
	    TAKE_ROW "(%s", reader->table, rowid ? "rowid" : "0");
	for (unsigned i = EVCAN_SQLITE_COLUMNS; i-- > 0;) {
		if (!EVCAN_COLUMNS_HAVE(reader->columns, i))
			continue;
		sqlite3_str_appendf(sql, ",%s", evcan_sqlite_column_(i));
		reader->at[i] = at++;
	}
	sqlite3_str_appendall(sql, rowid ? ") ORDER BY rowid" : ")");
	text = sqlite3_str_finish(sql);
	if (text != NULL)
		sqlite3_prepare_v2(reader->db, text, -1, &made, NULL);
	sqlite3_free(text);
	return made;
}

static int
select_rows(struct evcan_sqlite_reader_ *reader, struct evcan_error *err)
{
	static const unsigned needed[] = { EVCAN_COLUMN_TIME,
	    EVCAN_COLUMN_ID, EVCAN_COLUMN_DATA };

	reader->columns = evcan_sqlite_columns_(reader->db, reader->table);
	if (reader->columns == 0)
		return no_table(reader, err);
	for (unsigned i = 0; i < 3; i++)
		if (!EVCAN_COLUMNS_HAVE(reader->columns, needed[i]))
			return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
			    "table %.100s has no column %s: ts, "
			    "arbitration_id, extended, remote, error, dlc "
			    "and data are looked for", reader->table,
			    evcan_sqlite_column_(needed[i]));
	sqlite3_create_function_v2(reader->db, TAKE_ROW, -1, SQLITE_UTF8 |
	    SQLITE_DIRECTONLY, reader, take_row, NULL, NULL, NULL);
	reader->select = prepare_select(reader, true);
	reader->ordered = reader->select != NULL;
	if (reader->select == NULL)
		reader->select = prepare_select(reader, false);
	return reader->select != NULL ? 0 : evcan_sqlite_error_(reader->db,
	    EVCAN_ERR_INIT, "cannot be read", err);
}

static void
find_ends(struct evcan_sqlite_reader_ *reader)
{
	char *sql = sqlite3_mprintf("SELECT (SELECT min(rowid) FROM "
	    "main.\"%w\"), (SELECT max(rowid) FROM main.\"%w\")",
	    reader->table, reader->table);
	sqlite3_stmt *ends = NULL;

	if (sql != NULL)
		sqlite3_prepare_v2(reader->db, sql, -1, &ends, NULL);
	if (sqlite3_step(ends) == SQLITE_ROW) {
		reader->first = sqlite3_column_int64(ends, 0);
		reader->last = sqlite3_column_int64(ends, 1);
	}
	sqlite3_finalize(ends);
	sqlite3_free(sql);
}

int
evcan_sqlite_read_begin_(void *state, const struct evcan_file *file,
    struct evcan_error *err)
{
	struct evcan_sqlite_reader_ *reader = state;
	int r;

	if (file == NULL || file->path == NULL)
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "a database can only be read from a file with a name");
	reader->size = file->size;
	r = open_database(reader, file->path, err);
	if (r == 0)
		r = select_rows(reader, err);
	if (r == 0)
		find_ends(reader);
	return r;
}

void
evcan_sqlite_read_done_(void *state)
{
	let_go(state);
}

/* Values: each gives NULL, or why it is none */

static sqlite3_value *
value_of(const struct evcan_sqlite_reader_ *reader, sqlite3_value **row,
    unsigned column)
{
	return EVCAN_COLUMNS_HAVE(reader->columns, column) ?
	    row[reader->at[column]] : NULL;
}

static const char *
get_time(sqlite3_value *ts, sqlite3_value *time_ns, int64_t *ns)
{
	int type;

	if (time_ns != NULL && sqlite3_value_type(time_ns) == SQLITE_INTEGER) {
		*ns = sqlite3_value_int64(time_ns);
		return NULL;
	}
	type = sqlite3_value_type(ts);
	if (type == SQLITE_TEXT)
		type = sqlite3_value_numeric_type(ts);
	if ((type == SQLITE_FLOAT || type == SQLITE_INTEGER) &&
	    evcan_sqlite_ns_(sqlite3_value_double(ts), ns))
		return NULL;
	return "ts is not a number of seconds before 2262";
}

static const char *
get_id(sqlite3_value *value, uint32_t *id)
{
	const int type = sqlite3_value_type(value);
	int64_t number = sqlite3_value_int64(value);

	if (type != SQLITE_INTEGER && (type != SQLITE_TEXT ||
	    evcan_text_get_int_((const char *)sqlite3_value_text(value),
	    &number) < 0))
		return "arbitration_id is not a whole number";
	if (number < 0 || number > EVCAN_MAX_EXT_ID)
		return "arbitration_id is over 29 bits, 0x1fffffff";
	*id = (uint32_t)number;
	return NULL;
}

static bool
is_true(sqlite3_value *text)
{
	return sqlite3_value_int(text) != 0 || sqlite3_stricmp(
	    (const char *)sqlite3_value_text(text), "true") == 0;
}

/* Looks at the type first: that branch can be foretold, the value's not. */
static bool
get_bool(sqlite3_value *value)
{
	if (value == NULL)
		return false;
	return sqlite3_value_type(value) != SQLITE_TEXT ?
	    sqlite3_value_int(value) != 0 : is_true(value);
}

/* Text is taken as pairs of hex digits. */
static const char *
get_hex(const uint8_t *text, unsigned len, uint8_t *data)
{
	for (; len > 0; len--, text += 2) {
		const uint8_t hi = evcan_hex_value_[text[0]];
		const uint8_t lo = evcan_hex_value_[text[1]];

		if ((hi | lo) > 15)
			return "data is neither a blob nor hexadecimal";
		*data++ = (uint8_t)(hi << 4 | lo);
	}
	return NULL;
}

static const char *
get_data(sqlite3_value *value, unsigned *len, uint8_t *data)
{
	const int type = sqlite3_value_type(value);
	const void *bytes = sqlite3_value_blob(value);
	const int n = sqlite3_value_bytes(value);

	*len = 0;
	if (type == SQLITE_NULL || n == 0)
		return NULL;
	if ((type != SQLITE_BLOB && type != SQLITE_TEXT) || bytes == NULL)
		return "data is neither a blob nor hexadecimal";
	if (n > (type == SQLITE_TEXT ? 2 * EVCAN_MAX_DATA : EVCAN_MAX_DATA))
		return "data has more than 64 bytes";
	if (type == SQLITE_TEXT) {
		*len = (unsigned)n / 2;
		return n % 2 != 0 ? "data is neither a blob nor hexadecimal" :
		    get_hex(bytes, *len, data);
	}
	*len = (unsigned)n;
	if (n == 8)   /* one move instead of a call */
		memcpy(data, bytes, 8);
	else
		memcpy(data, bytes, (size_t)n);
	return NULL;
}

static const char *
get_dlc(sqlite3_value *value, struct evcan_row_ *says)
{
	const int64_t dlc = value != NULL ? sqlite3_value_int64(value) : 0;

	says->dlc = (unsigned)dlc;
	if (dlc > 0 && dlc <= EVCAN_MAX_DATA)
		return NULL;
	if (value == NULL || sqlite3_value_type(value) == SQLITE_NULL)
		says->columns &= ~(1u << EVCAN_COLUMN_DLC);
	return dlc == 0 ? NULL : "dlc is not 0 to 64";
}

static const char *
get_channel(struct evcan_sqlite_reader_ *reader, sqlite3_value *value,
    uint16_t *channel)
{
	const char *name = value != NULL ?
	    (const char *)sqlite3_value_text(value) : NULL;
	int r;

	if (name == NULL || *name == '\0')
		return NULL;
	if (strcmp(name, reader->name) == 0) {
		*channel = reader->channel;
		return NULL;
	}
	r = evcan_channel_intern(name);
	if (r == EVCAN_ERR_INVALID)
		return "channel is no channel name";
	if (r <= 0) {
		if (reader->told)
			return NULL;
		reader->told = true;
		return "this process has no room for another channel name: "
		    "this frame is left out, further ones have none";
	}
	strcpy(reader->name, name);   /* a name that is known fits */
	reader->channel = *channel = (uint16_t)r;
	return NULL;
}

static const char *
get_direction(sqlite3_value *value, uint8_t *dir)
{
	const char *text = value != NULL ?
	    (const char *)sqlite3_value_text(value) : NULL;
	const int found = text == NULL || *text == '\0' ? EVCAN_DIR_RX :
	    evcan_column_direction_(text, strlen(text));

	if (found < 0)
		return "direction is not Rx, Tx or TxRq";
	*dir = (uint8_t)found;
	return NULL;
}

/* What python-can's columns do not have. */
static const char *
get_rest(struct evcan_sqlite_reader_ *reader, sqlite3_value **row,
    struct evcan_row_ *says, struct evcan_frame *frame)
{
	const char *why;

	says->fd = get_bool(value_of(reader, row, EVCAN_COLUMN_FD));
	says->brs = get_bool(value_of(reader, row, EVCAN_COLUMN_BRS));
	says->esi = get_bool(value_of(reader, row, EVCAN_COLUMN_ESI));
	why = get_channel(reader, value_of(reader, row,
	    EVCAN_COLUMN_CHANNEL), &frame->channel);
	return why != NULL ? why : get_direction(value_of(reader, row,
	    EVCAN_COLUMN_DIRECTION), &frame->dir);
}

static const char *
get_frame(struct evcan_sqlite_reader_ *reader, sqlite3_value **row,
    struct evcan_frame *frame)
{
	struct evcan_row_ says = { .columns = reader->columns };
	const char *why;

	if ((why = get_time(value_of(reader, row, EVCAN_COLUMN_TIME),
	    value_of(reader, row, EVCAN_SQLITE_NS), &frame->time_ns)) != NULL
	    || (why = get_id(value_of(reader, row, EVCAN_COLUMN_ID),
	    &says.id)) != NULL || (why = get_dlc(value_of(reader, row,
	    EVCAN_COLUMN_DLC), &says)) != NULL || (why = get_data(
	    value_of(reader, row, EVCAN_COLUMN_DATA), &says.len,
	    frame->data)) != NULL)
		return why;
	frame->clock = evcan_row_clock_(frame->time_ns);
	frame->channel = EVCAN_CHANNEL_NONE;
	frame->dir = EVCAN_DIR_RX;
	frame->hops = 0;
	memset(frame->reserved, 0, sizeof(frame->reserved));
	says.ext = get_bool(value_of(reader, row, EVCAN_COLUMN_EXT));
	says.remote = get_bool(value_of(reader, row, EVCAN_COLUMN_REMOTE));
	says.error = get_bool(value_of(reader, row, EVCAN_COLUMN_ERROR));
	if (reader->columns >> EVCAN_COLUMNS_PYTHON != 0 &&
	    (why = get_rest(reader, row, &says, frame)) != NULL)
		return why;
	return evcan_row_frame_(&says, frame);
}

/* Rows */

/* The statement's function. Its result: 1, to stop at this row, or none. */
static void
take_row(sqlite3_context *context, int n, sqlite3_value **row)
{
	struct evcan_sqlite_reader_ *reader = sqlite3_user_data(context);
	const int64_t rowid = sqlite3_value_int64(row[0]);
	const char *why;

	(void)n;
	if (reader->ordered && reader->started && rowid <= reader->rowid) {
		/* Pages of a damaged file may lead in circles. */
		reader->done = true;
		evcan_error_set(&reader->fault, EVCAN_ERR_SYNTAX, 0,
		    "after row %lld: row %lld comes again, the database is "
		    "damaged", (long long)reader->rowid, (long long)rowid);
		sqlite3_result_int(context, 1);
		return;
	}
	reader->started = true;
	reader->rowid = rowid;
	why = get_frame(reader, row, &reader->frames[reader->n]);
	if (why == NULL)
		reader->n++;
	else
		evcan_error_set(&reader->fault, EVCAN_ERR_SYNTAX, 0,
		    "row %lld: %s", (long long)reader->rowid, why);
	if (why != NULL || reader->n == reader->max)
		sqlite3_result_int(context, 1);
}

/* How far rowids have come says how far the file is read. */
static uint64_t
position(const struct evcan_sqlite_reader_ *reader)
{
	const double all = (double)reader->last - (double)reader->first;
	const double done = (double)reader->rowid - (double)reader->first;

	if (reader->done)
		return reader->size;
	return all > 0 && done > 0 && done <= all ?
	    (uint64_t)((double)reader->size * (done / all)) : 0;
}

static int
tell_fault(struct evcan_sqlite_reader_ *reader, struct evcan_decode *out)
{
	out->error = reader->fault;
	out->error_line = reader->rowid > 0 ? (uint64_t)reader->rowid : 0;
	out->error_offset = out->position;
	evcan_error_clear(&reader->fault);
	return out->error.code;
}

/* Up to a full batch, a fault, or the end. */
static void
step(struct evcan_sqlite_reader_ *reader)
{
	const int r = sqlite3_step(reader->select);

	if (r == SQLITE_ROW)
		return;
	reader->done = true;
	if (r != SQLITE_DONE)
		evcan_error_set(&reader->fault, r == SQLITE_NOMEM ?
		    EVCAN_ERR_NOMEM : EVCAN_ERR_SYNTAX, 0,
		    "after row %lld: %.300s", (long long)reader->rowid,
		    sqlite3_errmsg(reader->db));
}

int
evcan_sqlite_decode_(void *state, const struct evcan_span *span,
    struct evcan_frame *frames, size_t max, struct evcan_decode *out)
{
	struct evcan_sqlite_reader_ *reader = state;

	(void)span;
	reader->frames = frames;
	reader->n = 0;
	reader->max = max;
	if (max > 0 && !reader->done && reader->fault.code == 0)
		step(reader);
	out->position = position(reader);
	if (reader->n == 0 && reader->fault.code != 0)
		return tell_fault(reader, out);
	return (int)reader->n;
}
