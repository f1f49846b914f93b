/* SPDX-License-Identifier: BSD-3-Clause */
/* test_config.c - INI dialect, JSON, spec strings, sources and their order */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <evcan/config.h>
#include <evcan/error.h>
#include <evcan/options.h>

#include "alloc_fail.h"
#include "ini.h"
#include "may_skip.h"

/* All pairs as `name=value;name=value`, in their order. */
static const char *
shown(const struct evcan_options *o)
{
	static char text[4096];
	const char *name, *value;
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; evcan_options_at(o, i, &name, &value); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s%s=%s", i > 0 ? ";" : "", name, value);
	return text;
}

static void
test_ini(void **state)
{
	static const struct { const char *in; int found; const char *out; }
	    table[] = {
		{ "", 0, "" },
		{ "[other]\na=1\n", 0, "" },
		{ "[default]\n", 1, "" },
		{ "[default]\na=1\nb : 2\n C= 3 ", 1, "a=1;b=2\nC= 3" },
		{ "[default]\na = b = c : d\nk : v=w\n", 1,
		  "a=b = c : d;k=v=w" },
		{ "[default]\r\na=1\r\nb=2\rc=3\n", 1, "a=1;b=2;c=3" },
		{ "\xef\xbb\xbf[default]\na=1", 1, "a=1" },
		{ "# c\n; d\n\n[default]\n #e\na=1 # no ; comment\n", 1,
		  "a=1 # no ; comment" },
		{ "[default]\na=\nb =\n", 1, "a=;b=" },
		{ "[default]\na=1\n  2\n\n\n  3\n\n\nb=4", 1,
		  "a=1\n2\n\n\n3;b=4" },
		{ "[default]\na=1\n# c\n  2\n", 1, "a=1\n2" },
		{ "[default]\n  a=1\n  b=2\n   c=3\n", 1, "a=1;b=2\nc=3" },
		{ "[default]\n a=1\nb=2\n", 1, "a=1;b=2" },
		{ "[default]\na=1\n [other]\n", 1, "a=1\n[other]" },
		{ "  [default] junk\na=1\n", 1, "a=1" },
		{ "[a]b]\nx=1\n[default]\ny=1\n", 1, "y=1" },
		{ "[DEFAULT]\na=0\nb=0\n[default]\nb=1\nc=2", 1,
		  "a=0;b=1;c=2" },
		{ "[default]\nb=1\n[x]\nb=2\n[DEFAULT]\na=0\n[DEFAULT]\nd=1",
		  1, "a=0;d=1;b=1" },
		{ "[default]\na=50%%\nb=x%(a)s%(a)sy\nc=%(b)s", 1,
		  "a=50%;b=x50%50%y;c=x50%50%y" },
		{ "[DEFAULT]\nd=%(n)s0\nn=x\n[default]\nn=can", 1,
		  "d=can0;n=can" },
		{ "[default]\nA=1\na=2\nb=%(A)s%(a)s", 1, "A=1;a=2;b=12" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct evcan_options *o = evcan_options_new();
		struct evcan_error err = { 0 };

		assert_int_equal(evcan_config_parse_ini(o, table[i].in,
		    strlen(table[i].in), "f", "default", &err),
		    table[i].found);
		assert_string_equal(err.text, "");
		assert_string_equal(shown(o), table[i].out);
		evcan_options_free(o);
	}
}

#define DEEP "[default]\na0=x\na1=%(a0)s\na2=%(a1)s\na3=%(a2)s\n" \
	"a4=%(a3)s\na5=%(a4)s\na6=%(a5)s\na7=%(a6)s\na8=%(a7)s\n" \
	"a9=%(a8)s\na10=%(a9)s\n"

static void
test_ini_errors(void **state)
{
	static const struct { const char *in, *text; } table[] = {
		{ "\na=1\n", "f:2: \"a=1\" stands before the first "
		  "[section]" },
		{ "[default]\nfoo\n", "f:2: \"foo\" is neither [section] nor "
		  "name = value" },
		{ "[]\n", "f:1: \"[]\" stands before the first [section]" },
		{ "[default]\n = 1\n", "f:2: \"= 1\" has no name before the "
		  "value" },
		{ "[default]\na=1\r\na:2\n", "f:3: \"a\" is set twice in this "
		  "section" },
		{ "[default]\n[x]\n[default]\n", "f:3: section \"default\" is "
		  "there already" },
		{ "[DEFAULT]\na=1\n[DEFAULT]\na=1\n", "f:4: \"a\" is set "
		  "twice in this section" },
		{ "[default]\n\na=5%\n", "f:3: in the value of \"a\", \"%\" "
		  "is neither %% nor %(name)s" },
		{ "[default]\na=%(b\n", "f:2: in the value of \"a\", \"%(b\" "
		  "is neither %% nor %(name)s" },
		{ "[default]\na=%(b)x\n", "f:2: in the value of \"a\", "
		  "\"%(b)x\" is neither %% nor %(name)s" },
		{ "[default]\na=%()s\n", "f:2: in the value of \"a\", "
		  "\"%()s\" is neither %% nor %(name)s" },
		{ "[default]\na=%(b)s\n", "f:2: in the value of \"a\", "
		  "%(...)s refers to \"b\", which neither the section nor "
		  "[DEFAULT] has" },
		{ "[default]\na=%(a)s\n", "f:2: in the value of \"a\", the "
		  "reference to \"a\" is more than 10 deep, perhaps it "
		  "refers to itself" },
		{ DEEP "a11=%(a10)s\n", "f:13: in the value of \"a11\", the "
		  "reference to \"a1\" is more than 10 deep, perhaps it "
		  "refers to itself" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct evcan_options *o = evcan_options_new();
		struct evcan_error err = { 0 };

		assert_int_equal(evcan_config_parse_ini(o, table[i].in,
		    strlen(table[i].in), "f", "default", &err),
		    EVCAN_ERR_SYNTAX);
		assert_string_equal(err.text, table[i].text);
		evcan_options_free(o);
	}
}

static void
test_ini_depth(void **state)
{
	struct evcan_options *o = evcan_options_new();

	(void)state;
	assert_int_equal(evcan_config_parse_ini(o, DEEP, strlen(DEEP), "f",
	    "default", NULL), 1);
	assert_string_equal(evcan_options_get(o, "a10"), "x");
	assert_string_equal(evcan_options_origin(o, "a10"), "f:12");
	evcan_options_free(o);
}

/* Each level refers 40 times to the one below: 40 to the power of 9. */
static void
test_ini_bomb(void **state)
{
	struct evcan_options *o = evcan_options_new();
	struct evcan_error err = { 0 };
	char text[8192];
	size_t len = (size_t)sprintf(text, "[default]\na0=\n");

	(void)state;
	for (int level = 1; level < 10; level++) {
		len += (size_t)sprintf(text + len, "a%d=", level);
		for (int i = 0; i < 40; i++)
			len += (size_t)sprintf(text + len, "%%(a%d)s",
			    level - 1);
		len += (size_t)sprintf(text + len, "\n");
	}
	assert_int_equal(evcan_config_parse_ini(o, text, len, "f", "default",
	    &err), EVCAN_ERR_SYNTAX);
	assert_non_null(strstr(err.text, "one too many, 10000 are allowed"));
	evcan_options_free(o);
}

static void
test_ini_limits(void **state)
{
	struct evcan_options *o = evcan_options_new();
	struct evcan_error err = { 0 };
	char *text = calloc(1, EVCAN_INI_MAX + 2);
	size_t len = (size_t)sprintf(text, "[default]\n");

	(void)state;
	for (int i = 0; i <= EVCAN_INI_NAMES_MAX; i++)
		len += (size_t)sprintf(text + len, "n%d=\n", i);
	assert_int_equal(evcan_config_parse_ini(o, text, len, "f", "default",
	    &err), EVCAN_ERR_SYNTAX);
	assert_string_equal(err.text, "f:4097: \"n4095\" is one section or "
	    "name too many, 4096 are allowed");

	evcan_error_clear(&err);
	memset(text, '\n', EVCAN_INI_MAX + 1);
	assert_int_equal(evcan_config_parse_ini(o, text, EVCAN_INI_MAX, "f",
	    "default", &err), 0);
	assert_int_equal(evcan_config_parse_ini(o, text, EVCAN_INI_MAX + 1,
	    "f", "default", &err), EVCAN_ERR_SYNTAX);
	assert_string_equal(err.text, "f: is larger than 1 MiB");

	evcan_error_clear(&err);
	assert_int_equal(evcan_config_parse_ini(o, "[default]\na=\0b", 15,
	    "f", "default", &err), EVCAN_ERR_SYNTAX);
	assert_string_equal(err.text,
	    "f:2: holds a zero byte, so it is not text");
	free(text);
	evcan_options_free(o);
}

/* One value of 1 MiB less a little, referred to again and again. */
static void
test_ini_long_values(void **state)
{
	struct evcan_options *o = evcan_options_new();
	struct evcan_error err = { 0 };
	char *text = malloc(EVCAN_INI_MAX);
	size_t len = (size_t)sprintf(text, "[default]\nb=");

	(void)state;
	memset(text + len, 'x', EVCAN_INI_MAX - 100);
	len += EVCAN_INI_MAX - 100;
	len += (size_t)sprintf(text + len, "\nc=%%(b)s%%(b)s%%(b)s%%(b)s");
	assert_int_equal(evcan_config_parse_ini(o, text, len, "f", "default",
	    &err), EVCAN_ERR_SYNTAX);
	assert_non_null(strstr(err.text, "becomes too long"));
	free(text);
	evcan_options_free(o);
}

static void
test_json(void **state)
{
	static const char text[] = "{\"interface\": \"virtual\", \"fd\": true,"
	    " \"a\": 1, \"b\": -0.1, \"c\": 1e300, \"f\": [{\"can_id\": 1}],"
	    " \"g\": {\"y\": 1, \"x\": false}, \"channel\": null,"
	    " \"third\": 0.3333333333333333, \"\": \"\"}";
	struct evcan_options *o = evcan_options_new();
	struct evcan_error err = { 0 };

	(void)state;
	evcan_options_set(o, "channel", "x", NULL);
	assert_int_equal(evcan_config_parse_json(o, text, strlen(text), "o",
	    &err), 0);
	assert_string_equal(shown(o), "interface=virtual;fd=true;a=1;b=-0.1;"
	    "c=1e300;f=[{\"can_id\":1}];g={\"y\":1,\"x\":false};"
	    "third=0.3333333333333333;=");
	assert_string_equal(evcan_options_origin(o, "fd"), "o");
	evcan_options_free(o);
}

static void
test_json_errors(void **state)
{
	static const struct { const char *in, *start; } table[] = {
		{ "", "o:1:0: " }, { "{\n\"a\": 1,\n}", "o:3:1: " },
		{ "[1]", "o: is no JSON object" },
		{ "1", "o: is no JSON object" }, { "{} x", "o:1:" },
		{ "{\"a\": 1, \"a\": 2}", "o:1:" },
		{ "{\"a\": \"\xff\"}", "o:1:" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct evcan_options *o = evcan_options_new();
		struct evcan_error err = { 0 };

		assert_int_equal(evcan_config_parse_json(o, table[i].in,
		    strlen(table[i].in), "o", &err), EVCAN_ERR_SYNTAX);
		assert_memory_equal(err.text, table[i].start,
		    strlen(table[i].start));
		assert_int_equal(evcan_options_count(o), 0);
		evcan_options_free(o);
	}
}

static void
test_spec(void **state)
{
	static const struct { const char *in, *out; } table[] = {
		{ "virtual:a", "interface=virtual;channel=a" },
		{ "virtual:", "interface=virtual" },
		{ "virtual:,fd=1", "interface=virtual;fd=1" },
		{ "virtual:a:b", "interface=virtual;channel=a:b" },
		{ "can0", "channel=can0" },
		{ "virtual", "channel=virtual" },
		{ "", "" },
		{ "socket://host:123,x=", "channel=socket://host:123;x=" },
		{ ":x", "channel=:x" },
		{ "socketcan_native:c0", "interface=socketcan;channel=c0" },
		{ "socketcan_ctypes:", "interface=socketcan" },
		{ "socketcan:can0,,1,can_filters=123:7FF,,456:7FF,fd=no",
		  "interface=socketcan;channel=can0,1;"
		  "can_filters=123:7FF,456:7FF;fd=no" },
		{ "virtual:,,,,", "interface=virtual;channel=,," },
		{ "virtual:a,b=c=d,,,e=f", "interface=virtual;channel=a;"
		  "b=c=d,;e=f" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct evcan_options *o = evcan_options_new();
		struct evcan_error err = { 0 };

		assert_int_equal(evcan_config_parse_spec(o, table[i].in,
		    &err), 0);
		assert_string_equal(shown(o), table[i].out);
		evcan_options_free(o);
	}
}

static void
test_spec_replaces(void **state)
{
	struct evcan_options *o = evcan_options_new();

	(void)state;
	evcan_options_set(o, "fd", "0", NULL);
	evcan_options_set(o, "channel", "x", NULL);
	assert_int_equal(evcan_config_parse_spec(o, "virtual:,fd=1", NULL),
	    0);
	assert_string_equal(shown(o), "fd=1;channel=x;interface=virtual");
	assert_string_equal(evcan_options_origin(o, "fd"), "virtual:,fd=1");
	evcan_options_free(o);
}

static void
test_spec_errors(void **state)
{
	static const struct { const char *in, *text; } table[] = {
		{ "virtual:a,fd", "\"fd\" is not an option as name=value "
		  "(virtual:a,fd)" },
		{ "virtual:a,", "\"\" is not an option as name=value "
		  "(virtual:a,)" },
		{ "virtual:a,channel=b", "\"channel=b\" sets what is set "
		  "already (virtual:a,channel=b)" },
		{ "x,fd=1,fd=1", "\"fd=1\" sets what is set already "
		  "(x,fd=1,fd=1)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct evcan_options *o = evcan_options_new();
		struct evcan_error err = { 0 };

		assert_int_equal(evcan_config_parse_spec(o, table[i].in,
		    &err), EVCAN_ERR_SYNTAX);
		assert_string_equal(err.text, table[i].text);
		assert_int_equal(evcan_options_count(o), 0);
		evcan_options_free(o);
	}
}

static char home[64], named[96];

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static const char *
in_home(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", home, name);
	return path;
}

static void
clear_world(void)
{
	static const char *const files[] = { "can.conf", ".can", ".canrc",
		"named.conf" };
	static const char *const variables[] = { "CAN_CONFIG",
		"CAN_INTERFACE", "CAN_CHANNEL", "CAN_BITRATE",
		"CAN_CONFIG_T", "CAN_INTERFACE_T", "CAN_CHANNEL_T",
		"CAN_BITRATE_T" };
	const char *name, *value;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlink(in_home(files[i]));
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		unsetenv(variables[i]);
	while (evcan_options_at(evcan_config_defaults(), 0, &name, &value))
		evcan_options_unset(evcan_config_defaults(), name);
}

static int
setup(void **state)
{
	(void)state;
	strcpy(home, "/tmp/evcan-config-XXXXXX");
	if (mkdtemp(home) == NULL)
		return -1;
	strcpy(named, in_home("named.conf"));
	return setenv("HOME", home, 1);
}

static int
teardown(void **state)
{
	(void)state;
	clear_world();
	return rmdir(home);
}

/* Every source says channel; each in turn is taken away. */
static void
test_precedence(void **state)
{
	static const char *const expected[] = { "given", "rc", "env-t",
		"json-t", "env", "json", "file-t", "file" };

	(void)state;
	for (int first = 0; first < 8; first++) {
		struct evcan_options *o = evcan_options_new();

		clear_world();
		if (first <= 0)
			evcan_options_set(o, "channel", "given", NULL);
		if (first <= 1)
			evcan_options_set(evcan_config_defaults(), "channel",
			    "rc", NULL);
		if (first <= 2)
			setenv("CAN_CHANNEL_T", "env-t", 1);
		if (first <= 3)
			setenv("CAN_CONFIG_T", "{\"channel\": \"json-t\"}", 1);
		if (first <= 4)
			setenv("CAN_CHANNEL", "env", 1);
		if (first <= 5)
			setenv("CAN_CONFIG", "{\"channel\": \"json\"}", 1);
		write_file(named, first <= 6 ?
		    "[default]\nchannel=file\n[T]\nchannel=file-t\n" :
		    "[default]\nchannel=file\n[T]\nfd=1\n");
		assert_int_equal(evcan_config_load(o, named, "T", NULL), 0);
		assert_string_equal(evcan_options_get(o, "channel"),
		    expected[first]);
		evcan_options_free(o);
	}
	clear_world();
}

static void
test_places(void **state)
{
	struct evcan_options *o = evcan_options_new();

	(void)state;
	clear_world();
	write_file(in_home("can.conf"), "[default]\na_=1\nb_=1\nc_=%(d_)s\n");
	write_file(in_home(".can"), "[default]\nb_=2\nd_=2\n");
	write_file(in_home(".canrc"), "[default]\nd_=3\n");
	assert_int_equal(evcan_config_load_files(o, NULL, "", NULL), 0);
	assert_string_equal(evcan_options_get(o, "a_"), "1");
	assert_string_equal(evcan_options_get(o, "b_"), "2");
	assert_string_equal(evcan_options_get(o, "c_"), "3");
	assert_string_equal(evcan_options_get(o, "d_"), "3");
	assert_string_equal(evcan_options_origin(o, "d_"),
	    (strcat(strcpy(named, in_home(".canrc")), ":2"), named));
	strcpy(named, in_home("named.conf"));
	evcan_options_free(o);
	clear_world();
}

static void
test_bustype(void **state)
{
	struct evcan_options *o = evcan_options_new();

	(void)state;
	clear_world();
	setenv("CAN_CONFIG", "{\"bustype\": \"socketcan_native\"}", 1);
	setenv("CAN_INTERFACE", "", 1);
	write_file(named, "[default]\ninterface=virtual\nbustype=slcan\n");
	assert_int_equal(evcan_config_load(o, named, NULL, NULL), 0);
	assert_string_equal(shown(o), "interface=socketcan");
	assert_string_equal(evcan_options_origin(o, "interface"),
	    "CAN_CONFIG");
	evcan_options_free(o);

	o = evcan_options_new();
	evcan_options_set(o, "bustype", "slcan", NULL);
	evcan_options_set(o, "interface", "virtual", NULL);
	assert_int_equal(evcan_config_load(o, named, NULL, NULL), 0);
	assert_string_equal(shown(o), "interface=virtual");
	evcan_options_free(o);
	clear_world();
}

static void
test_load_errors(void **state)
{
	struct evcan_options *o = evcan_options_new();
	struct evcan_error err = { 0 };
	char text[256];

	(void)state;
	clear_world();
	assert_int_equal(evcan_config_load(o, named, NULL, &err),
	    EVCAN_ERR_NOT_FOUND);
	snprintf(text, sizeof(text), "%s: configuration file cannot be "
	    "opened", named);
	assert_memory_equal(err.text, text, strlen(text));

	evcan_error_clear(&err);
	assert_int_equal(evcan_config_load(o, home, NULL, &err),
	    EVCAN_ERR_INIT);
	snprintf(text, sizeof(text), "%s: cannot be read", home);
	assert_memory_equal(err.text, text, strlen(text));

	evcan_error_clear(&err);
	write_file(in_home(".canrc"), "[default]\nfoo\n");
	assert_int_equal(evcan_config_load(o, NULL, NULL, &err),
	    EVCAN_ERR_SYNTAX);
	snprintf(text, sizeof(text), "%s:2: \"foo\" is neither [section] nor "
	    "name = value", in_home(".canrc"));
	assert_string_equal(err.text, text);
	unlink(in_home(".canrc"));

	/* A place that is there but is no file. */
	evcan_error_clear(&err);
	mkdir(in_home(".canrc"), 0700);
	assert_int_equal(evcan_config_load(o, NULL, NULL, &err),
	    EVCAN_ERR_INIT);
	rmdir(in_home(".canrc"));

	evcan_error_clear(&err);
	setenv("CAN_CONFIG_T", "[]", 1);
	assert_int_equal(evcan_config_load(o, NULL, "T", &err),
	    EVCAN_ERR_SYNTAX);
	assert_memory_equal(err.text, "CAN_CONFIG_T: is no JSON object", 31);
	evcan_options_free(o);
	clear_world();
}

/* Parses a spec, then completes it from all sources. */
static int
build(struct evcan_error *err)
{
	struct evcan_options *o = evcan_options_new();
	int r;

	if (o == NULL)
		return EVCAN_ERR_NOMEM;
	r = evcan_config_parse_spec(o, "socketcan_ctypes:a,x=1", err);
	if (r == 0)
		r = evcan_config_load(o, NULL, "T", err);
	if (r == 0)
		assert_string_equal(evcan_options_get(o, "deep"), "file:1");
	evcan_options_free(o);
	return r;
}

/* Where nobody asks for it, so that its answer is an exit status. */
static int
what_is_loaded(void)
{
	struct evcan_options *o = evcan_options_new();
	struct evcan_error err = { 0 };
	int seen = 0;

	if (o == NULL || evcan_config_load(o, NULL, NULL, &err) < 0)
		return 64;
	seen |= evcan_options_get(o, "of_file") != NULL ? 1 : 0;
	seen |= evcan_options_get(o, "of_json") != NULL ? 2 : 0;
	seen |= evcan_options_get(o, "bitrate") != NULL ? 4 : 0;
	seen |= geteuid() != getuid() ? 8 : 0;
	evcan_options_free(o);
	return seen;
}

/* @return the status of this program when it is to say what is loaded */
static int
ask(const char *path)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execl(path, path, "what", (char *)NULL);
		_exit(65);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
copy_program(const char *to)
{
	static char part[1 << 16];
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, part, sizeof(part))) > 0)
		assert_int_equal(write(out, part, (size_t)n), n);
	close(in);
	close(out);
}

/* A set-user-ID program takes nothing from its caller. */
static void
test_secure(void **state)
{
	char copy[200];
	int seen;

	(void)state;
	if (geteuid() != 0)
		may_skip("only root can make a set-user-ID program of "
		    "another user");
	clear_world();
	strcpy(copy, in_home("named.conf"));
	copy_program(copy);
	assert_int_equal(chmod(home, 0755), 0);
	write_file(in_home(".canrc"), "[default]\nof_file=1\n");
	setenv("CAN_CONFIG", "{\"of_json\": 1}", 1);
	setenv("CAN_BITRATE", "500000", 1);
	assert_int_equal(ask(copy), 7);
	assert_int_equal(chown(copy, 65534, 65534), 0);
	assert_int_equal(chmod(copy, 04755), 0);
	seen = ask(copy);
	clear_world();
	assert_in_range(seen, 0, 15);
	if (!(seen & 8))
		may_skip("the folder for temporary files is mounted nosuid");
	assert_int_equal(seen, 8);
}

static void
test_out_of_memory(void **state)
{
	struct evcan_error err;
	long n = 1;

	(void)state;
	assert_true(alloc_fail_works());
	clear_world();
	evcan_options_set(evcan_config_defaults(), "rc", "1", NULL);
	setenv("CAN_CONFIG", "{\"bustype\": \"virtual\", \"n\": 1.5}", 1);
	setenv("CAN_CHANNEL_T", "c", 1);
	write_file(in_home(".can"), "[DEFAULT]\nk=1\n[T]\nx=0\n");
	write_file(in_home(".canrc"), "[default]\ndeep=file:%(k)s\n"
	    "long=a\n b\n c\n");
	for (;; n++) {
		int r;

		evcan_error_clear(&err);
		alloc_fail_start(n);
		r = build(&err);
		if (!alloc_fail_stop()) {
			assert_int_equal(r, 0);
			break;
		}
		assert_int_equal(r, EVCAN_ERR_NOMEM);
	}
	assert_true(n > 100);
	clear_world();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ini),
		cmocka_unit_test(test_ini_errors),
		cmocka_unit_test(test_ini_depth),
		cmocka_unit_test(test_ini_bomb),
		cmocka_unit_test(test_ini_limits),
		cmocka_unit_test(test_ini_long_values),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_errors),
		cmocka_unit_test(test_spec),
		cmocka_unit_test(test_spec_replaces),
		cmocka_unit_test(test_spec_errors),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_bustype),
		cmocka_unit_test(test_load_errors),
		cmocka_unit_test(test_secure),
		cmocka_unit_test(test_out_of_memory),
	};

	/* Without what a leak checker does at exit: it may not, as another
	 * user. */
	if (argc == 2 && strcmp(argv[1], "what") == 0)
		_exit(what_is_loaded());

	return cmocka_run_group_tests_name("config", tests, setup, teardown);
}
