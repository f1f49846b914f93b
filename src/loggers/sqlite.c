/* SPDX-License-Identifier: BSD-3-Clause */
/* sqlite.c - python-can's table in an SQLite database */
#include <evcan/format.h>

#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include <evcan/error.h>

#include "sqlite_table.h"

/*
 * Table `messages`: ts REAL, arbitration_id, extended, remote, error and dlc
 * INTEGER, data BLOB, as python-can writes and reads it. It has no place for
 * FD, BRS, ESI, channel, direction and nanoseconds; with `columns=all` six
 * more columns hold them, and python-can's reader refuses the table.
 *
 * While it is written the database has a write-ahead log, so that others may
 * read it at the same time and a crash loses nothing that was stored; what is
 * given to store() is one transaction. At the end all is one file again, in
 * the journal mode that every reader opens, also where it may not write.
 *
 * Without `append` the table is replaced by an empty one; other tables of the
 * database stay. With it rows are added in the columns that the table has.
 * A file that holds anything but a database is never touched.
 */

/* Milliseconds that opening, and storing, wait for other programs. */
#define OPEN_WAIT 1000
#define STORE_WAIT 250
/* One statement for so many rows: a row costs half of what it does alone. */
#define ROWS 32

struct writer {
	const char *table;        /* options */
	int all;
	double get_message_timeout;   /* not used */
	double max_seconds;
	int64_t max_frames;

	sqlite3 *db;
	sqlite3_stmt *rows, *row, *begin, *commit;
	unsigned columns;
	unsigned order[EVCAN_SQLITE_COLUMNS];
	unsigned n;               /* columns in it */
};

static void
pace(const void *state, struct evcan_pace *pace)
{
	const struct writer *writer = state;

	pace->interval = writer->max_seconds;
	pace->frames = (size_t)writer->max_frames;
}

/* Seconds that a double cannot tell apart are cut to microseconds, towards
 * the past as everywhere. */
static inline double
seconds(int64_t ns, bool *cut)
{
	const double value = evcan_sqlite_seconds_(ns);
	int64_t back;

	*cut = false;
	/* A double's microseconds are exact for longer than this. */
	if (ns % 1000 == 0 && ns >= 0 && ns < 4294967296000000000)
		return value;
	if (evcan_sqlite_ns_(value, &back) && back == ns)
		return value;
	*cut = true;
	return evcan_sqlite_seconds_(ns - (ns % 1000 + 1000) % 1000);
}

/* A frame's time is whole where there is a column for it. */
static void
count_lost(const struct writer *writer, const struct evcan_frame *frame,
    uint64_t *lost)
{
	bool cut = false;

	if (!EVCAN_COLUMNS_HAVE(writer->columns, EVCAN_SQLITE_NS))
		seconds(frame->time_ns, &cut);
	lost[EVCAN_ROW_LOST_NANOSECONDS] += cut;
	evcan_row_lost_(frame, writer->columns, lost);
}

/* Frames are handed back to store() as they are. */
static int
encode(void *state, const struct evcan_frame *frames, size_t n,
    struct evcan_buffer *out, struct evcan_encode *info)
{
	const struct writer *writer = state;
	uint8_t *room = evcan_buffer_reserve(out, n * sizeof(*frames));
	size_t len = 0;

	if (room == NULL)
		return 0;   /* core sees out->failed */
	for (size_t i = 0; i < n; i++) {
		if ((frames[i].flags & EVCAN_FRAME_OVERLOAD) != 0) {
			info->unfit++;
			continue;
		}
		count_lost(writer, &frames[i], info->lost);
		memcpy(room + len, &frames[i], sizeof(*frames));
		len += sizeof(*frames);
	}
	evcan_buffer_commit(out, len);
	return 0;
}

/* Storing */

static void
bind_channel(sqlite3_stmt *to, int i, const struct evcan_frame *frame)
{
	if (frame->channel == EVCAN_CHANNEL_NONE)
		sqlite3_bind_null(to, i);
	else
		sqlite3_bind_text(to, i,
		    evcan_channel_name(frame->channel), -1, SQLITE_STATIC);
}

static void
bind_time(const struct writer *writer, sqlite3_stmt *to, int i, int64_t ns)
{
	bool cut;

	sqlite3_bind_double(to, i, EVCAN_COLUMNS_HAVE(writer->columns,
	    EVCAN_SQLITE_NS) ? evcan_sqlite_seconds_(ns) :
	    seconds(ns, &cut));
}

static void
bind_column(const struct writer *writer, sqlite3_stmt *to, int i,
    unsigned column, const struct evcan_frame *frame)
{
	static const uint16_t flags[EVCAN_SQLITE_COLUMNS] = {
		[EVCAN_COLUMN_EXT] = EVCAN_FRAME_EXT,
		[EVCAN_COLUMN_REMOTE] = EVCAN_FRAME_RTR,
		[EVCAN_COLUMN_ERROR] = EVCAN_FRAME_ERR,
		[EVCAN_COLUMN_FD] = EVCAN_FRAME_FD,
		[EVCAN_COLUMN_BRS] = EVCAN_FRAME_BRS,
		[EVCAN_COLUMN_ESI] = EVCAN_FRAME_ESI
	};

	switch (column) {
	case EVCAN_COLUMN_TIME:
		bind_time(writer, to, i, frame->time_ns);
		return;
	case EVCAN_COLUMN_ID:
		sqlite3_bind_int64(to, i, frame->id);
		return;
	case EVCAN_COLUMN_DLC:
		sqlite3_bind_int(to, i, (int)evcan_row_dlc_(frame,
		    writer->columns));
		return;
	case EVCAN_COLUMN_DATA:
		sqlite3_bind_blob(to, i, frame->data, frame->len <=
		    EVCAN_MAX_DATA ? frame->len : EVCAN_MAX_DATA,
		    SQLITE_STATIC);
		return;
	case EVCAN_COLUMN_CHANNEL:
		bind_channel(to, i, frame);
		return;
	case EVCAN_COLUMN_DIRECTION:
		sqlite3_bind_text(to, i, evcan_column_directions_[
		    frame->dir <= EVCAN_DIR_TXRQ ? frame->dir :
		    EVCAN_DIR_TX], -1, SQLITE_STATIC);
		return;
	case EVCAN_SQLITE_NS:
		sqlite3_bind_int64(to, i, frame->time_ns);
		return;
	default:
		sqlite3_bind_int(to, i, (frame->flags & flags[column]) != 0);
	}
}

/* @return SQLITE_OK or an error of sqlite3 */
static int
run(sqlite3_stmt *statement)
{
	int r;

	do {
		r = sqlite3_step(statement);
	} while (r == SQLITE_ROW);
	/* It tells step's error, if there was one. */
	return sqlite3_reset(statement);
}

static int
insert(struct writer *writer, sqlite3_stmt *statement,
    const struct evcan_frame *frames, unsigned n)
{
	int i = 1;

	for (unsigned row = 0; row < n; row++)
		for (unsigned c = 0; c < writer->n; c++)
			bind_column(writer, statement, i++, writer->order[c],
			    &frames[row]);
	return run(statement);
}

static int
insert_all(struct writer *writer, const struct evcan_frame *frames, size_t n)
{
	int r = run(writer->begin);

	for (; r == SQLITE_OK && n >= ROWS; n -= ROWS, frames += ROWS)
		r = insert(writer, writer->rows, frames, ROWS);
	for (; r == SQLITE_OK && n > 0; n--, frames++)
		r = insert(writer, writer->row, frames, 1);
	return r == SQLITE_OK ? run(writer->commit) : r;
}

static int64_t
store(void *state, const void *data, size_t len, struct evcan_error *err)
{
	struct writer *writer = state;
	const struct evcan_frame *frames = data;

	if (insert_all(writer, frames, len / sizeof(*frames)) == SQLITE_OK)
		return (int64_t)len;
	evcan_sqlite_error_(writer->db, EVCAN_ERR_OPERATION,
	    "cannot be written", err);
	/* Some failures have done that already. */
	if (sqlite3_get_autocommit(writer->db) == 0)
		sqlite3_exec(writer->db, "ROLLBACK", NULL, NULL, NULL);
	return err != NULL ? err->code : EVCAN_ERR_OPERATION;
}

/* Opening and closing */

static void
let_go(struct writer *writer)
{
	sqlite3_finalize(writer->rows);
	sqlite3_finalize(writer->row);
	sqlite3_finalize(writer->begin);
	sqlite3_finalize(writer->commit);
	writer->rows = writer->row = writer->begin = writer->commit = NULL;
	sqlite3_close_v2(writer->db);
	writer->db = NULL;
}

/* All that may fail in one line: formatted as sqlite3_mprintf() does, run. */
static int
exec(struct writer *writer, const char *format)
{
	char *sql = sqlite3_mprintf(format, writer->table);
	int r = sql != NULL ? sqlite3_exec(writer->db, sql, NULL, NULL,
	    NULL) : SQLITE_NOMEM;

	sqlite3_free(sql);
	return r;
}

#define CREATE \
	"CREATE TABLE IF NOT EXISTS main.\"%w\"\n(\n  ts REAL,\n" \
	"  arbitration_id INTEGER,\n  extended INTEGER,\n" \
	"  remote INTEGER,\n  error INTEGER,\n  dlc INTEGER,\n" \
	"  data BLOB"
#define CREATE_ALL CREATE \
	",\n  fd INTEGER,\n  brs INTEGER,\n  esi INTEGER,\n" \
	"  channel TEXT,\n  direction TEXT,\n  time_ns INTEGER"

/* What cannot be had (a file system without shared memory, a reader that is
 * there already) is not needed: then it is the journal that is there. */
static void
tune(struct writer *writer)
{
	static const char *const pragmas[] = {
		"PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL",
		"PRAGMA wal_autocheckpoint=1000"
	};

	for (size_t i = 0; i < sizeof(pragmas) / sizeof(pragmas[0]); i++)
		sqlite3_exec(writer->db, pragmas[i], NULL, NULL, NULL);
}

/* The table goes, and with it all room it took if it was the only one. */
static int
empty(struct writer *writer)
{
	sqlite3_stmt *rest = NULL;
	int r = exec(writer, "DROP TABLE IF EXISTS main.\"%w\"");

	if (r != SQLITE_OK)
		return r;
	sqlite3_prepare_v2(writer->db, "SELECT 1 FROM sqlite_master", -1,
	    &rest, NULL);
	r = sqlite3_step(rest);
	sqlite3_finalize(rest);
	if (r == SQLITE_DONE)
		sqlite3_exec(writer->db, "VACUUM", NULL, NULL, NULL);
	return SQLITE_OK;
}

static int
make_table(struct writer *writer, bool append, struct evcan_error *err)
{
	const unsigned least = EVCAN_COLUMNS_FIRST(EVCAN_COLUMNS_PYTHON);
	int r = append ? SQLITE_OK : empty(writer);

	if (r == SQLITE_OK) {
		tune(writer);
		r = exec(writer, writer->all != 0 ? CREATE_ALL "\n)" :
		    CREATE "\n)");
	}
	if (r != SQLITE_OK)
		return evcan_sqlite_error_(writer->db, EVCAN_ERR_INIT,
		    "cannot be opened for writing", err);
	writer->columns = evcan_sqlite_columns_(writer->db, writer->table);
	if ((writer->columns & least) != least)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "its table %.100s is not appended to: it lacks some of "
		    "the columns ts, arbitration_id, extended, remote, "
		    "error, dlc and data; see the option table_name",
		    writer->table);
	for (unsigned i = 0; i < EVCAN_SQLITE_COLUMNS; i++)
		if (EVCAN_COLUMNS_HAVE(writer->columns, i))
			writer->order[writer->n++] = i;
	return 0;
}

/* INSERT INTO "messages" (ts, ...) VALUES (?, ...), ... */
static sqlite3_stmt *
prepare_insert(struct writer *writer, unsigned rows)
{
	sqlite3_str *sql = sqlite3_str_new(writer->db);
	sqlite3_stmt *made = NULL;
	char *text;

	sqlite3_str_appendf(sql, "INSERT INTO main.\"%w\" (", writer->table);
	for (unsigned i = 0; i < writer->n; i++)
		sqlite3_str_appendf(sql, "%s%s", i > 0 ? "," : "",
		    evcan_sqlite_column_(writer->order[i]));
	sqlite3_str_appendall(sql, ") VALUES ");
	for (unsigned row = 0; row < rows; row++)
		for (unsigned i = 0; i < writer->n; i++)
			sqlite3_str_appendf(sql, "%s?%s", i > 0 ? "," :
			    row > 0 ? ",(" : "(", i + 1 == writer->n ? ")" :
			    "");
	text = sqlite3_str_finish(sql);
	if (text != NULL)
		sqlite3_prepare_v3(writer->db, text, -1,
		    SQLITE_PREPARE_PERSISTENT, &made, NULL);
	sqlite3_free(text);
	return made;
}

static int
prepare(struct writer *writer, struct evcan_error *err)
{
	writer->rows = prepare_insert(writer, ROWS);
	writer->row = prepare_insert(writer, 1);
	sqlite3_prepare_v3(writer->db, "BEGIN IMMEDIATE", -1,
	    SQLITE_PREPARE_PERSISTENT, &writer->begin, NULL);
	sqlite3_prepare_v3(writer->db, "COMMIT", -1,
	    SQLITE_PREPARE_PERSISTENT, &writer->commit, NULL);
	if (writer->rows != NULL && writer->row != NULL &&
	    writer->begin != NULL && writer->commit != NULL)
		return 0;
	return evcan_sqlite_error_(writer->db, EVCAN_ERR_INIT,
	    "cannot be opened for writing", err);
}

static int
open_database(struct writer *writer, const char *path,
    struct evcan_error *err)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "is not a regular file: a database needs one");
	if (*writer->table == '\0')
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "the option table_name is empty: it names the table for "
		    "the frames, such as messages");
	if (sqlite3_open_v2(path, &writer->db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return evcan_sqlite_error_(writer->db, EVCAN_ERR_INIT,
		    "cannot be opened for writing", err);
	sqlite3_busy_timeout(writer->db, OPEN_WAIT);
	/* The second is for new databases only. */
	sqlite3_exec(writer->db, "PRAGMA trusted_schema=OFF;"
	    "PRAGMA page_size=16384", NULL, NULL, NULL);
	return 0;
}

static int
open_table(void *state, const char *path, bool append,
    struct evcan_error *err)
{
	struct writer *writer = state;
	int r = open_database(writer, path, err);

	if (r == 0)
		r = make_table(writer, append, err);
	if (r == 0)
		r = prepare(writer, err);
	if (r < 0)
		let_go(writer);
	else
		sqlite3_busy_timeout(writer->db, STORE_WAIT);
	return r;
}

/* Back to one file. Another program that just has it open may keep it from
 * leaving the write-ahead mode, but that log is empty then. */
static int
close_table(void *state, struct evcan_error *err)
{
	struct writer *writer = state;
	int r;

	if (writer->db == NULL)
		return 0;
	sqlite3_busy_timeout(writer->db, OPEN_WAIT);
	r = sqlite3_wal_checkpoint_v2(writer->db, "main",
	    SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	if (r == SQLITE_OK)
		sqlite3_exec(writer->db, "PRAGMA journal_mode=DELETE",
		    NULL, NULL, NULL);
	else if (r == SQLITE_BUSY || r == SQLITE_LOCKED)
		r = evcan_error_set(err, EVCAN_ERR_BUSY, 0, "all frames are "
		    "stored, but another program is reading: a part stays in "
		    "the file with -wal behind its name until that ends");
	else
		r = evcan_sqlite_error_(writer->db, EVCAN_ERR_OPERATION,
		    "cannot be brought to the disk", err);
	let_go(writer);
	return r;
}

static void
write_done(void *state)
{
	let_go(state);
}

static int
bid(const uint8_t *data, size_t len)
{
	static const char magic[16] = "SQLite format 3";

	return len >= sizeof(magic) &&
	    memcmp(data, magic, sizeof(magic)) == 0 ? 100 : 0;
}

#define TABLE_HELP "name of the table that holds the frames"

static const struct evcan_option read_rows[] = {
	{ .name = "table_name", .type = EVCAN_OPTION_TEXT,
	  .fallback = "messages", .help = TABLE_HELP,
	  .offset = offsetof(struct evcan_sqlite_reader_, table) },
	{ .name = NULL }
};

static const struct evcan_option write_rows[] = {
	{ .name = "table_name", .type = EVCAN_OPTION_TEXT,
	  .fallback = "messages", .help = TABLE_HELP,
	  .offset = offsetof(struct writer, table) },
	{ .name = "columns", .type = EVCAN_OPTION_CHOICE,
	  .fallback = "python-can", .choices = EVCAN_COLUMNS_CHOICES,
	  .help = EVCAN_COLUMNS_HELP,
	  .offset = offsetof(struct writer, all) },
	{ .name = "get_message_timeout", .aliases = "GET_MESSAGE_TIMEOUT",
	  .type = EVCAN_OPTION_REAL, .fallback = "0.25", .min = 0,
	  .max = 86400, .help = "accepted as python-can's, seconds, without "
	      "an effect: nothing waits for frames here",
	  .offset = offsetof(struct writer, get_message_timeout) },
	{ .name = "max_time_between_writes",
	  .aliases = "MAX_TIME_BETWEEN_WRITES",
	  .type = EVCAN_OPTION_REAL, .fallback = "1", .min = 0,
	  .max = 86400, .help = "seconds after which frames are stored at "
	      "the latest, unless flush_interval is given",
	  .offset = offsetof(struct writer, max_seconds) },
	{ .name = "max_buffer_size_before_writes",
	  .aliases = "MAX_BUFFER_SIZE_BEFORE_WRITES",
	  .type = EVCAN_OPTION_INT, .fallback = "0", .min = 0,
	  .max = 1e6, .help = "frames that are stored in one transaction, "
	      "as soon as so many wait; 0: some 3000",
	  .offset = offsetof(struct writer, max_frames) },
	{ .name = NULL }
};

const struct evcan_format evcan_format_sqlite_ = {
	.name = "sqlite",
	.summary = "python-can's table in an SQLite database",
	.suffixes = ".db .sqlite .sqlite3",
	.attributes = EVCAN_ROW_ATTRIBUTES,
	.flags = EVCAN_FORMAT_SEEKS | EVCAN_FORMAT_PATH_ONLY,
	.read_options = read_rows,
	.read_size = sizeof(struct evcan_sqlite_reader_),
	.bid = bid,
	.read_begin = evcan_sqlite_read_begin_,
	.decode = evcan_sqlite_decode_,
	.read_done = evcan_sqlite_read_done_,
	.write_options = write_rows,
	.write_size = sizeof(struct writer),
	.pace = pace,
	.encode = encode,
	.open = open_table,
	.store = store,
	.close = close_table,
	.write_done = write_done
};
