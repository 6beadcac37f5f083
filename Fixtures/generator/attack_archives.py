"""Archives whose directories and headers lie: zip, and torch's tar."""

from __future__ import annotations

import io
import struct
import tarfile

import numpy as np

from .assembler import Global, Persistent, pickled
from .attack_parts import FLOATS, GOOD, LARGEST, ONE, Files, Member, archive, npy, tensor
from .torch_old import SYSTEM


# MARK: Zip archives

def archives(files: Files) -> None:
    zeros = npy(np.zeros(1 << 20, "<f4"))
    bomb = Member("zeros.npy", zeros, method=8)
    files.reads("zip_deflated.npz", archive(bomb), "4 MiB of zeros in 4 KB, deflate's largest ratio, as the directory "
                "says: read, one tensor at a time", ["zeros"])
    files.refused("zip_bomb_claimed.npz", archive(Member("zeros.npy", zeros, 8, size=0xFFFFFFFE)),
                  "4 KB said to hold 4 GB, a millionfold", "deflated bytes cannot hold the 4294967294")
    files.unreadable("zip_bomb_hidden.npz", archive(Member("small.npy", npy(np.zeros(8192, "<f4")) + bytes(4 << 20), 8,
                     size=len(npy(np.zeros(8192, "<f4"))))),
                     "deflated bytes that go on for 4 MiB behind the 32 KiB that are claimed", ["small"],
                     "inflates to more than")
    files.refused("zip_bomb_behind.npz", archive(Member("small.npy", npy(np.zeros(4, "<f4")) + bytes(4 << 20), 8)),
                  "4 MiB of deflated zeros behind an array of 16 bytes", "4194304 bytes too many")
    files.refused("zip_bomb_pickle.pth", archive(Member("a/data.pkl", b"\x80\x02(" + b"]" * (8 << 20) + b"t.", 8)),
                  "8 KB that are a pickle of 8 million lists", "at most", "unsupported")
    good = Member("a.npy", GOOD)
    files.refused("zip_overlap.npz", archive(good, Member("b.npy", GOOD, place=0)),
                  "two members at one place, of which thousands make a bomb", "overlaps")
    files.refused("zip_overlap_part.npz", archive(
        Member("a.npy", GOOD + Member("b.npy", GOOD).local()), Member("b.npy", GOOD, place=30 + 5 + len(GOOD))),
        "a member within another", "overlaps")
    files.refused("zip_overlap_extra.npz", archive(
        Member("a.npy", GOOD, local_extra_count=35 + len(GOOD), local_name=b"a.npy"), Member("b.npy", GOOD)),
        "a local header that says that its data stand where the next member's do", "reaches into")
    files.refused("zip_overlap_directory.npz", archive(good, Member("b.npy", GOOD, stored=len(GOOD) + 60, size=len(GOOD) + 60)),
                  "a member that reaches into the directory", "reaches into")
    files.refused("zip_duplicate.npz", archive(good, Member("a.npy", npy(np.zeros(1)))), "two members of one name",
                  'lists the member "a.npy" twice')
    files.reads("zip_same_letters.npz", archive(Member("e\u0301.npy", GOOD), Member("\u00e9.npy", GOOD)),
                "two names that look alike and are not the same", ["e\u0301", "\u00e9"])
    files.reads("zip_paths.npz", archive(Member("/etc/passwd.npy", GOOD), Member("../../b.npy", GOOD),
                Member("C:\\c.npy", GOOD)), "names that lead out of a folder, were anything unpacked",
                ["/etc/passwd", "../../b", "C:\\c"])
    files.reads("zip_paths.pth", archive(
        Member("/../data.pkl", pickled({b"weight": tensor()})), Member("/../data/1", ONE[1][8:])),
        "a root folder that leads out", ["weight"])
    files.reads("zip_hidden.npz", archive(good, hidden=(Member("hidden.npy", GOOD),)),
                "a member that the directory does not list", ["a"])
    files.refused("zip_count_more.npz", archive(good, count=9), "a directory that claims more members than it has",
                  "cannot list 9 members")
    files.refused("zip_count_less.npz", archive(good, Member("b.npy", GOOD), count=1), "a directory that claims fewer",
                  "but holds more")
    files.refused("zip_directory_outside.npz", archive(good, start=0xFFFFFFF0), "a directory outside the file",
                  "outside the file")
    files.refused("zip_directory_elsewhere.npz", archive(good, start=4), "a directory that stands elsewhere",
                  "expected a member's entry")
    files.refused("zip_place_outside.npz", archive(Member("a.npy", GOOD, place=0xFFFFFFF0)), "a member outside the file",
                  "but the file has")
    files.refused("zip_place_elsewhere.npz", archive(Member("a.npy", GOOD, place=7, local_extra=bytes(20))),
                  "a member whose place holds no local header", "expected the member's local header")
    files.refused("zip_sizes_differ.npz", archive(Member("a.npy", GOOD, size=len(GOOD) + 1)),
                  "a stored member of two sizes", "is said to hold")
    files.reads("zip_encrypted.npz", archive(Member("a.npy", GOOD, flags=1), Member("b.npy", GOOD)),
                "an encrypted member", ["b"], others={"a": "array"})
    for name, value, says in (("largest", LARGEST, "expected 9223372036854775807 bytes"),
                              ("beyond", 2**64 - 1, "a size of 18446744073709551615 bytes"),
                              ("half", 2**62, "expected 4611686018427387904 bytes")):
        extra = struct.pack("<HHQQ", 1, 16, value, value)
        files.refused(f"zip64_size_{name}.npz", archive(Member("a.npy", GOOD, size=2**32 - 1, stored=2**32 - 1, extra=extra)),
                      f"ZIP64 sizes of {value}", says)
    extra = struct.pack("<HHQ", 1, 8, LARGEST)
    files.refused("zip64_place.npz", archive(Member("a.npy", GOOD, place=2**32 - 1, extra=extra)),
                  "a ZIP64 place of 2^63 - 1", "but the file has")
    files.refused("zip64_missing.npz", archive(Member("a.npy", GOOD, size=2**32 - 1, stored=2**32 - 1)),
                  "ZIP64 sizes that are not there", "the ZIP64 sizes are missing")
    for name, record, says in (
            ("count", (LARGEST, 51, 0), "cannot list"), ("size", (1, LARGEST, 0), "outside the file"),
            ("start", (1, 51, LARGEST), "outside the file"), ("beyond", (2**64 - 1,) * 3, "a size of")):
        files.refused(f"zip64_directory_{name}.npz", zip64(archive(good), *record),
                      f"a ZIP64 end record with a {name} near 2^63", says)
    inner = archive(Member("inner.npy", GOOD))
    files.refused("zip_two_ends.npz", archive(good, comment=inner[-22:]),
                  "a second end record in the comment, so that readers differ on the directory", "directory")


def zip64(plain: bytes, count: int, size: int, start: int) -> bytes:
    """The archive with a ZIP64 end record before its end record."""
    end = len(plain) - 22
    record = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, size, start)
    return plain[:end] + record + struct.pack("<IIQI", 0x07064B50, 0, end, 1) + plain[end:]


# MARK: torch's tar

def tars(files: Files) -> None:
    def container(storages: bytes, tensors: bytes = pickled(0), size: int | None = None) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as made:
            for name, data in (("sys_info", pickled(SYSTEM)), ("pickle", pickled({b"weight": Persistent(b"101")})),
                               ("tensors", tensors), ("storages", storages)):
                item = tarfile.TarInfo(name)
                item.size = len(data)
                made.addfile(item, io.BytesIO(data))
        return buffer.getvalue()[:5120]

    head = pickled((11, b"cpu", FLOATS))
    stored = pickled(1) + head + struct.pack("<q", 4) + bytes(16) + pickled([])
    row = pickled((101, 11, Global("torch", "FloatTensor")))

    def placed(rank: int, *numbers: int) -> bytes:
        return pickled(1) + row + struct.pack("<i4x", rank) + struct.pack(f"<{len(numbers)}q", *numbers)

    for name, storages, tensors, tries, says in (
            ("count", pickled(2**40), pickled(0), "2^40 storages", "expected a number of entries"),
            ("elements", pickled(1) + head + struct.pack("<q", 2**62), pickled(0), "a storage of 2^62 elements",
             "expected 4611686018427387904 elements"),
            ("view", pickled(1) + head + struct.pack("<q", 4) + bytes(16) + pickled([(12, 11, 2**61, 4)]), pickled(0),
             "a view from 2^61 on", "out of range"),
            ("rank", stored, placed(2**31 - 1), "a tensor of 2^31 - 1 axes", "a tensor of rank 2147483647"),
            ("strides", stored, placed(1, 4, 2**62, 0), "a stride of 2^62", "reaches outside")):
        files.refused(f"tar_{name}.pth.tar", container(storages, tensors), tries, says)
