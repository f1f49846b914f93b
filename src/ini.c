/* SPDX-License-Identifier: BSD-3-Clause */
/* ini.c - INI documents as python's ConfigParser reads them */
#include "ini.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>
#include <evcan/options.h>

#include "quote.h"

/* A growing text, always ended by NUL once something was added. */
struct text {
	char *p;
	size_t len, room;
};

struct option {
	struct option *next;
	char *name;
	char *origin;      /* file:line */
	struct text value; /* as written, its lines joined */
	unsigned run;      /* the reading that set it last */
};

struct section {
	struct section *next;
	char *name;
	unsigned run;
	struct option *first, **end;
};

struct evcan_ini_ {
	struct section *first, **end;
	size_t names;      /* sections and options */
	unsigned run;      /* readings begun */
};

/* One reading. */
struct parser {
	struct evcan_ini_ *ini;
	const char *name;
	size_t line;
	size_t indent;             /* of the line that a value started on */
	struct section *section;   /* being read, or NULL */
	struct option *option;     /* that a deeper line continues, or NULL */
	struct evcan_error *err;
};

/* A stretch of the text. */
struct span {
	const char *p;
	size_t len;
};

struct evcan_ini_ *
evcan_ini_new_(void)
{
	struct evcan_ini_ *ini = calloc(1, sizeof(*ini));

	if (ini != NULL)
		ini->end = &ini->first;
	return ini;
}

static void
option_free(struct option *option)
{
	free(option->name);
	free(option->origin);
	free(option->value.p);
	free(option);
}

static void
section_free(struct section *section)
{
	struct option *option, *next;

	for (option = section->first; option != NULL; option = next) {
		next = option->next;
		option_free(option);
	}
	free(section->name);
	free(section);
}

void
evcan_ini_free_(struct evcan_ini_ *ini)
{
	struct section *section, *next;

	if (ini == NULL)
		return;
	for (section = ini->first; section != NULL; section = next) {
		next = section->next;
		section_free(section);
	}
	free(ini);
}

static int
text_add(struct text *text, const char *p, size_t len)
{
	const size_t need = text->len + len + 1;
	char *fresh;

	if (need > text->room) {
		const size_t room = need > 2 * text->room ? need :
		    2 * text->room;

		fresh = realloc(text->p, room);
		if (fresh == NULL)
			return EVCAN_ERR_NOMEM;
		text->p = fresh;
		text->room = room;
	}
	memcpy(text->p + text->len, p, len);
	text->len += len;
	text->p[text->len] = '\0';
	return 0;
}

/* What python strips, of ASCII. */
static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') ||
	    (c >= 0x1c && c <= 0x1f);
}

static struct span
strip(struct span s)
{
	while (s.len > 0 && is_space(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

static bool
is_name(const char *name, struct span s)
{
	return strncmp(name, s.p, s.len) == 0 && name[s.len] == '\0';
}

static struct section *
find_section(const struct evcan_ini_ *ini, struct span name)
{
	struct section *section = ini->first;

	while (section != NULL && !is_name(section->name, name))
		section = section->next;
	return section;
}

static struct option *
find_option(const struct section *section, struct span name)
{
	struct option *option = section != NULL ? section->first : NULL;

	while (option != NULL && !is_name(option->name, name))
		option = option->next;
	return option;
}

static int
no_memory(struct evcan_error *err)
{
	return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
	    "out of memory for a configuration");
}

/* An error in the line being read; `what` is followed by s in quotes. */
static int
refuse(struct parser *parser, const char *what, struct span s,
    const char *instead)
{
	char quoted[EVCAN_QUOTE_MAX];

	return evcan_error_set(parser->err, EVCAN_ERR_SYNTAX, 0,
	    "%s:%zu: %s%s%s", parser->name, parser->line, what,
	    evcan_quote_n_(quoted, s.p, s.len), instead);
}

static int
count_name(struct parser *parser, struct span name)
{
	if (parser->ini->names++ < EVCAN_INI_NAMES_MAX)
		return 0;
	return refuse(parser, "", name,
	    " is one section or name too many, 4096 are allowed");
}

static int
add_section(struct parser *parser, struct span name)
{
	struct section *section;

	if (count_name(parser, name) < 0)
		return EVCAN_ERR_SYNTAX;
	section = calloc(1, sizeof(*section));
	if (section == NULL)
		return no_memory(parser->err);
	section->end = &section->first;
	section->name = strndup(name.p, name.len);
	if (section->name == NULL) {
		section_free(section);
		return no_memory(parser->err);
	}
	*parser->ini->end = section;
	parser->ini->end = &section->next;
	parser->section = section;
	return 0;
}

static int
parse_section(struct parser *parser, struct span name)
{
	struct section *section = find_section(parser->ini, name);
	const unsigned run = parser->ini->run;
	int r = 0;

	parser->option = NULL;
	if (section != NULL && section->run == run &&
	    strcmp(section->name, "DEFAULT") != 0)
		return refuse(parser, "section ", name, " is there already");
	parser->section = section;
	if (section == NULL)
		r = add_section(parser, name);
	if (r == 0)
		parser->section->run = run;
	return r;
}

static struct option *
add_option(struct section *section, struct span name)
{
	struct option *option = calloc(1, sizeof(*option));

	if (option == NULL)
		return NULL;
	option->name = strndup(name.p, name.len);
	if (option->name == NULL) {
		option_free(option);
		return NULL;
	}
	*section->end = option;
	section->end = &option->next;
	return option;
}

static int
set_option(struct parser *parser, struct option *option, struct span value)
{
	char *origin = NULL;

	if (asprintf(&origin, "%s:%zu", parser->name, parser->line) < 0)
		return no_memory(parser->err);
	free(option->origin);
	option->origin = origin;
	option->run = parser->ini->run;
	option->value.len = 0;
	if (text_add(&option->value, value.p, value.len) < 0)
		return no_memory(parser->err);
	parser->option = option;
	return 0;
}

static int
parse_option(struct parser *parser, struct span line)
{
	struct span name = line, value;
	struct option *option;
	size_t n = 0;

	while (n < line.len && line.p[n] != '=' && line.p[n] != ':')
		n++;
	if (n == line.len)
		return refuse(parser, "", line,
		    " is neither [section] nor name = value");
	name.len = n;
	name = strip(name);
	if (name.len == 0)
		return refuse(parser, "", line, " has no name before the "
		    "value");
	value.p = line.p + n + 1;
	value.len = line.len - n - 1;
	option = find_option(parser->section, name);
	if (option != NULL && option->run == parser->ini->run)
		return refuse(parser, "", name,
		    " is set twice in this section");
	if (option == NULL) {
		if (count_name(parser, name) < 0)
			return EVCAN_ERR_SYNTAX;
		option = add_option(parser->section, name);
		if (option == NULL)
			return no_memory(parser->err);
	}
	return set_option(parser, option, strip(value));
}

static int
continue_value(struct parser *parser, struct span line)
{
	struct text *value = &parser->option->value;

	if (text_add(value, "\n", 1) < 0 ||
	    text_add(value, line.p, line.len) < 0)
		return no_memory(parser->err);
	return 0;
}

/* The name in `[name]`: up to the last bracket, what follows is passed over;
 * of length 0 if the line is no header. */
static struct span
header(struct span line)
{
	struct span name = { line.p + 1, 0 };
	const char *end;

	if (line.len < 3 || line.p[0] != '[')
		return name;
	end = memrchr(line.p, ']', line.len);
	if (end != NULL && end > name.p)
		name.len = (size_t)(end - name.p);
	return name;
}

static int
parse_line(struct parser *parser, struct span whole)
{
	const struct span line = strip(whole);
	const size_t indent = (size_t)(line.p - whole.p);
	struct span name;

	if (line.len > 0 && (line.p[0] == '#' || line.p[0] == ';'))
		return 0;
	if (line.len == 0)
		return parser->option != NULL ?
		    continue_value(parser, line) : 0;
	if (parser->option != NULL && indent > parser->indent)
		return continue_value(parser, line);
	parser->indent = indent;
	name = header(line);
	if (name.len > 0)
		return parse_section(parser, name);
	if (parser->section == NULL)
		return refuse(parser, "", line,
		    " stands before the first [section]");
	return parse_option(parser, line);
}

/* A value ends with its last line that holds something. */
static void
trim_values(struct evcan_ini_ *ini)
{
	struct section *section;
	struct option *option;

	for (section = ini->first; section != NULL; section = section->next)
		for (option = section->first; option != NULL;
		    option = option->next) {
			struct text *v = &option->value;

			while (v->len > 0 && is_space(v->p[v->len - 1]))
				v->p[--v->len] = '\0';
		}
}

static size_t
line_length(const char *p, const char *end)
{
	const char *q = p;

	while (q < end && *q != '\n' && *q != '\r')
		q++;
	return (size_t)(q - p);
}

int
evcan_ini_read_(struct evcan_ini_ *ini, const char *text, size_t len,
    const char *name, struct evcan_error *err)
{
	struct parser parser = { .ini = ini, .name = name, .err = err };
	const char *p = text, *end = text + len;

	if (len > EVCAN_INI_MAX)
		return evcan_error_set(err, EVCAN_ERR_SYNTAX, 0,
		    "%s: is larger than 1 MiB", name);
	ini->run++;
	if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	while (p < end) {
		const struct span line = { p, line_length(p, end) };
		int r;

		parser.line++;
		if (memchr(line.p, '\0', line.len) != NULL)
			return evcan_error_set(err, EVCAN_ERR_SYNTAX, 0,
			    "%s:%zu: holds a zero byte, so it is not text",
			    name, parser.line);
		r = parse_line(&parser, line);
		if (r < 0)
			return r;
		p += line.len;
		if (p < end)
			p += *p == '\r' && end - p > 1 && p[1] == '\n' ? 2 :
			    1;
	}
	trim_values(ini);
	return 0;
}

/* One reading out of a section. */
struct expansion {
	const struct section *section, *defaults;
	const struct option *option;   /* whose value is being made */
	struct text out;
	size_t left;                   /* bytes still allowed */
	unsigned references;           /* put in so far */
	struct evcan_error *err;
};

static int
refuse_value(const struct expansion *x, const char *what, struct span s,
    const char *instead)
{
	char name[EVCAN_QUOTE_MAX], quoted[EVCAN_QUOTE_MAX];

	return evcan_error_set(x->err, EVCAN_ERR_SYNTAX, 0,
	    "%s: in the value of %s, %s%s%s", x->option->origin,
	    evcan_quote_(name, x->option->name), what,
	    evcan_quote_n_(quoted, s.p, s.len), instead);
}

static int
put(struct expansion *x, const char *p, size_t len)
{
	const struct span all = { x->option->value.p, x->option->value.len };

	if (len > x->left)
		return refuse_value(x, "", all,
		    " becomes too long: 4 MiB are allowed in a section");
	x->left -= len;
	return text_add(&x->out, p, len) < 0 ? no_memory(x->err) : 0;
}

/* Reads `%(name)s`. @return its length, 0 if it is something else */
static size_t
reference(struct span s, struct span *name)
{
	const char *close;

	if (s.len < 5 || s.p[1] != '(')
		return 0;
	close = memchr(s.p, ')', s.len);
	if (close == NULL || close == s.p + 2 ||
	    close + 1 == s.p + s.len || close[1] != 's')
		return 0;
	name->p = s.p + 2;
	name->len = (size_t)(close - name->p);
	return (size_t)(close + 2 - s.p);
}

static int expand(struct expansion *x, struct span s, int depth);

static int
put_reference(struct expansion *x, struct span name, int depth)
{
	const struct option *option = find_option(x->section, name);
	struct span value;

	if (option == NULL)
		option = find_option(x->defaults, name);
	if (option == NULL)
		return refuse_value(x, "%(...)s refers to ", name,
		    ", which neither the section nor [DEFAULT] has");
	if (++x->references > EVCAN_INI_REFERENCES_MAX)
		return refuse_value(x, "the reference to ", name,
		    " is one too many, 10000 are allowed");
	value.p = option->value.p;
	value.len = option->value.len;
	if (memchr(value.p, '%', value.len) == NULL)
		return put(x, value.p, value.len);
	if (depth == EVCAN_INI_DEPTH_MAX)
		return refuse_value(x, "the reference to ", name,
		    " is more than 10 deep, perhaps it refers to itself");
	return expand(x, value, depth + 1);
}

static int
expand(struct expansion *x, struct span s, int depth)
{
	while (s.len > 0) {
		const char *percent = memchr(s.p, '%', s.len);
		size_t n = percent != NULL ? (size_t)(percent - s.p) : s.len;
		struct span name;
		int r = put(x, s.p, n);

		s.p += n;
		s.len -= n;
		if (r < 0 || s.len == 0)
			return r;
		n = reference(s, &name);
		if (n > 0) {
			r = put_reference(x, name, depth);
		} else if (s.len > 1 && s.p[1] == '%') {
			n = 2;
			r = put(x, "%", 1);
		} else {
			return refuse_value(x, "", s,
			    " is neither %% nor %(name)s");
		}
		if (r < 0)
			return r;
		s.p += n;
		s.len -= n;
	}
	return 0;
}

static int
put_option(struct expansion *x, const struct option *option,
    struct evcan_options *options)
{
	const struct span value = { option->value.p, option->value.len };
	int r;

	x->option = option;
	x->out.len = 0;
	r = put(x, "", 0);
	if (r == 0)
		r = expand(x, value, 1);
	if (r < 0)
		return r;
	if (evcan_options_set(options, option->name, x->out.p,
	    option->origin) < 0)
		return no_memory(x->err);
	return 0;
}

int
evcan_ini_section_(const struct evcan_ini_ *ini, const char *section,
    struct evcan_options *options, struct evcan_error *err)
{
	const struct span name = { section, strlen(section) };
	const struct span inherited = { "DEFAULT", 7 };
	struct expansion x = {
		.section = find_section(ini, name),
		.defaults = find_section(ini, inherited),
		.left = EVCAN_INI_VALUES_MAX,
		.err = err,
	};
	const struct option *option;
	int r = 0;

	if (x.section == NULL || x.section == x.defaults)
		return 0;
	option = x.defaults != NULL ? x.defaults->first : NULL;
	for (; option != NULL && r == 0; option = option->next) {
		const struct span own = { option->name,
		    strlen(option->name) };

		if (find_option(x.section, own) == NULL)
			r = put_option(&x, option, options);
	}
	option = x.section->first;
	for (; option != NULL && r == 0; option = option->next)
		r = put_option(&x, option, options);
	free(x.out.p);
	return r < 0 ? r : 1;
}
