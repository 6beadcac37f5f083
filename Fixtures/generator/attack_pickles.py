"""Pickles that call what they should not, wear their reader out, or describe tensors that cannot be."""

from __future__ import annotations

import random
import struct

from .assembler import Call, Global, Persistent, encode, pickled
from .attack_parts import (COMMAND, FLOATS, LARGEST, MARK, ONE, Files, Member, Raw, archive, body, dictionary, legacy,
                           storage, tensor, with_weight)
from .torch_old import ORDERED_DICT, REBUILD_2


# MARK: Pickles that call

def calls(files: Files) -> None:
    def inert(name: str, tries: str, value, *names: str, kind: str) -> None:
        files.reads(f"pickle_{name}.pth", with_weight(run=value), tries, ["weight"], others={"run": kind},
                    globals=list(names))

    expression = f"open('{MARK}', 'w')".encode()
    inert("os_system", "runs a command through os.system", Call(Global("os", "system"), COMMAND),
          "os.system", kind="os.system")
    inert("builtins_eval", "evaluates an expression", Call(Global("builtins", "eval"), expression),
          "builtins.eval", kind="builtins.eval")
    inert("torch_load", "has another file loaded, which may hold anything",
          Call(Global("torch", "load"), b"pickle_os_system.pth"), "torch.load", kind="torch.load")
    inert("nested_reduce", "calls what a call of getattr on what a call of __import__ gave",
          Raw(encode(Call(Global("builtins", "getattr"), Call(Global("builtins", "__import__"), b"os"), b"system"))
              + encode((COMMAND,)) + b"R"),
          "builtins.getattr", "builtins.__import__", kind="object")
    inert("build_state", "has a state set on an object whose class runs it",
          Raw(encode(Global("code", "InteractiveInterpreter")) + b")\x81" + encode({b"runsource": COMMAND}) + b"b"),
          "code.InteractiveInterpreter", kind="code.InteractiveInterpreter")
    inert("opcode_inst", "calls through INST, which protocol 0 has beside REDUCE",
          Raw(b"(" + encode(COMMAND) + b"ios\nsystem\n"), "os.system", kind="os.system")
    inert("opcode_obj", "calls through OBJ", Raw(b"(" + encode(Global("os", "system")) + encode(COMMAND) + b"o"),
          "os.system", kind="os.system")
    inert("global_newline", "hides os.system behind a line break in a global's name",
          Raw(encode("os\nsystem") + encode("system\n") + b"\x93" + encode((COMMAND,)) + b"R"),
          "os\nsystem.system\n", kind="os\nsystem.system\n")
    files.refused("pickle_global_long.pth", with_weight(run=Raw(
        encode("a" * 5000) + b"q\x00h\x00\x93)R")), "names a global of thousands of characters",
        "a global's name of 10001 bytes")
    inside = Call(Global("os", "system"), COMMAND)
    files.refused("pickle_in_shape.pth", legacy(dictionary(weight=tensor(shape=inside)), *ONE),
                  "gives a call for a tensor's shape", "argument 3 is no tuple")
    files.refused("pickle_in_storage.pth", legacy(dictionary(weight=Call(
        REBUILD_2, inside, 0, (4,), (1,), False, Call(ORDERED_DICT)))),
        "gives a call for a tensor's storage", "the first argument is no storage")
    zipped = archive(Member("a/data.pkl", pickled({b"weight": tensor(), b"run": inside})),
                     Member("a/data/1", ONE[1][8:]), Member("a/version", b"3\n"))
    files.reads("pickle_os_system_zip.pth", zipped, "runs a command, in torch's zip container", ["weight"],
                others={"run": "os.system"}, globals=["os.system"])


# MARK: Pickles that wear their reader out

def machines(files: Files) -> None:
    def refused(name: str, root: bytes, tries: str, says: str, kind: str = "damaged") -> None:
        files.refused(f"pickle_{name}.pth", legacy(Raw(root)), tries, says, kind)

    files.reads("pickle_memo_sparse.pth", with_weight(more=Raw(b"Nr\xff\xff\xff\xff")),
                "puts something at the memo's index 4294967295, which a list would make room for", ["weight"])
    refused("memo_bomb", b"(" + b"(lp0\nNa" + b"".join(
        b"(lp%d\ng%d\nag%d\na" % (level, level - 1, level - 1) for level in range(1, 41)) + b"l",
        "forty lists, each holding the one before twice: 2^40 entries", "more than 32768 tensors", "unsupported")
    refused("memo_missing", b"j\xff\xff\xff\xff", "takes from the memo what was never put there",
            "nothing stands in the memo at 4294967295")
    refused("memo_huge", b"Np99999999999999999999\n", "an index for the memo beyond 64 bits", "is no memo index")
    refused("depth_bomb", b"N" + b"\x85" * 4000, "4,000 tuples within one another", "more than 400 deep",
            "unsupported")
    refused("depth_calls", chain_of_calls(1000), "a thousand calls of what a call gave", "more than 400 deep",
            "unsupported")
    refused("depth_marks", b"(" * 4000, "4,000 marks and nothing else", "the stack is empty")
    files.refused("pickle_no_stop.pth", legacy(Raw(b"}"))[:-5], "ends without STOP", "ends without STOP")
    files.refused("pickle_two_stops.pth", legacy(Raw(b"}.N")),
                  "a second STOP, so that readers differ on where the next pickle begins", "expected the list of storage keys")
    files.reads("pickle_two_stops_zip.pth", archive(
        Member("a/data.pkl", pickled({b"weight": tensor()}) + pickled(Call(Global("os", "system"), COMMAND))),
        Member("a/data/1", ONE[1][8:])), "a second pickle behind the first, which nobody reads", ["weight"],
        globals=["torch._utils._rebuild_tensor_v2", "torch.FloatStorage", "collections.OrderedDict"])
    refused("self_reference", b"]q\x00h\x00a0h\x00\x85q\x01h\x01h\x01b", "an object as its own state",
            "BUILD on something that is no object")
    opcodes = [code for code in range(256) if code not in b"."]
    for number in range(4):
        soup = random.Random(number)
        data = b"(" * 8 + b"]" * 8 + bytes(soup.choices(opcodes, k=200))
        files.put(f"pickle_soup_{number}.pth", legacy(Raw(data)), "opcodes in no order", kind="any", says="")
    for name, opcode, says in (
            ("binunicode8", b"\x8d" + b"\xff" * 7 + b"\x7f", "expected 9223372036854775807 bytes"),
            ("binbytes8", b"\x8e" + b"\xff" * 8, "a size of 18446744073709551615 bytes"),
            ("bytearray8", b"\x96" + b"\xff" * 8, "a size of 18446744073709551615 bytes"),
            ("binstring_negative", b"T" + struct.pack("<i", -1), "expected -1 bytes"),
            ("long4_negative", b"\x8b" + struct.pack("<i", -2**31), "expected -2147483648 bytes"),
            ("frame", b"\x95" + b"\xff" * 8 + b"N0" * 20 + b"N", None)):
        tries = "claims a length beyond the file, or below nothing"
        if says is None:
            files.reads(f"pickle_{name}.pth", legacy(Raw(opcode)),
                        "a frame's length of 2^64 - 1, which only a hint for buffers is", [])
        else:
            refused(name, opcode, tries, says)
    nan = b"G\x7f\xf8" + bytes(6)
    files.reads("pickle_nan_keys.pth", with_weight(more=Raw(b"}(" + (nan + b"N") * 200 + b"u")),
                "200 keys that are no number, equal to nothing, not even to themselves", ["weight"])
    files.reads("pickle_same_letters.pth", legacy(Raw(
        b"}(" + body("e\u0301") + body(tensor()) + body("\u00e9") + body(tensor()) + b"u"), *ONE),
        "two names that look alike and are not the same: é, and e with an accent", ["e\u0301", "\u00e9"])
    # Text of 2,000 characters in each of the levels, referred to and not repeated.
    prefix = encode("a" * 2000) + b"q\x00" + b"0" + b"}h\x00" * 300
    refused("long_names", prefix + b"}(" + b"".join(
        b"M" + struct.pack("<H", number) + b"N" for number in range(2000)) + b"u" + b"s" * 300,
        "names of 600,000 characters, 2,000 of them, in a file of 11 KB", "referred to over and over", "unsupported")


def chain_of_calls(count: int) -> bytes:
    return encode(Global("builtins", "getattr")) + b")R" * count


# MARK: Storages and tensors

def storages(files: Files) -> None:
    def refused(name: str, of, tries: str, says: str, kind: str = "damaged", keys: bytes = ONE[0]) -> None:
        files.refused(f"storage_{name}.pth", legacy(dictionary(weight=tensor(of=of)), keys, ONE[1]), tries, says, kind)

    refused("absurd_count", storage(2**62), "2^62 elements in a persistent id", "claims 4611686018427387904 elements")
    refused("large_count", storage(10**12), "10^12 elements where 4 are", "expected 4000000000000 bytes, found 16")
    refused("negative_count", storage(-1), "-1 elements", "key or length is missing")
    refused("wide_count", storage(2**80), "a number of elements beyond 64 bits", "key or length is missing")
    refused("key_is_call", storage(key=Call(Global("os", "system"), COMMAND)), "a call for a key",
            "key or length is missing")
    refused("unknown_class", storage(kind=Global("os", "system")), "os.system for a storage's class",
            "a storage of the class os.system", "unsupported")
    refused("short_id", Persistent((b"storage",)), "a persistent id of one field", "a storage of the class ?",
            "unsupported")
    refused("view_outside", storage(view=(b"2", 2**62, 2**62)), "a view of a storage from 2^62 on", "the offset is out of range")
    refused("view_negative", storage(view=(b"2", -1, 4)), "a view of a storage from -1 on", "out of range")
    refused("other_key", storage(key=b"../../../etc/passwd"), "a path for a key", "its type is not known")
    files.refused("storage_path_zip.pth", archive(
        Member("a/data.pkl", pickled({b"weight": tensor(of=storage(key=b"../../../etc/passwd"))})),
        Member("a/data/1", ONE[1][8:])), "a path for a key, in torch's zip container",
        "the archive has no member a/data/../../../etc/passwd")
    files.refused("storage_bomb_zip.pth", archive(
        Member("a/data.pkl", pickled({b"weight": tensor()})), Member("a/data/1", ONE[1][8:] + bytes(4 << 20), 8)),
        "a deflated storage with 4 MiB of zeros behind what the pickle says of it", "4194304 bytes too many")
    files.refused("storage_count_in_file.pth", legacy(dictionary(weight=tensor()), ONE[0], struct.pack("<q", LARGEST)),
                  "2^63 - 1 elements where the storage's own count stands", "expected 9223372036854775807 elements")
    files.refused("storage_key_list.pth", legacy(dictionary(weight=tensor()), b"](" + b"U\x011" * 50 + b"e", ONE[1]),
                  "one storage fifty times in the list of keys", "expected 8 bytes, found 0")


def tensors(files: Files) -> None:
    def refused(name: str, value: Call, tries: str, says: str) -> None:
        files.refused(f"tensor_{name}.pth", legacy(dictionary(weight=value), *ONE), tries, says)

    outside = "reaches outside its storage of 16 bytes"
    refused("strides_overflow", tensor(shape=(3, 3), strides=(2**62, 2**62)), "strides × shape beyond 64 bits", outside)
    refused("strides_most_negative", tensor(shape=(2,), strides=(-2**62,)), "a stride of -2^62", outside)
    refused("strides_cancel", tensor(shape=(3, 3), strides=(2**62, -2**62)),
            "strides that cancel where they overflow", outside)
    refused("strides_negative", tensor(shape=(4,), strides=(-1,)), "a negative stride that leaves the storage", outside)
    refused("strides_few", tensor(shape=(2, 2), strides=(1,)), "fewer strides than axes", outside)
    refused("offset_outside", tensor(4, (1,)), "an offset past the storage", outside)
    refused("offset_negative", tensor(-1, (1,)), "an offset before the storage", outside)
    refused("offset_largest", tensor(LARGEST, (2,)), "an offset of 2^63 - 1", outside)
    refused("offset_sum", tensor(LARGEST, (1,), of=storage(4, view=(b"2", 1, 1))),
            "offsets of view and tensor that overflow together", "the offset is out of range")
    refused("shape_negative", tensor(shape=(-1,)), "a negative length", "is no shape")
    refused("shape_overflow", tensor(shape=(2**32, 2**32), strides=(0, 0)), "2^64 elements over 4", "is no shape")
    refused("shape_expanded", tensor(shape=(2**40,), strides=(0,)), "2^40 elements, all of them the first one",
            "an expanded view claims 4398046511104 bytes")
    refused("shape_empty_and_huge", tensor(shape=(0, 2**62), strides=(1, 1)),
            "no elements, and an axis of 2^62 that sums would overflow with", "is no shape")
    files.refused("tensor_name_lines.pth", legacy(Raw(
        b"}(" + encode("w\nvit-convert: all is well") + encode(tensor(9)) + b"u"), *ONE),
        "a name that would be a line of its own in a message", "w\\u{a}vit-convert: all is well: ")
    refused("rank", tensor(shape=(1,) * 200, strides=(1,) * 200), "200 axes", "200 axes; at most 64")
    backwards = Call(REBUILD_2, storage(), 3, (4,), (-1,), False, Call(ORDERED_DICT))
    files.reads("tensor_backwards.pth", legacy(dictionary(weight=backwards), *ONE),
                "a negative stride that stays within the storage, which torch does not have", ["weight"])
