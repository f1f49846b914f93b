/* SPDX-License-Identifier: BSD-3-Clause */
/* log_rotate.c - new names for log files that ended */
#include "log_rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <evcan/error.h>

/* Names that are tried before it is given up for now. */
#define TRIES 1000000
/* A longer file name finds no file system here. */
#ifndef NAME_MAX
#define NAME_MAX 255
#endif

/* A name, cut into what the words of a template stand for. */
struct parts {
	const char *base;                /* of the path, behind the last / */
	int dir_len;                     /* of what is before it */
	int stem_len;                    /* up to the first dot */
	const char *suffix;              /* its last two suffixes */
	char time[32];
	char count[24];
};

static void
cut(struct parts *parts, const char *path)
{
	const char *slash = strrchr(path, '/'), *dot, *next;

	parts->base = slash != NULL ? slash + 1 : path;
	parts->dir_len = (int)(parts->base - path);
	/* A dot in front hides a file, it begins no suffix. */
	dot = parts->base[0] != '\0' ? strchr(parts->base + 1, '.') : NULL;
	if (dot == NULL)
		dot = parts->base + strlen(parts->base);
	parts->stem_len = (int)(dot - parts->base);
	while (*dot == '.' && (next = strchr(dot + 1, '.')) != NULL &&
	    strchr(next + 1, '.') != NULL)
		dot = next;
	parts->suffix = dot;
}

/* The value of the word at p. @return its length with the braces, 0: there
 * is no such word */
static size_t
look_up(const struct parts *parts, const char *p, const char **value,
    int *len)
{
	const struct {
		const char *word, *value;
		int len;
	} words[] = {
		{ "{stem}", parts->base, parts->stem_len },
		{ "{time}", parts->time, (int)strlen(parts->time) },
		{ "{count}", parts->count, (int)strlen(parts->count) },
		{ "{suffix}", parts->suffix, (int)strlen(parts->suffix) },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const size_t n = strlen(words[i].word);

		if (strncmp(p, words[i].word, n) != 0)
			continue;
		*value = words[i].value;
		*len = words[i].len;
		return n;
	}
	return 0;
}

/* @return the length of the file's name, -1: it is too long */
static int
expand(const struct parts *parts, const char *name, char out[NAME_MAX + 1])
{
	int at = 0;

	while (*name != '\0') {
		const char *value = name;
		int len = 1;
		const size_t n = look_up(parts, name, &value, &len);

		if (len > NAME_MAX - at)
			return -1;
		memcpy(out + at, value, (size_t)len);
		at += len;
		name += n > 0 ? n : 1;
	}
	out[at] = '\0';
	return at;
}

int
evcan_log_rotate_check_(const char *name, const char *path,
    struct evcan_error *err)
{
	static const char accepted[] =
	    "{stem}, {time}, {count} and {suffix}";
	struct parts parts = { .time = "2026-11-20T101530",
	    .count = "999999999" };
	char out[NAME_MAX + 1];

	cut(&parts, path);
	for (const char *p = name; *p != '\0'; p++) {
		const char *value;
		int len;

		if (*p == '/')
			return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
			    "option rotate_name: \"%.100s\" has a / in it: "
			    "files keep their directory", name);
		if (*p == '{' && look_up(&parts, p, &value, &len) == 0)
			return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
			    "option rotate_name: \"%.30s\" stands for "
			    "nothing; there are %s", p, accepted);
	}
	if (strstr(name, "{count}") == NULL)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "option rotate_name: \"%.100s\" lacks {count}, without "
		    "which no second file finds a free name", name);
	if (expand(&parts, name, out) < 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "option rotate_name: \"%.100s\" makes a name of more "
		    "than %d bytes", name, NAME_MAX);
	return 0;
}

/* @return 0 or an errno; EEXIST: the name is taken */
static int
rename_to_free(const char *from, const char *to)
{
	int why;

#ifdef RENAME_NOREPLACE
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	/* Some file systems know no flags. */
	if (errno != EINVAL && errno != ENOSYS)
		return errno;
#endif
	if (link(from, to) < 0)
		return errno;
	if (unlink(from) == 0)
		return 0;
	why = errno;
	unlink(to);
	return why;
}

/* The name is on the disk, too. That it cannot be is no fault of the file:
 * some file systems have no such directories. */
static void
sync_dir(const char *path, int dir_len)
{
	char *dir = dir_len > 0 ? strndup(path, (size_t)dir_len) :
	    strdup(".");
	int fd = dir != NULL ? open(dir, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC) : -1;

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(dir);
}

static void
put_time(struct parts *parts)
{
	const time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm) == NULL ||
	    strftime(parts->time, sizeof(parts->time), "%Y-%m-%dT%H%M%S",
	    &tm) == 0)
		snprintf(parts->time, sizeof(parts->time), "%lld",
		    (long long)now);
}

int
evcan_log_rotate_(const char *path, const char *name, uint64_t *count,
    char **to, struct evcan_error *err)
{
	struct parts parts;
	char file[NAME_MAX + 1];
	int why = EEXIST;

	cut(&parts, path);
	put_time(&parts);
	*to = malloc((size_t)parts.dir_len + sizeof(file));
	if (*to == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "%.200s: out of memory for a new name", path);
	memcpy(*to, path, (size_t)parts.dir_len);
	for (int i = 0; i < TRIES && why == EEXIST; i++) {
		snprintf(parts.count, sizeof(parts.count), "%03llu",
		    (unsigned long long)(*count)++);
		if (expand(&parts, name, file) < 0)
			why = ENAMETOOLONG;
		else {
			strcpy(*to + parts.dir_len, file);
			why = rename_to_free(path, *to);
		}
	}
	if (why == 0) {
		sync_dir(path, parts.dir_len);
		return 0;
	}
	--*count;
	evcan_error_set(err, EVCAN_ERR_OPERATION, why,
	    "%.200s: cannot be renamed to %.200s", path, *to);
	free(*to);
	*to = NULL;
	return EVCAN_ERR_OPERATION;
}
