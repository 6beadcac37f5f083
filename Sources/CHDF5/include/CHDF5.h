// The seam for HDF5: libhdf5 found at run time on first use, over bytes that the caller reads and writes.
//
// No function is safe to call while another runs: the library is one piece of global state. Functions that
// return an id give a negative one on failure, the others false; hdf5_message() then tells why.
#ifndef VIT_CONVERT_CHDF5_H
#define VIT_CONVERT_CHDF5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t hdf5_id;

/// Finds the library when it has not been found yet; null when it is there, else why not, in words.
///
/// To be called before the other functions, on each thread; the library prints its failures otherwise.
/// VIT_CONVERT_HDF5 may name the library.
const char *hdf5_problem(void);

/// The innermost message of the last failure, without a line's end.
const char *hdf5_message(void);

// MARK: Files

/// What a file is made of. The library sees these bytes alone: no path, no lock, no other file.
typedef struct {
    void *context;
    /// The length of a file that is read.
    uint64_t size;
    /// Fills `buffer`, or returns false.
    bool (*read)(void *context, uint64_t offset, void *buffer, size_t count);
    /// Null for a file that is read only.
    bool (*write)(void *context, uint64_t offset, const void *buffer, size_t count);
    /// Gives a file that is written its final length.
    bool (*resize)(void *context, uint64_t size);
} hdf5_bytes;

/// Opens a file for reading. `bytes` must outlive it.
hdf5_id hdf5_open(const hdf5_bytes *bytes);
/// Begins a file in the format of HDF5 1.8, without times. `bytes` must outlive it.
hdf5_id hdf5_create(const hdf5_bytes *bytes);
/// Closes a file and whatever is still open in it; what was created is written now.
bool hdf5_close(hdf5_id file);

// MARK: Objects and links

typedef enum { HDF5_GROUP, HDF5_DATASET, HDF5_NAMED_TYPE, HDF5_OTHER_OBJECT } hdf5_object_kind;
typedef enum { HDF5_HARD_LINK, HDF5_SOFT_LINK, HDF5_EXTERNAL_LINK, HDF5_OTHER_LINK } hdf5_link_kind;

/// A group, dataset or named type below another; "/" is the root.
hdf5_id hdf5_open_object(hdf5_id parent, const char *name);
void hdf5_close_object(hdf5_id object);
/// What it is, and its address, which no other object of the file has.
bool hdf5_object(hdf5_id object, hdf5_object_kind *kind, uint64_t *address);
/// The links of a group
/// keeps it, by name otherwise. `target` is what a soft link names, or `file` and the path there.
bool hdf5_links(
    hdf5_id group, void *context,
    void (*each)(
        void *context, const char *name, hdf5_link_kind kind, const char *target, const char *file));

/// The texts of an attribute, one or a list; the number of them, 0 when there is no such attribute or it
/// holds no text, negative on failure. No more than `limit` bytes are read.
int64_t hdf5_texts(
    hdf5_id object, const char *name, uint64_t limit, void *context,
    void (*each)(void *context, const char *bytes, size_t count));

// MARK: Datasets

enum { HDF5_LARGEST_RANK = 32 };
typedef enum { HDF5_COMPACT, HDF5_CONTIGUOUS, HDF5_CHUNKED, HDF5_VIRTUAL, HDF5_OTHER_LAYOUT } hdf5_layout;

typedef struct {
    hdf5_layout layout;
    /// Whether values stand in, or come from, files other than this.
    bool is_elsewhere;
    /// Whether there is nothing, not even a scalar.
    bool is_null;
    int rank;
    uint64_t lengths[HDF5_LARGEST_RANK];
    /// Where values stand, from the start of the bytes; UINT64_MAX when there is no such place.
    uint64_t offset;
    /// The elements in a chunk; 0 in other layouts and when the number overflows.
    uint64_t chunk_elements;
    int filters;
} hdf5_dataset;

bool hdf5_describe(hdf5_id dataset, hdf5_dataset *description);
/// How many bytes of the file hold values.
uint64_t hdf5_stored_bytes(hdf5_id dataset);
/// The filter's number and name, and whether the library can undo it. `name` is 64 bytes.
bool hdf5_filter(hdf5_id dataset, int index, int *number, char *name, bool *is_available);
/// All values, in the file's own type and byte order; `buffer` must hold them.
bool hdf5_read(hdf5_id dataset, void *buffer);
/// The value of elements that were never written.
bool hdf5_fill_value(hdf5_id dataset, void *buffer);

// MARK: Types

typedef enum {
    HDF5_INTEGER, HDF5_FLOAT, HDF5_ENUMERATION, HDF5_BIT_FIELD, HDF5_OPAQUE, HDF5_COMPOUND, HDF5_ARRAY,
    HDF5_TEXT, HDF5_REFERENCE, HDF5_SEQUENCE, HDF5_TIME, HDF5_OTHER_TYPE,
} hdf5_type_kind;

typedef struct {
    hdf5_type_kind kind;
    uint64_t size;
    bool is_big_endian;
    /// Neither little- nor big-endian.
    bool is_mixed_endian;
    bool is_signed;
    /// The bits that are used and the place of the first, for numbers.
    uint64_t precision, bit_offset;
    /// Bits of a floating-point number, counted from the lowest, and its exponent's bias.
    uint64_t sign_place, exponent_place, exponent_size, mantissa_place, mantissa_size, bias;
    bool has_hidden_bit;
    /// Members of a compound or an enumeration.
    int members;
    /// Axes of an array type.
    int rank;
    uint64_t lengths[HDF5_LARGEST_RANK];
    /// Of an opaque type, cut to fit.
    char tag[32];
} hdf5_type;

hdf5_id hdf5_open_type(hdf5_id dataset);
/// The type that an array, an enumeration or a sequence is made of.
hdf5_id hdf5_open_base(hdf5_id type);
hdf5_id hdf5_open_member(hdf5_id type, int index, uint64_t *offset);
void hdf5_close_type(hdf5_id type);
bool hdf5_describe_type(hdf5_id type, hdf5_type *description);
/// Whether a member of a compound or an enumeration bears that name.
bool hdf5_member_is_named(hdf5_id type, int index, const char *name);

// MARK: Writing

/// As h5py writes them: bool is an enumeration, complex a compound of `r` and `i`, bfloat16 two opaque bytes.
typedef enum {
    HDF5_WRITE_SIGNED, HDF5_WRITE_UNSIGNED, HDF5_WRITE_FLOAT, HDF5_WRITE_COMPLEX, HDF5_WRITE_BOOL,
    HDF5_WRITE_BFLOAT16,
} hdf5_written_kind;

hdf5_id hdf5_create_group(hdf5_id parent, const char *name);
/// A contiguous dataset whose place is found, but whose values the caller writes there.
hdf5_id hdf5_create_dataset(
    hdf5_id parent, const char *name, hdf5_written_kind kind, size_t size, int rank, const uint64_t *lengths,
    uint64_t *offset);
/// A text of any length, in UTF-8.
bool hdf5_set_text(hdf5_id object, const char *name, const char *value);
/// A list of texts, each padded with zeros to `width` bytes.
bool hdf5_set_texts(hdf5_id object, const char *name, const char *padded, size_t width, size_t count);

#endif
