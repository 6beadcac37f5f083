"""What other people's scanners are tried with, made again: pickles that would run something, files that hide one.

`patterns.json` holds bare pickles; the files beside it are containers. Nothing here is ever loaded. The globals of each
are those that Python's own `pickletools.genops` finds; verdicts and calls are listed by hand.
"""

from __future__ import annotations

import base64
import io
import json
import pickle
import pickletools
import struct
import tarfile
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch

from .assembler import Call, Global, encode, pickled
from .attack_parts import Member, archive
from .common import legacy_bytes, read_members, save_zip, write_members
from .compare import state

FIXTURES = Path(__file__).resolve().parent.parent  # those of other groups, which come out the same each time
KNOWN, FOREIGN, DANGEROUS = "known", "foreign", "dangerous"
COMMAND = "touch vit-convert-was-tricked"
PAYLOAD = f"__import__('os').system({COMMAND!r})"


# MARK: What genops finds

def pickles_in(data: bytes, count: int | None = None) -> list[tuple[list[tuple[str, str]], int, int]]:
    """For each pickle its globals, the number of its opcodes, and where it ends."""
    found, stream = [], io.BytesIO(data)
    while stream.tell() < len(data) and (count is None or len(found) < count):
        globals_, strings, memo, opcodes = [], [], {}, 0
        for opcode, argument, _ in pickletools.genops(stream):
            opcodes += 1
            name = opcode.name
            if name in ("GLOBAL", "INST"):
                globals_.append(tuple(argument.split(" ", 1)))
            elif name == "STACK_GLOBAL":
                globals_.append(tuple(strings[-2:]))
            elif name.startswith("EXT"):
                globals_.append(("copyreg", f"extension {argument}"))
            elif "UNICODE" in name or "STRING" in name:
                strings.append(argument)
            elif name == "MEMOIZE":
                memo[len(memo)] = strings[-1] if strings else None
            elif "PUT" in name:
                memo[argument] = strings[-1] if strings else None
            elif "GET" in name:
                strings.append(memo.get(argument))
        found.append((globals_, opcodes, stream.tell()))
    return found


def counted(globals_: list[tuple[str, str]]) -> list[list]:
    order = list(OrderedDict.fromkeys(globals_))
    return [[*pair, globals_.count(pair)] for pair in order]


# MARK: Writing pickles

def body(value, protocol: int) -> bytes:
    """The value's opcodes, without PROTO, FRAME and STOP."""
    data = pickle.dumps(value, protocol=protocol)
    if protocol >= 2:
        data = data[2:]
    if protocol >= 4 and data[:1] == b"\x95":
        data = data[9:]
    return data[:-1]


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value.encode())]) + value.encode()


def named(module: str, name: str, protocol: int) -> bytes:
    if protocol >= 4:
        return text(module) + text(name) + b"\x93"
    return f"c{module}\n{name}\n".encode()


def start(protocol: int) -> bytes:
    return bytes([0x80, protocol]) if protocol >= 2 else b""


def reduce(module: str, name: str, args: tuple, protocol: int = 4) -> bytes:
    return start(protocol) + named(module, name, protocol) + body(args, protocol) + b"R."


# MARK: Patterns

# module, name, arguments, what a person should see; from picklescan's tests and advisories, and fickling's tests.
CALLS = [
    ("builtins", "eval", ("print('456')",), '''("print('456')")'''),
    ("builtins", "exec", (PAYLOAD,), None),
    ("builtins", "compile", ("1", "", "eval"), '("1", "", "eval")'),
    ("builtins", "__import__", ("os",), '("os")'),
    ("builtins", "open", ("/etc/passwd",), '("/etc/passwd")'),
    ("builtins", "breakpoint", (), "()"),
    ("posix", "system", (COMMAND,), f'("{COMMAND}")'),
    ("nt", "system", (COMMAND,), f'("{COMMAND}")'),
    ("os", "popen", ("id",), '("id")'),
    ("os", "execv", ("/bin/sh", ["/bin/sh", "-c", "id"]), '("/bin/sh", ["/bin/sh", "-c", "id"])'),
    ("subprocess", "run", (["ls", "-l"],), '(["ls", "-l"])'),
    ("subprocess", "Popen", (["id"],), '(["id"])'),
    ("http.client", "HTTPSConnection", ("github.com",), '("github.com")'),
    ("requests.api", "get", ("https://github.com",), None),
    ("aiohttp.client", "ClientSession", (), "()"),
    ("urllib.request", "urlopen", ("https://example.invalid",), None),
    ("socket", "create_connection", (("github.com", 80),), '(("github.com", 80))'),
    ("ssl", "get_server_certificate", (("example.invalid", 443),), None),
    ("webbrowser", "open", ("https://example.invalid",), None),
    ("sys", "exit", (0,), "(0)"),
    ("pickle", "loads", (b"I12345\n.",), '(b"I12345\\n.")'),
    ("_pickle", "loads", (b"I1\n.",), None),
    ("marshal", "loads", (b"\xe3",), '(b"ã")'),
    ("types", "FunctionType", (), "()"),
    ("runpy", "_run_code", ("print('456')",), None),
    ("runpy", "run_path", ("/tmp/malicious.py",), None),
    ("bdb", "Bdb.run", (None, "import os"), '(None, "import os")'),
    ("pdb", "run", (PAYLOAD,), None),
    ("pip", "main", (["install", "some_malicious_package", "--no-input"],), None),
    ("pydoc", "pipepager", ("", 'echo "pwned"'), '("", "echo \\"pwned\\"")'),
    ("pydoc", "locate", ("os.system",), '("os.system")'),
    ("venv", "create", ("venv", False), '("venv", False)'),
    ("ensurepip", "_run_pip", (PAYLOAD,), None),
    ("timeit", "timeit", ("", PAYLOAD), None),
    ("trace", "Trace.run", ({}, PAYLOAD), None),
    ("profile", "Profile.runctx", ({}, PAYLOAD, {}, {}), None),
    ("cProfile", "run", (PAYLOAD,), None),
    ("cProfile", "runctx", (PAYLOAD, None, None), None),
    ("doctest", "debug_script", (PAYLOAD, True), None),
    ("code", "InteractiveInterpreter.runcode", ({}, PAYLOAD), None),
    ("idlelib.run", "Executive.runcode", ({}, PAYLOAD), None),
    ("idlelib.pyshell", "ModifiedInterpreter.runcommand", ({}, PAYLOAD), None),
    ("idlelib.calltip", "get_entity", (PAYLOAD,), None),
    ("idlelib.autocomplete", "AutoComplete.get_entity", ({}, PAYLOAD), None),
    ("idlelib.debugobj", "ObjectTreeItem.SetText", ({}, PAYLOAD), None),
    ("lib2to3.pgen2.grammar", "Grammar.loads", ({}, b""), None),
    ("lib2to3.pgen2.pgen", "ParserGenerator.make_label", (None, {}, PAYLOAD), None),
    ("asyncio.unix_events", "_UnixSubprocessTransport._start", ({}, "whoami", True, None, None, None, 0), None),
    ("multiprocessing.util", "spawnv_passfds", (b"/bin/sh", [b"-c", b"id"], ()), None),
    ("distutils.file_util", "write_file", ("pwned_config.env", ["malicious content"]), None),
    ("shutil", "copy", ("/etc/passwd", "/tmp/x"), '("/etc/passwd", "/tmp/x")'),
    ("io", "FileIO", ("/etc/hosts", "r"), '("/etc/hosts", "r")'),
    ("ctypes", "CDLL", (None,), "(None)"),
    ("pty", "spawn", (["/bin/sh", "-c", "id; exit"],), '(["/bin/sh", "-c", "id; exit"])'),
    ("importlib", "import_module", ("os",), '("os")'),
    ("pkgutil", "resolve_name", ("os:system",), '("os:system")'),
    ("operator", "attrgetter", ("system",), '("system")'),
    ("operator", "methodcaller", ("system", "echo pwned"), '("system", "echo pwned")'),
    ("_operator", "itemgetter", ("eval",), '("eval")'),
    ("functools", "reduce", (1, 2), "(1, 2)"),
    ("logging", "FileHandler", ("/tmp/x",), '("/tmp/x")'),
    ("logging.config", "dictConfig", ({},), "({})"),
    ("uuid", "_get_command_stdout", ("id",), '("id")'),
    ("_osx_support", "_read_output", ("id",), '("id")'),
    ("nturl2path", "url2pathname", ("x",), '("x")'),
    ("site", "execsitecustomize", (), "()"),
    ("sqlite3", "connect", ("/tmp/x",), '("/tmp/x")'),
    ("dataclasses", "_create_fn", ("f", [], [PAYLOAD]), None),
    ("pathlib", "Path.unlink", ("/tmp/x",), '("/tmp/x")'),
    ("commands", "getoutput", ("id",), '("id")'),
    ("numpy", "load", ("x.npy",), '("x.npy")'),
    ("numpy.testing._private.utils", "runstring", (PAYLOAD, {}), None),
    ("numpy.f2py.crackfortran", "getlincoef", (PAYLOAD, []), None),
    ("numpy.f2py.crackfortran", "_eval_length", (PAYLOAD, {}), None),
    ("torch", "load", ("other.pth",), '("other.pth")'),
    ("torch.hub", "load", ("user/repository", "model"), '("user/repository", "model")'),
    ("torch.serialization", "load", ("other.pth",), '("other.pth")'),
    ("torch.jit", "load", ("other.pt",), '("other.pt")'),
    ("torch.jit.unsupported_tensor_ops", "execWrapper", (PAYLOAD, {}, {}), None),
    ("torch._inductor.codecache", "compile_file", ("", "", ["sh", "-c", "id"]), None),
    ("torch._dynamo.guards", "GuardBuilder.get", ({}, PAYLOAD), None),
    ("torch.fx.experimental.symbolic_shapes", "ShapeEnv.evaluate_guards_expression", ({}, PAYLOAD, []), None),
    ("torch.fx.graph_module", "reduce_graph_module", ({}, ""), None),
    ("torch.utils.bottleneck.__main__", "run_cprofile", (PAYLOAD, {}), None),
    ("torch.utils.bottleneck.__main__", "run_autograd_prof", (PAYLOAD, {}), None),
    ("torch.utils.collect_env", "run", (PAYLOAD,), None),
    ("torch.utils.data.datapipes.utils.decoder", "basichandlers", ("pickle", b""), None),
    ("torch.utils._config_module", "ConfigModule.load_config", ({}, b""), None),
    ("torch.distributed.rpc", "init_rpc", ("worker",), '("worker")'),
    ("torch.storage", "_load_from_bytes", (b"",), '(b"")'),
    ("torch._utils", "_import_dotted_name", ("os.system",), '("os.system")'),
    ("pandas", "read_pickle", ("x.pkl",), '("x.pkl")'),
    ("joblib", "load", ("x.pkl",), '("x.pkl")'),
    ("dill._dill", "_load_type", ("CodeType",), '("CodeType")'),
    ("cloudpickle.cloudpickle", "_builtin_type", ("CodeType",), '("CodeType")'),
    # Reached through what another module imported.
    ("torch.serialization", "os.system", (COMMAND,), f'("{COMMAND}")'),
    ("torch", "serialization.os.system", (COMMAND,), f'("{COMMAND}")'),
    ("torch", "hub.os.system", (COMMAND,), f'("{COMMAND}")'),
    ("project.helpers", "os.system", (COMMAND,), f'("{COMMAND}")'),
    ("project.helpers", "system", (COMMAND,), f'("{COMMAND}")'),
    ("project.helpers", "torch.load", ("x.pth",), '("x.pth")'),
    ("os.path", "os.system", (COMMAND,), f'("{COMMAND}")'),
    ("collections", "_sys.exit", (0,), "(0)"),
    ("torch", "__builtins__.get", ("eval",), '("eval")'),
    ("collections", "OrderedDict.__init__.__globals__.get", ("sys",), '("sys")'),
]

# Of real checkpoints: nothing here is dangerous.
HARMLESS = [
    ("numpy.random._pickle", "__randomstate_ctor", ("MT19937",), FOREIGN),
    ("torch.nn.modules.linear", "Linear", (), FOREIGN),
    ("torch._C._nn", "gelu", (), FOREIGN),
    ("torch.optim.adamw", "AdamW", (), FOREIGN),
    ("torch.distributed._shard.sharded_tensor.api", "ShardedTensor", (), FOREIGN),
    ("torch.utils.data.sampler", "RandomSampler", (), FOREIGN),
    ("project.test.eval", "Evaluator", (), FOREIGN),
    ("project.code.trace", "Trace", (), FOREIGN),
    ("omegaconf.dictconfig", "DictConfig", (), FOREIGN),
    ("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint", (), FOREIGN),
    ("transformers.training_args", "TrainingArguments", (), FOREIGN),
    ("logging", "getLogger", ("root",), FOREIGN),
    ("re", "_compile", ("a+", 32), FOREIGN),
    ("functools", "partial", (), FOREIGN),
    ("builtins", "print", (), FOREIGN),
    ("collections", "OrderedDict", (), KNOWN),
    ("datetime", "datetime", (b"\x07\xe8\x01\x01\x00\x00\x00\x00\x00\x00",), KNOWN),
    ("pathlib", "PosixPath", ("/", "data"), KNOWN),
    ("torch", "device", ("cuda", 0), KNOWN),
    ("torch", "float8_e4m3fn", (), KNOWN),
    ("numpy", "dtype", ("f4",), KNOWN),
    ("copy_reg", "_reconstructor", (), KNOWN),
    ("argparse", "Namespace", (), KNOWN),
]


def shapes() -> list[dict]:
    """Pickles whose form is the point: each with its globals' verdicts and the calls to be seen."""
    system = Global("os", "system")
    command = COMMAND.encode()
    shown = f'os.system("{COMMAND}")'
    rows: list[dict] = []

    def row(name: str, data: bytes, verdicts: dict[str, str], calls: list[str], **more) -> None:
        rows.append({"name": name, "pickle": base64.b64encode(data).decode(), "verdicts": verdicts, "calls": calls,
                     **more})

    os_only = {"os.system": DANGEROUS}
    row("reduce, protocol 0", b"cos\nsystem\n(S'" + command + b"'\ntR.", os_only, [shown])
    row("inst", b"(S'raise RuntimeError(\"Injection running\")'\ni__builtin__\nexec\n.",
        {"__builtin__.exec": DANGEROUS}, ['__builtin__.exec("raise RuntimeError(\\"Injection running\\")")'])
    row("obj", b"(cpty\nspawn\nS'id'\no.", {"pty.spawn": DANGEROUS}, ['pty.spawn("id")'])
    row("newobj", start(2) + named("subprocess", "Popen", 2) + encode(("id",)) + b"\x81.",
        {"subprocess.Popen": DANGEROUS}, ['subprocess.Popen("id")'])
    row("newobj_ex", start(4) + named("subprocess", "Popen", 4) + b")}" + text("args") + text("id") + b"s\x92.",
        {"subprocess.Popen": DANGEROUS}, ['subprocess.Popen(, **{"args": "id"})'])
    row("build", start(2) + named("project.state", "Restorer", 2) + b")\x81" + encode({"command": "id"}) + b"b.",
        {"project.state.Restorer": FOREIGN},
        ["project.state.Restorer()", 'project.state.Restorer.__setstate__({"command": "id"})'])
    row("names from the memo", b"Vos\np2\n0Vsystem\np3\n0Vtorch\np0\n0VLongStorage\np1\n0g2\ng3\n\x93(Vcat flag.txt\ntR.",
        os_only, ['os.system("cat flag.txt")'])
    row("memo index with an underscore", b"Vos\np1_0\n0Vsystem\np1_1\n0g1_0\ng1_1\n\x93(Vid\ntR.", os_only,
        ['os.system("id")'], genops=False)
    row("names from an empty memo", start(4) + b"h\x07h\x08\x93" + text("id") + b"\x85R.", {"?.?": DANGEROUS},
        ['?.?("id")'], genops=False)
    row("unicode escapes in a name", b"V\\u006fs\np0\n0Vsy\\u0073tem\np1\n0g0\ng1\n\x93(Vid\ntR.", os_only,
        ['os.system("id")'])
    row("octal escapes in a name", b"S'\\157s'\nS'sys\\x74em'\n\x93(S'id'\ntR.", os_only, ['os.system("id")'])
    row("a computed name", start(4) + named("_codecs", "encode", 4) + text("fb") + text("rot13") + b"\x86R"
        + text("system") + b"\x93" + text("id") + b"\x85R.",
        {'_codecs.encode("fb", "rot13")."system"': DANGEROUS, "_codecs.encode": KNOWN},
        ['_codecs.encode("fb", "rot13")."system"("id")'], genops=False)
    row("extension registry", start(2) + b"\x82\x05)R.", {"copyreg.extension 5": DANGEROUS}, ["copyreg.extension 5()"])
    row("extension registry, four bytes", start(2) + b"\x84\x01\x02\x03\x04)R.",
        {"copyreg.extension 67305985": DANGEROUS}, ["copyreg.extension 67305985()"])
    row("a name with a line break", start(4) + named("os\nsystem", "x", 4) + b")R.", {"os\nsystem.x": DANGEROUS},
        ["os\\nsystem.x()"])
    row("escape sequences", start(4) + named("os", "system", 4) + text("\x1b[2J\x1b]0;harmless\x07\u202e\u200b") + b"\x85R.",
        os_only, ['os.system("\\x1b[2J\\x1b]0;harmless\\x07\\u202e\\u200b")'])
    row("getattr on what was imported", start(2)
        + encode(Call(Global("builtins", "getattr"), Call(Global("importlib", "import_module"), "os"), "system"))
        + encode(("id",)) + b"R.",
        {"builtins.getattr": DANGEROUS, "importlib.import_module": DANGEROUS},
        ['importlib.import_module("os")', 'builtins.getattr(importlib.import_module("os"), "system")',
         'builtins.getattr(importlib.import_module("os"), "system")("id")'])
    row("getattr of a class", start(2) + encode(Call(Global("builtins", "getattr"), Global("project.data", "Mode"), "train"))
        + b".", {"builtins.getattr": FOREIGN, "project.data.Mode": FOREIGN}, [])
    row("getattr through a module", start(2)
        + encode(Call(Global("builtins", "getattr"), Global("torch._utils", "os"), "system")) + encode(("id",)) + b"R.",
        {"builtins.getattr": DANGEROUS, "torch._utils.os": DANGEROUS},
        ['builtins.getattr(torch._utils.os, "system")', 'builtins.getattr(torch._utils.os, "system")("id")'])
    row("getattr, once harmless and once not", start(2) + b"("
        + encode(Call(Global("builtins", "getattr"), Global("project.data", "Mode"), "train"))
        + encode(Call(Global("builtins", "getattr"), Call(Global("project.data", "Mode"), 1), "train")) + b"t.",
        {"builtins.getattr": DANGEROUS, "project.data.Mode": FOREIGN},
        ['builtins.getattr(project.data.Mode(1), "train")', "project.data.Mode(1)"])
    row("partial of torch.load", start(2)
        + encode(Call(Global("functools", "partial"), Global("torch", "load"), "other.pth")) + b")R.",
        {"functools.partial": FOREIGN, "torch.load": DANGEROUS},
        ['functools.partial(torch.load, "other.pth")', 'functools.partial(torch.load, "other.pth")()'])
    row("map", start(2) + encode(Call(Global("builtins", "list"), Call(Global("builtins", "map"), system, [COMMAND]))) + b".",
        {"builtins.list": KNOWN, "builtins.map": DANGEROUS, "os.system": DANGEROUS},
        [f'builtins.map(os.system, ["{COMMAND}"])'])
    row("a known constructor that is given the callable", start(2)
        + encode(Call(Global("torch._tensor", "_rebuild_from_type_v2"), system, Global("torch", "Tensor"), (COMMAND,), None))
        + b".", {"torch._tensor._rebuild_from_type_v2": KNOWN, "os.system": DANGEROUS, "torch.Tensor": KNOWN},
        [f'torch._tensor._rebuild_from_type_v2(os.system, torch.Tensor, ("{COMMAND}",), None)'])
    row("methodcaller", start(2) + encode(Call(Global("operator", "methodcaller"), "system", "echo pwned"))
        + encode((Call(Global("pydoc", "locate"), "os"),)) + b"R.",
        {"operator.methodcaller": DANGEROUS, "pydoc.locate": DANGEROUS},
        ['operator.methodcaller("system", "echo pwned")', 'pydoc.locate("os")',
         'operator.methodcaller("system", "echo pwned")(pydoc.locate("os"))'])
    row("sour pickle",
        b'c__builtin__\nglobals\n(tRp100\n0c__builtin__\ncompile\n(S\'fl=open("/etc/passwd");x=fl.read();\'\nS\'\'\n'
        b"S'exec'\ntRp101\n0c__builtin__\neval\n(g101\ng100\ntRp102\n0c__builtin__\ngetattr\n(c__builtin__\ndict\n"
        b"S'get'\ntRp103\n0c__builtin__\napply\n(g103\n(g100\nS'x'\nltRp104\n0g104\n.",
        {"__builtin__.globals": DANGEROUS, "__builtin__.compile": DANGEROUS, "__builtin__.eval": DANGEROUS,
         "__builtin__.getattr": DANGEROUS, "__builtin__.dict": KNOWN, "__builtin__.apply": DANGEROUS},
        ["__builtin__.globals()", '__builtin__.compile("fl=open(\\"/etc/passwd\\");x=fl.read();", "", "exec")'])
    row("nested calls", start(2) + encode(Call(Global("project", "a"), Call(Global("project", "b"), Call(system, command))))
        + b".", {"os.system": DANGEROUS, "project.a": FOREIGN, "project.b": FOREIGN},
        [shown, f"project.b({shown})", f"project.a(project.b({shown}))"])
    row("a second pickle behind a harmless one", pickle.dumps(["a", "b"], 2) + reduce("os", "system", (COMMAND,), 2),
        os_only, [shown])
    row("no STOP", reduce("os", "system", (COMMAND,), 2)[:-1], os_only, [shown], stops=True, genops=False)
    row("no opcode behind the call", reduce("os", "system", (COMMAND,), 2)[:-1] + b"\xff.", os_only, [shown], stops=True,
        genops=False)
    row("an empty stack before the call", start(2) + b"0s(ee" + named("os", "system", 2) + encode((COMMAND,)) + b"R.",
        os_only, [shown])
    row("bytes behind the pickle", reduce("os", "system", (COMMAND,), 2) + b"\n\n\t\t", os_only, [shown], genops=False)
    row("what Python 2 wrote", pickled({b"model": Call(system, command), b"epoch": 3}), os_only, [shown])
    return rows


def patterns() -> list[dict]:
    rows = []
    for number, (module, name, arguments, shown) in enumerate(CALLS):
        for protocol in ((0, 2, 4) if number < 8 else (4,)):
            calls = [] if shown is None else [f"{module}.{name}{shown}"]
            rows.append({"name": f"{module}.{name}, protocol {protocol}",
                         "pickle": base64.b64encode(reduce(module, name, arguments, protocol)).decode(),
                         "verdicts": {f"{module}.{name}": DANGEROUS}, "calls": calls})
    for module, name, arguments, verdict in HARMLESS:
        rows.append({"name": f"{module}.{name}", "pickle": base64.b64encode(reduce(module, name, arguments, 4)).decode(),
                     "verdicts": {f"{module}.{name}": verdict}, "calls": []})
    rows += shapes()
    for row in rows:
        if row.pop("genops", True):
            found = pickles_in(base64.b64decode(row["pickle"]))
            row["globals"] = counted([pair for globals_, _, _ in found for pair in globals_])
            row["opcodes"] = sum(opcodes for _, opcodes, _ in found)
            assert {f"{module}.{name}" for module, name, _ in row["globals"]} == row["verdicts"].keys(), row
    return rows


# MARK: Files

def system_pickle(protocol: int = 2) -> bytes:
    return reduce("os", "system", (COMMAND,), protocol)


def zip_bytes(members: list[tuple[str, bytes]], comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), data)
        archive.comment = comment
    return buffer.getvalue()


def files(folder: Path) -> dict[str, dict]:
    weights = OrderedDict(weight=torch.arange(4.0))
    save_zip(weights, folder / "model.pth")
    members = read_members(folder / "model.pth")
    (folder / "model.pth").unlink()
    shown = f'os.system("{COMMAND}")'
    listed: dict[str, dict] = {}

    def put(name: str, data: bytes, verdict, note: str, findings: list[str] = (), calls: list[str] = (),
            stops: str | None = None) -> None:
        (folder / name).write_bytes(data)
        listed[name] = {"file": name, "verdict": verdict, "note": note, "findings": list(findings), "calls": list(calls)}
        if stops:
            listed[name]["stops"] = stops

    with_evil = {name: system_pickle() if name.endswith("data.pkl") else data for name, data in members.items()}
    plain = list(members.items())
    put("command.pth", zip_bytes(list(with_evil.items())), DANGEROUS, "data.pkl calls os.system", ["hidden-member"], [shown])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in with_evil.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    put("deflated.pth", buffer.getvalue(), DANGEROUS, "the same, deflated", ["hidden-member"], [shown])
    put("pickle_before_zip.pth", system_pickle() + zip_bytes(plain), DANGEROUS,
        "a pickle with an archive behind it: which of the two is loaded depends on the reader",
        ["polyglot", "stray-bytes"], [shown])
    put("text_before_zip.pth", b"#!/bin/sh\nexit\n" + zip_bytes(plain), KNOWN, "bytes before the archive", ["stray-bytes"])
    put("bytes_behind_zip.pth", zip_bytes(plain) + b"more bytes", KNOWN, "bytes behind the archive", ["stray-bytes"])
    put("two_archives.pth", zip_bytes(list(with_evil.items())) + zip_bytes(plain), DANGEROUS,
        "the first archive is not the one that most tools read", ["hidden-member", "polyglot", "stray-bytes"], [shown])
    put("comment.pth", zip_bytes(plain, b"a comment"), KNOWN, "an archive with a comment", ["stray-bytes"])
    put("further_pickle.pth", zip_bytes([*plain, ("model/extra.pkl", system_pickle())]), DANGEROUS,
        "a pickle that PyTorch does not read", [], [shown])
    put("unnamed_pickle.pth", zip_bytes([*plain, ("model/notes", system_pickle())]), DANGEROUS,
        "the same under a name that says nothing", ["hidden-member"], [shown])
    put("unused_storage.pth", zip_bytes([*plain, ("model/data/7", bytes(16))]), KNOWN,
        "a storage that no tensor uses", ["hidden-member"])
    put("outside.pth", zip_bytes([*plain, ("elsewhere/readme", b"hello")]), KNOWN, "a member outside the folder",
        ["hidden-member"])
    put("archive_in_archive.pth", zip_bytes([*plain, ("model/inner", zip_bytes(list(with_evil.items())))]), DANGEROUS,
        "an archive within the archive", ["hidden-member", "polyglot"], [shown])
    first = zip_bytes([("model/data.pkl", system_pickle())])
    unlisted = first[:first.index(b"PK\x01\x02")]
    put("unlisted.pth", unlisted + zip_bytes(plain), DANGEROUS, "a member before the first that the directory lists",
        ["hidden-member", "stray-bytes"], [shown])
    twice = zip_bytes([*plain, ("model/data.pk1", system_pickle())]).replace(b"model/data.pk1", b"model/data.pkl")
    put("twice.pth", twice, DANGEROUS, "data.pkl twice; one reader takes the first, another the last", ["contradiction"],
        [shown])
    put("two_names.pth", zip_bytes(plain).replace(b"model/data.pkl", b"model/dat4.pkl", 1), KNOWN,
        "the local header calls data.pkl something else", ["contradiction"])
    wrong = bytearray(zip_bytes(list(with_evil.items())))
    wrong[wrong.index(b"tricked")] ^= 0x20
    put("checksum.pth", bytes(wrong), DANGEROUS, "the checksum of the pickle does not fit", ["hidden-member"],
        ['os.system("touch vit-convert-was-Tricked")'])
    put("cut_short.pth", zip_bytes(list(with_evil.items()))[:-30], DANGEROUS, "the end of the archive is missing", [],
        [shown])

    legacy = legacy_bytes(weights)
    ends = [end for _, _, end in pickles_in(legacy, 5)]
    put("legacy_system.pth", legacy[:ends[1]] + system_pickle() + legacy[ends[2]:], DANGEROUS,
        "the third of the five pickles, which says what machine wrote the file, calls os.system", [], [shown])
    put("legacy_trailing.pth", legacy + system_pickle(), DANGEROUS, "a pickle behind the last storage", ["stray-bytes"],
        [shown])
    magic = start(2) + named("os", "system", 2) + encode((COMMAND,)) + b"R0" + legacy[2:]
    put("legacy_magic.pth", magic, DANGEROUS, "the magic number after a call, which PyTorch makes before it looks",
        ["stray-bytes"], [shown])
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in {"sys_info": system_pickle(), "pickle": pickled({}), "storages": pickled(0) + pickled([]),
                           "tensors": pickled(0), "notes": b"hello"}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    put("tar.pth", buffer.getvalue(), DANGEROUS, "a tar whose sys_info calls os.system", ["hidden-member"], [shown])

    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    objects = header.getvalue() + system_pickle(4)
    put("objects.npy", objects, DANGEROUS, "an array of Python objects", [], [shown])
    put("objects.npz", zip_bytes([("weight.npy", objects)]), DANGEROUS, "the same in an archive", [], [shown])

    unfolding(put, plain)

    keras = read_members(FIXTURES / "hdf5" / "keras_3.keras")
    config = json.loads(keras["config.json"])
    layers = config["config"]["layers"]
    layers.append({"module": "keras.layers", "class_name": "Lambda", "registered_name": None, "config": {
        "name": "trick", "function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA=\n", "defaults": None,
                                                                             "closure": None}}}})
    lambda_ = {**keras, "config.json": json.dumps(config).encode()}
    put("lambda.keras", zip_bytes([(name, lambda_[name]) for name in ("metadata.json", "config.json")]), DANGEROUS,
        "a Keras model whose Lambda layer carries compiled code", ["code"])
    layers[-1] = {"module": "os", "class_name": "system", "registered_name": None, "config": COMMAND}
    module = {**keras, "config.json": json.dumps(config).encode()}
    put("module.keras", zip_bytes([(name, module[name]) for name in ("metadata.json", "config.json")]), DANGEROUS,
        "a Keras model whose configuration names os.system as a class", [], [f'os.system(**"{COMMAND}")'])
    return listed


def unfolding(put, plain: list[tuple[str, bytes]]) -> None:
    """Small files that are long, or large, to look through; the first was found by fuzzing."""
    def deflated(pickle_: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in plain:
                entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, pickle_ if name.endswith("data.pkl") else data, compresslevel=9)
        return buffer.getvalue()

    computed = start(4) + (text("a") + b"\x93") * 3000 + b"."
    put("names_computed.pth", deflated(computed), DANGEROUS,
        "3,000 names, each put together from the one before and one letter", ["hidden-member"])
    fetched = start(2) + named("project", "Mode", 2) + b"q\x00" + (
        named("builtins", "getattr", 2) + b"h\x00" + b"U\x05train" + b"\x86Rq\x00") * 3000 + b"."
    put("names_fetched.pth", deflated(fetched), DANGEROUS,
        "an attribute of an attribute, 3,000 deep, each fetched from the one before", ["hidden-member"])
    parts = start(2) + f"cproject\n{'.'.join(['Mode'] * 20_000)}\n.".encode()
    put("names_of_many_parts.pth", deflated(parts), DANGEROUS, "a name of 20,000 parts", ["hidden-member"])
    put("pickles_in_a_row.pth", deflated((start(2) + b"N.") * 50_000), KNOWN, "50,000 pickles one after another",
        ["hidden-member"])
    memo = start(2) + b"Nr" + struct.pack("<I", 2**25 - 1) + b"."
    put("memos_far_out.pth", deflated(memo * 5000), KNOWN,
        "5,000 pickles, each with the highest place in the memo that is kept track of", ["hidden-member"])
    padded = system_pickle()[:-1] + b"0" + b"X" + struct.pack("<I", 3 << 20) + bytes(3 << 20) + b"."
    put("command_before_padding.pth", deflated(padded), DANGEROUS, "a call of os.system with 3 MiB of nothing behind it",
        [], [f'os.system("{COMMAND}")'], stops="unfolds to more than 8 times its size")
    bomb = Member("m/0.pkl", start(2) + b"X" + struct.pack("<I", 1 << 20) + bytes(1 << 20) + b".", 8)
    first = archive(bomb)
    entries = b"".join(Member(f"m/{number}.pkl", bomb.data, 8).entry(0) for number in range(64))
    local = len(bomb.local())
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 64, 64, len(entries), local, 0)
    put("members_over_one_another.pth", first[:local] + entries + end, KNOWN,
        "64 members that are one and the same deflated megabyte", ["contradiction"],
        stops="unfolds to more than 8 times its size")


def models(folder: Path) -> None:
    """A whole model with something beside its weights: for `convert`."""
    torch.manual_seed(5)
    weights = state(5, depth=1)
    for name, extra in (("vit_command", Call(Global("os", "system"), COMMAND)),
                        ("vit_foreign", Call(Global("project.config", "Settings"), 12)), ("vit_plain", "nothing")):
        save_zip(OrderedDict(model=weights, extra="EXTRA"), folder / f"{name}.pth")
        members = read_members(folder / f"{name}.pth")
        pickle_name = f"{name}/data.pkl"
        old = b"X\x05\x00\x00\x00EXTRA"
        data = members[pickle_name]
        at = data.index(old)
        members[pickle_name] = data[:at] + encode(extra) + data[at + len(old):]
        write_members(folder / f"{name}.pth", members)


def torch_globals() -> list[dict]:
    """What genops finds in every fixture of torch's that is there."""
    rows = []
    for path in sorted((FIXTURES / "torch").iterdir()):
        if path.suffix == ".json" or path.is_dir() or path.name.endswith(".tar"):
            continue
        data = path.read_bytes()
        if data[:2] == b"PK":
            with zipfile.ZipFile(path) as archive:
                found = [pickle_ for name in archive.namelist() if name.endswith(".pkl")
                         for pickle_ in pickles_in(archive.read(name))]
        else:
            found = pickles_in(data, 5)
        rows.append({"file": f"torch/{path.name}", "opcodes": [opcodes for _, opcodes, _ in found],
                     "globals": counted([pair for globals_, _, _ in found for pair in globals_])})
    return rows


def write_rows(path: Path, key: str, rows: list[dict]) -> None:
    lines = ",\n  ".join(json.dumps(row) for row in rows)
    path.write_text("{" + json.dumps(key) + ": [\n  " + lines + "\n]}\n")


def generate(out: Path) -> None:
    folder = out / "security"
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / "patterns.json", "patterns", patterns())
    listed = files(folder)
    models(folder)
    write_rows(folder / "index.json", "files", list(listed.values()))
    write_rows(folder / "globals.golden.json", "fixtures", torch_globals())
