#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# test_config_python.py - python-can's own configuration beside evcan's
"""
test_config_python.py PRINT_CONFIG [DOCUMENTS [SEED]]

Runs python-can's can.util.load_config and load_file_config (written against
4.1.0) and PRINT_CONFIG on the same files, environments and arguments, and
compares what comes out, or that both refuse. Differences that are meant, each
a case below that says so:

 - values stay text (python-can makes fd, port, bitrate typed, JSON values
   keep their type);
 - a byte order mark at a file's start is accepted;
 - a file that is named but missing, or cannot be read, is an error;
 - null in CAN_CONFIG is the same as leaving the name out;
 - a name twice in CAN_CONFIG is an error; an empty CAN_CONFIG is none.

Needs python-can (exit status 77 without it); touches nothing outside a
temporary directory.
"""

import json
import os
import random
import subprocess
import sys
import tempfile

HOME = tempfile.TemporaryDirectory(prefix="evcan-config-")
os.environ["HOME"] = HOME.name
for key in [key for key in os.environ if key.startswith("CAN_")]:
    del os.environ[key]

try:
    import can
    import can.util
except ImportError:
    print("python-can is not installed")
    sys.exit(77)

PROGRAM = os.path.abspath(sys.argv[1])
REFUSED = "refused"
failures = 0
passed = 0


def escape(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def as_text(value):
    """A python value as evcan writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return json.dumps(value, separators=(",", ":"))
    return str(value)


def lines_of(config):
    return sorted(
        f"{escape(name)}={escape(as_text(value))}"
        for name, value in config.items()
        if value is not None
    )


def evcan(*args):
    done = subprocess.run(
        [PROGRAM, *args], capture_output=True, env=os.environ, check=False
    )
    if done.returncode == 1 and done.stderr:
        return REFUSED
    if done.returncode != 0:
        return f"status {done.returncode}: {done.stderr!r}"
    return sorted(done.stdout.decode().splitlines())


def python_load(path, context, given):
    try:
        return can.util.load_config(path, dict(given), context)
    except can.CanInterfaceNotImplementedError:
        raise
    except Exception:
        return REFUSED


def same_types(lines, theirs):
    """Brings the three names that python-can types to its form."""
    if lines == REFUSED or isinstance(lines, str):
        return lines
    out = []
    for line in lines:
        name, _, value = line.partition("=")
        if name == "fd":
            value = "false" if value in ("0", "False", "false") else "true"
        elif name in ("bitrate", "data_bitrate", "port") and name in theirs:
            value = str(int(value))
        out.append(f"{name}={value}")
    return sorted(out)


def check(what, ours, theirs):
    global failures, passed
    if ours == theirs:
        passed += 1
        return
    failures += 1
    print(f"FAIL {what}\n  evcan:      {ours}\n  python-can: {theirs}")


def write(name, text):
    path = os.path.join(HOME.name, name)
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return path


def world(files, env):
    for name in os.listdir(HOME.name):
        os.unlink(os.path.join(HOME.name, name))
    for key in [key for key in os.environ if key.startswith("CAN_")]:
        del os.environ[key]
    for name, text in files.items():
        write(name, text)
    os.environ.update(env)


def compare(what, files=None, env=None, given=None, context=None, named=None,
            ours=None):
    """One case of load_config; ours: what evcan gives where it differs."""
    given = given or {}
    world(files or {}, env or {})
    path = os.path.join(HOME.name, named) if named else None
    theirs = python_load(path, context, given)
    mine = evcan("load", path or "-", context or "-",
                 *[f"{k}={v}" for k, v in given.items()])
    if ours is not None:
        check(what + " (meant to differ)", mine, ours)
        if theirs != REFUSED:
            theirs = lines_of(theirs)
        check(what + " (and does)", theirs != ours, True)
        return
    if theirs != REFUSED:
        mine = same_types(mine, theirs)
        theirs = lines_of(theirs)
    check(what, mine, theirs)


V = {"interface": "virtual"}
CONF = "[default]\ninterface = virtual\nchannel = file\n"


def precedence():
    """Each subset of sources that says channel: the same one wins."""
    sources = ["given", "env_t", "json_t", "env", "json", "file_t", "file",
               "DEFAULT"]
    for mask in range(1 << len(sources)):
        on = {s for i, s in enumerate(sources) if mask >> i & 1}
        env = {"CAN_INTERFACE": "virtual"}
        given = {"channel": "given"} if "given" in on else {}
        if "env_t" in on:
            env["CAN_CHANNEL_T"] = "env_t"
        if "json_t" in on:
            env["CAN_CONFIG_T"] = '{"channel": "json_t", "a": 1}'
        if "env" in on:
            env["CAN_CHANNEL"] = "env"
        if "json" in on:
            env["CAN_CONFIG"] = '{"channel": "json", "b": "2"}'
        text = "[T]\nx = 1\n"
        if "file_t" in on:
            text += "channel = file_t\n"
        text += "[default]\ny = 1\n"
        if "file" in on:
            text += "channel = file\n"
        if "DEFAULT" in on:
            text += "[DEFAULT]\nchannel = DEFAULT\nz = 2\n"
        for context in (None, "T"):
            compare(f"precedence {sorted(on)} context {context}",
                    {".canrc": text}, env, given, context)


def places():
    names = ["can.conf", ".can", ".canrc"]
    for mask in range(8):
        files = {
            name: f"[default]\nwho = {name}\nonly{i} = 1\n[T]\nwho = T{i}\n"
            for i, name in enumerate(names) if mask >> i & 1
        }
        compare(f"places {sorted(files)}", files, given=V)
        compare(f"places {sorted(files)} T", files, given=V, context="T")
        compare(f"named {sorted(files)}",
                {**files, "n": "[default]\nwho = named\n"}, given=V,
                named="n")
    compare("a file refers to another's value",
            {"can.conf": "[default]\na = %(b)s\n",
             ".canrc": "[default]\nb = 1\n"}, given=V)
    compare("DEFAULT of another file",
            {"can.conf": "[DEFAULT]\na = 1\nb = 1\n",
             ".canrc": "[default]\nb = 2\n[T]\nc = %(a)s\n"},
            given=V, context="T")
    compare("a section in two files, one broken",
            {"can.conf": CONF, ".canrc": "[default]\nfoo\n"})


def environment():
    compare("all variables", env={
        "CAN_INTERFACE": "socketcan", "CAN_CHANNEL": "c", "CAN_BITRATE": "5"})
    compare("empty variables", {".canrc": CONF}, {
        "CAN_INTERFACE": "", "CAN_CHANNEL": "", "CAN_BITRATE": ""})
    compare("context wins", env={
        "CAN_INTERFACE": "socketcan", "CAN_CHANNEL": "c",
        "CAN_INTERFACE_X": "virtual", "CAN_BITRATE_X": "125000"},
        context="X")
    compare("context only", env={"CAN_CHANNEL_X": "c"}, given=V)
    compare("JSON types", env={"CAN_CONFIG": json.dumps({
        "interface": "virtual", "channel": 0, "a": True, "b": 1.5,
        "c": [1, {"x": "y"}], "d": {"e": False}, "f": "", "g": -7})})
    compare("JSON is overridden by the variables", env={
        "CAN_CONFIG": '{"interface": "socketcan", "channel": "a"}',
        "CAN_INTERFACE": "virtual", "CAN_CHANNEL": "b"})
    for text in ("{", "{} x", "nonsense"):
        compare(f"JSON {text!r}", env={"CAN_CONFIG": text}, given=V)
        compare(f"JSON {text!r} in context", env={"CAN_CONFIG_T": text},
                given=V, context="T")
    compare("JSON null", {".canrc": CONF}, {"CAN_CONFIG": '{"a": null}'})
    compare("JSON null hides", {".canrc": CONF},
            {"CAN_CONFIG": '{"channel": null}'},
            ours=["channel=file", "interface=virtual"])
    compare("JSON name twice", {".canrc": CONF},
            {"CAN_CONFIG": '{"a": 1, "a": 2}'}, ours=REFUSED)
    compare("JSON empty", {".canrc": CONF}, {"CAN_CONFIG": ""},
            ours=["channel=file", "interface=virtual"])


def bustype():
    compare("bustype given", given={"bustype": "virtual"})
    compare("both given", given={"bustype": "socketcan",
                                 "interface": "virtual"})
    compare("empty interface given",
            given={"bustype": "virtual", "interface": ""})
    compare("bustype in JSON", {".canrc": CONF},
            {"CAN_CONFIG": '{"bustype": "socketcan"}'})
    compare("bustype in JSON, interface in a variable", env={
        "CAN_CONFIG": '{"bustype": "socketcan"}', "CAN_INTERFACE": "virtual"})
    compare("bustype in context",
            {".canrc": "[default]\ninterface=virtual\n[T]\n"
                       "bustype=socketcan\n"}, context="T")
    compare("bustype by DEFAULT",
            {".canrc": "[DEFAULT]\nbustype=socketcan\n[default]\na=1\n"})
    compare("given beats the file's bustype",
            {".canrc": "[default]\nbustype=socketcan\n"}, given=V)


def typed():
    for value in ("0", "1", "False", "false", "true", "True", "yes"):
        compare(f"fd {value}", {".canrc": CONF + f"fd = {value}\n"})
    compare("port", {".canrc": CONF + "port = 5000\nbitrate = 500000\n"})
    compare("leading zeros stay",
            {".canrc": CONF + "serial = 0012\nname = 1e5\n"})
    compare("case of names", {".canrc": CONF + "UniqueHardwareId = A\n"
                              "uniquehardwareid = b\n"})


def missing():
    compare("no file, no section", given=V)
    compare("no such section", {".canrc": "[x]\na=1\n"}, given=V,
            context="T")
    compare("context DEFAULT", {".canrc": "[DEFAULT]\na=1\n"}, given=V,
            context="DEFAULT")
    compare("named file missing", given=V, named="none", ours=REFUSED)
    compare("byte order mark", {".canrc": "\ufeff" + CONF},
            ours=["channel=file", "interface=virtual"])


def ini_case(what, text, sections=("default", "T", "DEFAULT", "x")):
    """load_file_config beside evcan_config_parse_ini, value by value."""
    world({}, {})
    path = write("n", text)
    for section in sections:
        try:
            theirs = lines_of(can.util.load_file_config(path, section))
        except Exception:
            theirs = REFUSED
        check(f"{what} [{section}] of {text!r}",
              evcan("ini", path, section), theirs)


DIALECT = [
    "", "\n\n", "# c\n", "a=1\n", "[default\na=1\n", "[]\n", "[]]\na=1\n",
    "[default]\na=1\nb:2\nc = 3 : 4\nd : 5 = 6\n",
    "[default]\na=1\n  2\n\n  3\n\n\nb=4\n", "[default]\na=\n 1\n 2\n",
    "[default]\n  a=1\n  b=2\n    c\n", "[default]\n a=1\nb=2\n  c=3\n",
    "[default]\na=1\n#c\n 2\n;d\n 3\n", "[default]\na=1 # x ; y\n",
    "[default]\na=1\n  # x\n  2\n", "[default] ; x\na=1\n",
    "[default]\na\n", "[default]\n=1\n", "[default]\n : 1\n",
    "[default]\na=1\na=2\n", "[default]\na=1\nA=2\n",
    "[default]\n[default]\n", "[DEFAULT]\n[DEFAULT]\na=1\n[default]\n",
    "[DEFAULT]\na=1\n[DEFAULT]\na=1\n[default]\n",
    "[DEFAULT]\na=1\nb=%(c)s\n[default]\nc=2\n[T]\nc=3\na=4\n",
    "[default]\na=%%\nb=%(a)s\n", "[default]\na=%\n", "[default]\na=%x\n",
    "[default]\na=%(b\n", "[default]\na=%(b)\n", "[default]\na=%(b)d\n",
    "[default]\na=%()s\nb=1", "[default]\na=%(a)s\n", "[default]\na=%(z)s\n",
    "[default]\nb=1\na=%(b)s%%%(b)s\n", "[default]\na b = c d \n",
    "[default]\nb\\ = \\n\n", "[default]\na=1\r\n  2\r\nb=3\r\n",
    "[default]\na=1\rb=2\r", "[default]\na=\"x\"\n", "[default]\na='x'\n",
    "[ default ]\na=1\n", "  [default]\n  a=1\n", "[default]\na=1\n [T]\n",
    "[default]\na=1\n\x0b\n 2\n", "[default]\na=\x0c1\x1c\n",
    "[default]\na=%(b)s\nb=1\n 2\n", "[default]\na=1\n  b=2\n c=3\n",
    "[default]\na=1\n\t2\n", "[default]\n\ta=1\n        2\n",
    "[T]\na=%\n[default]\nb=1\n", "[x]y]z\na=1\n", "[default]\na=:=\n",
    "[default]\ngr\u00fc\u00dfe = \u20ac\n",
    "[default]\n" + "a0=x\n" + "".join(
        f"a{i}=%(a{i - 1})s\n" for i in range(1, 11)),
    "[default]\n" + "a0=x\n" + "".join(
        f"a{i}=%(a{i - 1})s\n" for i in range(1, 12)),
    "[default]\n" + "a0=%%\n" + "".join(
        f"a{i}=%(a{i - 1})s\n" for i in range(1, 11)),
    "[default]\n" + "a0=%%\n" + "".join(
        f"a{i}=%(a{i - 1})s\n" for i in range(1, 10)),
]

PIECES = [
    "[default]", "[T]", "[DEFAULT]", "[x]", "a = 1", "b: 2", "a=3", "c =",
    "d=%(a)s", "e=%(c)s%(d)s%%", "f = %(b)s x", "more", "x = y", "# c",
    "; c", "", "", " ", "\t", "g=%", "=1", "h", "k = [x]", "A=9", "a", "b",
]


def random_documents(count, seed):
    rng = random.Random(seed)
    for i in range(count):
        lines = ["[default]"] if rng.random() < 0.8 else []
        # Most documents are short: a longer one is nearly always refused.
        for _ in range(rng.randrange(1, 10)):
            indent = rng.choice(["", "", "", " ", "  ", "\t"])
            lines.append(indent + rng.choice(PIECES))
        end = rng.choice(["\n", "\n", "\r\n", "\r"])
        ini_case(f"document {i} of seed {seed}", end.join(lines),
                 ("default", rng.choice(["T", "x"])))


def main():
    documents = int(sys.argv[2]) if len(sys.argv) > 2 else 400
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    # A machine's own /etc/can.conf would be read by both, but its timing
    # keys are read by another rule in 4.1.0.
    precedence()
    places()
    environment()
    bustype()
    typed()
    missing()
    for text in DIALECT:
        ini_case("dialect", text)
    random_documents(documents, seed)
    print(f"{passed} comparisons equal, {failures} not "
          f"(python-can {can.__version__})")
    return 1 if failures or passed == 0 else 0


sys.exit(main())
