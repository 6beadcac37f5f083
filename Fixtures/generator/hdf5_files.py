"""HDF5 files by h5py, and the three forms in which Keras saves weights, by Keras."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")

import h5py
import ml_dtypes
import numpy as np

from .common import NUMPY_DTYPES, array_row, patched, write_golden, write_members

GRID = np.arange(24, dtype=np.float32).reshape(4, 6) / 8
RAMP = np.arange(600, dtype=np.int32).reshape(20, 30)


def generate(out: Path) -> None:
    folder = out / "hdf5"
    folder.mkdir(parents=True, exist_ok=True)
    for write in (layouts, filters, pieces, uninstalled_filter, dtypes, big_endian, others, links, virtual, external_values):
        with h5py.File(folder / f"{write.__name__}.h5", "w") as file:
            write(file)
    for name in ("layouts", "filters", "pieces", "dtypes", "big_endian", "others", "links", "virtual", "external_values"):
        golden(folder / f"{name}.h5")
    many_links(folder / "many_links.h5")
    containers(folder)
    legacy_by_hand(folder / "keras_2.h5")
    keras_files(folder)
    refused(folder / "refused")


# MARK: Datasets

def layouts(file: h5py.File) -> None:
    file["contiguous"] = GRID
    file.create_dataset("chunked", data=GRID, chunks=(3, 4))
    growing = file.create_dataset("resizable", (3, 5), "f4", chunks=(2, 4), maxshape=(None, None), fillvalue=-1)
    growing[:2, 1:] = 7
    growing.resize((5, 7))
    creation = without_times()
    creation.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple(GRID.shape)
    h5py.h5d.create(file.id, b"compact", h5py.h5t.IEEE_F32LE, space, creation).write(
        h5py.h5s.ALL, h5py.h5s.ALL, GRID)
    file["scalar"] = np.float64(2.5)
    file["zero_size"] = np.empty((3, 0, 2), np.float32)
    file["nothing_chunked"] = file.create_dataset(None, (0, 4), "f4", maxshape=(None, 4), chunks=(2, 4))
    file.create_dataset("unwritten", (2, 3), "f4")
    file.create_dataset("unwritten_filled", (2, 3), ">i4", fillvalue=5)
    file.create_dataset("unwritten_chunks", (100, 50), "i2", chunks=(10, 10), fillvalue=-3)
    file.create_dataset("claims_much", (1 << 40,), "f4")
    file.create_dataset("claims_much_in_chunks", (1 << 40,), "f4", chunks=(1024,))
    file.create_dataset("array_type", (2,), np.dtype((">f4", (2, 3))))[...] = np.arange(12).reshape(2, 2, 3)


def pieces(file: h5py.File) -> None:
    """Packed values of more than 8 MiB, which are not handed over at once, in chunks that do not divide them."""
    rows = np.tile(np.arange(1000, dtype=np.float32), (2500, 1)) + np.arange(2500, dtype=np.float32)[:, None] // 500
    file.create_dataset("rows", data=rows, chunks=(600, 500), compression="gzip", compression_opts=9)


def without_times():
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_obj_track_times(False)
    return creation


def filters(file: h5py.File) -> None:
    file.create_dataset("gzip", data=RAMP, chunks=(8, 8), compression="gzip")
    file.create_dataset("shuffle", data=RAMP, chunks=(8, 8), shuffle=True)
    file.create_dataset("fletcher32", data=RAMP, chunks=(8, 8), fletcher32=True)
    file.create_dataset("szip", data=RAMP, chunks=(8, 8), compression="szip", compression_opts=("nn", 8))
    file.create_dataset("scale_offset", data=RAMP, chunks=(8, 8), scaleoffset=0)
    file.create_dataset("all", data=RAMP.astype(">f8"), chunks=(20, 7), compression="gzip", compression_opts=9,
                        shuffle=True, fletcher32=True)


def uninstalled_filter(file: h5py.File) -> None:
    """LZF comes with h5py and not with the library: the values cannot be read elsewhere, so nothing is golden."""
    file["plain"] = GRID
    file.create_dataset("lzf", data=RAMP, chunks=(8, 8), compression="lzf")


def dtypes(file: h5py.File) -> None:
    for code, name in NUMPY_DTYPES.items():
        kind = np.dtype("<" + code)
        if kind.kind in "iu":
            limits = np.iinfo(kind)
            file[name.lower()] = np.array([0, 1, limits.min, limits.max], kind)
        elif kind.kind == "b":
            file[name.lower()] = np.array([True, False, True])
        else:
            with np.errstate(over="ignore"):
                file[name.lower()] = np.array([0.0, -1.5, 0.1, 65504, np.inf, np.nan]).astype(kind)
    file["bf16"] = GRID.astype(ml_dtypes.bfloat16)
    file.create_dataset("enumeration", data=np.array([1, 0, 2], np.int16),
                        dtype=h5py.enum_dtype({"RED": 0, "GREEN": 1, "BLUE": 2}, basetype="i2"))


def big_endian(file: h5py.File) -> None:
    for code in ("f8", "f4", "f2", "i8", "i4", "i2", "u8", "u4", "u2", "c8", "c16"):
        file[NUMPY_DTYPES[code].lower()] = np.array([[0, 1, 2], [3, 100, 120]]).astype(">" + code)
    file.create_dataset("chunked", data=GRID.astype(">f4"), chunks=(3, 4), compression="gzip")


def others(file: h5py.File) -> None:
    file["weights"] = GRID
    file["text"] = "a text of any length"
    file["text_fixed"] = np.array([b"ab", b"c"])
    file["records"] = np.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f8")])
    file["bytes"] = np.array([b"\x01\x02\x03"], "V3")
    file["one_byte"] = np.arange(3, dtype=np.float32).astype(ml_dtypes.float8_e4m3fn)
    file["reference"] = file["weights"].ref
    file.create_dataset("sequences", (2,), h5py.vlen_dtype(np.float32))[0] = [1, 2, 3]
    file["nothing"] = h5py.Empty("f4")
    file["named_type"] = np.dtype("f4")
    file["times"] = np.array(["2024-01-02"], "datetime64[D]").astype(h5py.opaque_dtype("datetime64[D]"))
    twelve = h5py.h5t.STD_I16LE.copy()
    twelve.set_precision(12)
    h5py.h5d.create(file.id, b"twelve_bits", twelve, h5py.h5s.create_simple((4,)), without_times())
    long_double = h5py.h5t.IEEE_F64LE.copy()
    long_double.set_size(16)
    h5py.h5d.create(file.id, b"wide_float", long_double, h5py.h5s.create_simple((4,)), without_times())


# MARK: Links

def links(file: h5py.File) -> None:
    file["encoder/block/kernel"] = GRID
    file["encoder/block/again"] = file["encoder/block/kernel"]
    file["alias"] = file["encoder/block/kernel"]
    file["same_block"] = file["encoder/block"]
    file["encoder/block/up"] = file["encoder"]
    file["encoder/root"] = file["/"]
    file["soft"] = h5py.SoftLink("/encoder/block/kernel")
    file["dangling"] = h5py.SoftLink("/nowhere")
    file["outside"] = h5py.ExternalLink("layouts.h5", "/contiguous")
    file["passwords"] = h5py.ExternalLink("/etc/passwd", "/")
    file.create_group("empty_group")
    file["naïve/漢"] = np.arange(3)


def many_links(path: Path) -> None:
    """More than one node of a tree holds, in the old style and in the new, and attributes in blocks of a heap."""
    with h5py.File(path, "w") as file:
        file["kernel"] = GRID
        old, new = file.create_group("old"), file.create_group("new", track_order=True)
        for index in range(150):
            old[f"link_{index}"] = h5py.SoftLink("/kernel")
        for index in reversed(range(60)):
            new[f"link_{index}"] = h5py.SoftLink(f"/nowhere/{'and further ' * 5}{index}")
        for index in range(30):
            new.attrs[f"note_{index}"] = "text " * 20
        new["kernel"] = file["kernel"]
    golden(path)


def virtual(file: h5py.File) -> None:
    file["part_0"], file["part_1"] = GRID, GRID + 100
    both, elsewhere = without_times(), without_times()
    plane, whole = h5py.h5s.create_simple(GRID.shape), h5py.h5s.create_simple((2, 4, 6))
    for number in (0, 1):
        whole.select_hyperslab((number, 0, 0), (1, 4, 6))
        both.set_virtual(whole, b".", b"/part_%d" % number, plane)
    elsewhere.set_virtual(plane, b"layouts.h5", b"/contiguous", plane)
    whole.select_all()
    h5py.h5d.create(file.id, b"both", h5py.h5t.IEEE_F32LE, whole, both)
    h5py.h5d.create(file.id, b"elsewhere", h5py.h5t.IEEE_F32LE, plane, elsewhere)


def external_values(file: h5py.File) -> None:
    """Values in a file of their own, which is not there."""
    file["inside"] = GRID
    file.create_dataset("outside", (4,), "f4", external=[("/etc/passwd", 0, 16)])


# MARK: Files as a whole

def containers(folder: Path) -> None:
    for name, options in {"superblock_0": {"libver": ("earliest", "v108")}, "superblock_2": {"libver": ("v108", "v108")},
                          "superblock_3": {"libver": ("v110", "v110")}, "user_block_512": {"userblock_size": 512},
                          "user_block_1024": {"userblock_size": 1024, "libver": ("v108", "v108")},
                          "creation_order": {"track_order": True}}.items():
        path = folder / f"{name}.h5"
        with h5py.File(path, "w", **options) as file:
            some_weights(file, options.get("track_order", False))
        if size := options.get("userblock_size", 0):
            path.write_bytes((b"a block of the user's own\n" * 64)[:size] + path.read_bytes()[size:])
        golden(path)
    assert (folder / "superblock_3.h5").read_bytes()[8] == 3
    golden_of_unclosed(folder)


def some_weights(file: h5py.File, track_order: bool = False) -> None:
    """More entries than a group keeps in one piece, and enough attributes for their own heap."""
    group = file.create_group("layers", track_order=track_order)
    for index in range(20):
        group[f"weight_{index}"] = np.arange(index, dtype=np.float32)
    for index in range(10):
        group.attrs[f"note_{index}"] = "text"
    file.create_dataset("a", data=RAMP, chunks=(8, 8), compression="gzip")
    file["0"] = GRID


def golden_of_unclosed(folder: Path) -> None:
    """As a writer leaves the file that ends without closing it: its flag is still set (bit 0 of byte 11)."""
    for version in (2, 3):
        whole = folder / f"superblock_{version}.h5"
        path = folder / f"not_closed_{version}.h5"
        data = bytearray(whole.read_bytes())
        data[11] |= 1
        data[44:48] = lookup3(bytes(data[:44])).to_bytes(4, "little")
        path.write_bytes(data)
        if version == 3:
            try:
                h5py.File(path).close()
                raise AssertionError("the library opens it after all")
            except OSError as error:
                assert "already open for write" in str(error)
        listing = Listing(whole)
        write_golden(path, "hdf5", listing.rows, others=listing.others,
                     notes=f"superblock_{version}.h5 with the flag of an open writer")


def lookup3(data: bytes) -> int:
    """Bob Jenkins's hashlittle, the checksum of HDF5's metadata."""
    mask = 0xFFFFFFFF

    def rotated(value: int, count: int) -> int:
        return (value << count | value >> (32 - count)) & mask

    a = b = c = (0xDEADBEEF + len(data)) & mask
    while True:
        words = [int.from_bytes(data[at:at + 4], "little") for at in (0, 4, 8)]
        a, b, c = (a + words[0]) & mask, (b + words[1]) & mask, (c + words[2]) & mask
        if len(data) <= 12:
            break
        for count in (4, 6, 8, 16, 19, 4):
            a, c = (((a - c) & mask) ^ rotated(c, count)), (c + b) & mask
            a, b, c = b, c, a
        data = data[12:]
    c = ((c ^ b) - rotated(b, 14)) & mask
    a = ((a ^ c) - rotated(c, 11)) & mask
    b = ((b ^ a) - rotated(a, 25)) & mask
    c = ((c ^ b) - rotated(b, 16)) & mask
    a = ((a ^ c) - rotated(c, 4)) & mask
    b = ((b ^ a) - rotated(a, 14)) & mask
    return ((c ^ b) - rotated(b, 24)) & mask


# MARK: Keras

def legacy_by_hand(path: Path) -> None:
    """As Keras 2 wrote: names end in `:0`, lists are fixed-length texts, layers are not in the order of names."""
    with h5py.File(path, "w") as file:
        weights = {"stem": ["stem/kernel:0", "stem/bias:0"], "dropout": [],
                   "block": ["block/b/kernel:0", "block/a/kernel:0"], "head": ["head/kernel:0"]}
        file.attrs["layer_names"] = np.array([name.encode() for name in weights])
        file.attrs["backend"], file.attrs["keras_version"] = np.bytes_(b"tensorflow"), np.bytes_(b"2.4.0")
        for number, (layer, names) in enumerate(sorted(weights.items())):
            group = file.create_group(layer)
            group.attrs["weight_names"] = np.array([name.encode() for name in names])
            for place, name in enumerate(names):
                group[name] = GRID + 10 * number + place
    golden(path)


def keras_files(folder: Path) -> None:
    import keras
    from keras.src.legacy.saving import legacy_h5_format as legacy

    keras.utils.clear_session()
    inputs = keras.Input((6,), name="input")
    block = keras.Sequential([keras.layers.Dense(4, name="fc1"), keras.layers.LayerNormalization(name="norm")],
                             name="block")
    half = keras.layers.Dense(3, dtype="bfloat16", name="half")
    model = keras.Model(inputs, keras.layers.Dense(2, name="a_head")(half(block(inputs))), name="small")
    rng = np.random.default_rng(23)
    for variable in model.variables:
        variable.assign(rng.standard_normal(variable.shape, dtype=np.float32))
    model.save_weights(folder / "keras_3.weights.h5")
    golden(folder / "keras_3.weights.h5")
    with h5py.File(folder / "keras_legacy.h5", "w") as file:
        legacy.save_weights_to_hdf5_group(file, model)
    with h5py.File(folder / "keras_split_names.h5", "w") as file, \
            patched(legacy, "HDF5_OBJECT_HEADER_LIMIT", 22):
        legacy.save_weights_to_hdf5_group(file, model)
        assert "layer_names1" in file.attrs and "weight_names1" in file["block"].attrs
    legacy.save_model_to_hdf5(model, str(folder / "keras_whole_model.h5"))
    for name in ("keras_legacy", "keras_split_names", "keras_whole_model"):
        golden(folder / f"{name}.h5")
    whole_model(model, folder / "keras_3.keras")


def whole_model(model, path: Path) -> None:
    """The archive without the time of saving and addresses in memory; once as Keras writes it, stored, and once deflated."""
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    facts = json.loads(members["metadata.json"])
    for number, address in enumerate(dict.fromkeys(re.findall(rb'"shared_object_id": (\d+)', members["config.json"]))):
        members["config.json"] = members["config.json"].replace(address, str(number).encode())
    members["metadata.json"] = json.dumps({**facts, "date_saved": "2026-01-01@00:00:00"}).encode()
    write_members(path, members)
    deflated = path.with_name("keras_3_deflated.keras")
    write_members(deflated, members, zipfile.ZIP_DEFLATED)
    with h5py.File(io.BytesIO(members["model.weights.h5"])) as file:
        listing = Listing(file)
    for target in (path, deflated):
        write_golden(target, "hdf5", listing.rows, layers=listing.layers, others=listing.others)


# MARK: Refused

# One byte changed, at random until libhdf5 1.10.8 crashed: the file, the byte's place and its new value.
CRASHES = {
    "crash_links.h5": ("links.h5", 8611, 5),
    "crash_superblock_2.h5": ("superblock_2.h5", 5222, 0),
    "crash_not_closed_3.h5": ("not_closed_3.h5", 5263, 255),
}


def refused(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["weights"] = GRID
    whole = buffer.getvalue()
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver="latest") as file:
        file["weights"] = GRID.astype(np.complex64)
        file.create_dataset("chunked", data=RAMP, chunks=(8, 8), compression="gzip")
    for name, (source, place, value) in CRASHES.items():
        damaged = bytearray((folder.parent / source).read_bytes())
        damaged[place] = value
        (folder / name).write_bytes(damaged)
    kinds = {"truncated.h5": "hdf5-truncated", "signature_only.h5": "hdf5-signature", "latest.h5": "hdf5-newer",
             **dict.fromkeys(CRASHES, "hdf5-crash")}
    (folder / "truncated.h5").write_bytes(whole[:-20])
    (folder / "signature_only.h5").write_bytes(whole[:8])
    (folder / "latest.h5").write_bytes(buffer.getvalue())
    lines = ",\n  ".join(json.dumps({"file": name, "kind": kind}) for name, kind in sorted(kinds.items()))
    (folder / "index.json").write_text('{"refused": [\n  ' + lines + "\n]}\n")


# MARK: Golden listings

class Listing:
    """Walks the groups as h5py iterates over them; each group once, links within the file only."""

    def __init__(self, source: Path | h5py.File):
        self.rows: list[dict] = []
        self.others: list[dict] = []
        self.layers: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.seen: set = set()
        if isinstance(source, h5py.File):
            self.visit(source, "")
        else:
            with h5py.File(source) as file:
                self.visit(file, "")
        self.name_layers()

    def other(self, path: str, note: str) -> None:
        self.others.append({"name": path, "note": note})

    def visit(self, group: h5py.Group, path: str) -> None:
        address = h5py.h5o.get_info(group.id).addr
        if address in self.seen:
            self.other(path, "a group that is listed elsewhere")
            return
        self.seen.add(address)
        start = len(self.rows)
        for name in group:
            place = f"{path}/{name}" if path else name
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                self.other(place, type(link).__name__)
            elif isinstance(item := group[name], h5py.Group):
                self.visit(item, place)
            elif isinstance(item, h5py.Dataset):
                self.dataset(item, place)
            else:
                self.other(place, type(item).__name__)
        self.in_order(group, path, start)
        if path.split("/")[-1] == "vars" and "name" in group.attrs:
            self.names[path[:-len("/vars")]] = group.attrs["name"]

    def in_order(self, group: h5py.Group, path: str, start: int) -> None:
        """The order that Keras lists, by Keras's own function; the rest follows."""
        from keras.src.legacy.saving.legacy_h5_format import load_attributes_from_hdf5_group

        for attribute in ("weight_names", "layer_names"):
            names = load_attributes_from_hdf5_group(group, attribute)

            def rank(row: dict) -> int:
                rest = row["name"][len(path) + 1 if path else 0:]
                return next((place for place, name in enumerate(names)
                             if rest == name or rest.startswith(f"{name}/")), len(names))

            self.rows[start:] = sorted(self.rows[start:], key=rank)

    def dataset(self, item: h5py.Dataset, path: str) -> None:
        if item.is_virtual and any(source.file_name != "." for source in item.virtual_sources()):
            self.other(path, "virtual, of other files")
        elif item.external:
            self.other(path, "values in another file")
        elif item.shape is None:
            self.other(path, "no values")
        elif item.nbytes > 1 << 30:
            self.other(path, "claims much")
        elif path.endswith(("twelve_bits", "wide_float")):
            self.other(path, "a number of a size that no framework has")
        elif item.dtype.str == "|V2":
            self.rows.append(array_row(path, item[()], "BF16"))
        elif item.dtype.str[1:] in NUMPY_DTYPES and not h5py.check_ref_dtype(item.dtype):
            self.rows.append(array_row(path, np.asarray(item[()])))
        elif item.dtype.subdtype and item.dtype.subdtype[0].str[1:] in NUMPY_DTYPES:
            self.rows.append(array_row(path, np.asarray(item[()])))
        else:
            self.other(path, item.dtype.str)

    def name_layers(self) -> None:
        for row in self.rows:
            parts = row["name"].split("/")
            if len(parts) >= 3 and parts[-2] == "vars":
                chain = [self.names[place] for end in range(1, len(parts) - 1)
                         if (place := "/".join(parts[:end])) in self.names]
                self.layers[row["name"]] = "/".join([*chain, parts[-1]])


def golden(path: Path) -> None:
    listing = Listing(path)
    write_golden(path, "hdf5", listing.rows, layers=listing.layers, others=listing.others)
