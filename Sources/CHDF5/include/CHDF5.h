// The seam for HDF5: libhdf5 found at run time on first use.
//
// It reads files in a child process, since the library crashes on some that are damaged, and written in this
// one, over bytes that the caller takes. But for the functions that talk to a child, none is safe to call while
// another runs: the library is one piece of global state.
#ifndef VIT_CONVERT_CHDF5_H
#define VIT_CONVERT_CHDF5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Finds the library when it has not been found yet; null when it is there, else why not, in words.
///
/// To be called before the other functions, on each thread; the library prints its failures otherwise.
/// VIT_CONVERT_HDF5 may name the library.
const char *hdf5_problem(void);

/// The innermost message of the last failure in this process, without a line's end.
const char *hdf5_message(void);

/// The version whose headers this program was built with, and which the library has to be.
const char *hdf5_version(void);

// MARK: The child process

/// The bytes of a file that is read: of a descriptor from `start` on, or of memory where that is not null. The
/// library sees these alone: no path, no lock, no other file.
typedef struct {
    int descriptor;
    uint64_t start;
    const void *memory;
    uint64_t size;
    /// Bytes that the library is shown in place of those at `patch_offset`.
    const void *patch;
    uint64_t patch_offset, patch_size;
} hdf5_source;

/// A process that has a file open, and the connection to it.
typedef struct {
    pid_t process;
    int connection;
} hdf5_child;

/// Starts a child that opens the file and sends a reply to say so; false with errno.
///
/// It is a copy of this process that goes on in C alone, calling nothing but libhdf5, the allocator and the
/// system: what other threads were doing does not matter, as the caller keeps them out of libhdf5. It holds no
/// descriptors but its own, prints nothing, runs no exit handlers, and ends when the connection does. It may take
/// as much memory and processor time as the size of the file and of the values asked for justify, no more.
bool hdf5_start(const hdf5_source *source, hdf5_child *child);

/// Ends the child, whatever it does, and gives the signal that had ended it before, or 0.
int hdf5_end(const hdf5_child *child);

/// Whether all bytes were sent.
bool hdf5_send(const hdf5_child *child, const void *bytes, size_t count);

typedef enum { HDF5_RECEIVED, HDF5_ENDED, HDF5_TIMED_OUT } hdf5_receipt;

/// Fills `buffer` from what the child sends within `milliseconds`.
hdf5_receipt hdf5_receive(const hdf5_child *child, void *buffer, size_t count, int64_t milliseconds);

// A request is the header below and the path of an object from the root, ended by a zero, in some requests
// followed by more texts of that kind. A reply is one frame or several, each the header below and its payload.
// Structures are sent as they are in memory: both sides are one program. Their fields hold any bits, so that a
// child gone wrong can say nothing that the other side must not look at.

typedef enum {
    /// What the object is: an hdf5_object; for a dataset that stands in this file also its hdf5_dataset, its
    /// type, and an hdf5_filter for each filter. A type is an hdf5_type and those that it is made of.
    HDF5_DESCRIBE,
    /// The links of a group, in the order of creation where it keeps that, by name otherwise: the number of them,
    /// and for each its hdf5_link_kind, its name, the path and the file that it names. Then for each further text
    /// of the request the texts of the attribute of that name: the number of them, and each. Numbers are uint64_t; a
    /// text is its length in bytes and these. An attribute that is missing or no text has none.
    HDF5_LIST,
    /// The same without the links, of any object.
    HDF5_TEXTS,
    /// The value of elements that were never written.
    HDF5_FILL,
    /// All values, in the file's own type and byte order, over as many frames as are needed.
    HDF5_VALUES,
} hdf5_operation;

typedef struct {
    hdf5_operation operation;
    /// The length of the texts.
    uint32_t count;
} hdf5_request;

typedef enum {
    HDF5_DONE,
    /// Done so far; another frame follows.
    HDF5_MORE,
    /// The payload is the library's message.
    HDF5_FAILED,
    /// The file could not be read: the payload is an hdf5_read_failure.
    HDF5_UNREADABLE,
} hdf5_status;

typedef struct {
    hdf5_status status;
    uint32_t unused;
    /// The length of the payload.
    uint64_t count;
} hdf5_frame;

typedef struct {
    /// errno, or 0 when the bytes ended too early.
    uint64_t code;
    /// Whether they ended before the size that the file had at first.
    uint64_t has_shrunk;
    /// From the start of the descriptor's file, or of the memory.
    uint64_t offset;
    uint64_t needed, available;
} hdf5_read_failure;

typedef enum { HDF5_GROUP, HDF5_DATASET, HDF5_NAMED_TYPE, HDF5_OTHER_OBJECT } hdf5_object_kind;
typedef enum { HDF5_HARD_LINK, HDF5_SOFT_LINK, HDF5_EXTERNAL_LINK, HDF5_OTHER_LINK } hdf5_link_kind;

typedef struct {
    hdf5_object_kind kind;
    /// No other object of the file has it.
    uint64_t address;
} hdf5_object;

enum {
    HDF5_LARGEST_RANK = 32,
    /// How many bytes of values are believed in without asking how much of the file stands behind them.
    HDF5_UNQUESTIONED = 64 << 20,
};
typedef enum { HDF5_COMPACT, HDF5_CONTIGUOUS, HDF5_CHUNKED, HDF5_VIRTUAL, HDF5_OTHER_LAYOUT } hdf5_layout;

typedef struct {
    hdf5_layout layout;
    /// Whether values stand in, or come from, files other than this; nothing further is then known.
    uint32_t is_elsewhere;
    /// Whether there is nothing, not even a scalar.
    uint32_t is_null;
    uint32_t rank;
    uint64_t lengths[HDF5_LARGEST_RANK];
    /// Where values stand, from the start of the bytes; UINT64_MAX when there is no such place.
    uint64_t offset;
    /// How many bytes of the file hold values, where these are more than HDF5_UNQUESTIONED; 0 otherwise.
    uint64_t stored;
    /// The elements in a chunk; 0 in other layouts and when the number overflows.
    uint64_t chunk_elements;
    /// The rows of the first axis that a chunk has; 0 in other layouts.
    uint64_t chunk_rows;
    uint32_t filters;
} hdf5_dataset;

typedef struct {
    int32_t number;
    /// Whether the library can undo it.
    uint32_t is_available;
    /// Ended by a zero unless it fills the field.
    char name[64];
} hdf5_filter;

typedef enum {
    HDF5_INTEGER, HDF5_FLOAT, HDF5_ENUMERATION, HDF5_BIT_FIELD, HDF5_OPAQUE, HDF5_COMPOUND, HDF5_ARRAY,
    HDF5_TEXT_TYPE, HDF5_REFERENCE, HDF5_SEQUENCE, HDF5_TIME, HDF5_OTHER_TYPE,
} hdf5_type_kind;

typedef struct {
    hdf5_type_kind kind;
    uint64_t size;
    uint32_t is_big_endian;
    /// Neither little- nor big-endian.
    uint32_t is_mixed_endian;
    uint32_t is_signed;
    /// The bits that are used and the place of the first, for numbers.
    uint64_t precision, bit_offset;
    /// Bits of a floating-point number, counted from the lowest, and its exponent's bias.
    uint64_t sign_place, exponent_place, exponent_size, mantissa_place, mantissa_size, bias;
    uint32_t has_hidden_bit;
    /// Members of a compound or an enumeration.
    uint32_t members;
    /// Whether it is a compound of `r` and `i`; these two types follow.
    uint32_t is_complex;
    /// Whether it is an enumeration of FALSE and TRUE. The base of an enumeration or an array follows.
    uint32_t is_boolean;
    /// Where it stands in the compound that it is a member of.
    uint64_t member_offset;
    /// Axes of an array type.
    uint32_t rank;
    uint64_t lengths[HDF5_LARGEST_RANK];
    /// Of an opaque type, cut to fit.
    char tag[32];
} hdf5_type;

/// How deep types are within types at most.
enum { HDF5_DEEPEST_TYPE = 8 };

// MARK: Writing

typedef int64_t hdf5_id;

/// What a file is made of. Functions that return an id give a negative one on failure, the others false;
/// hdf5_message() then tells why.
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

/// Begins a file in the format of HDF5 1.8, without times. `bytes` must outlive it.
hdf5_id hdf5_create(const hdf5_bytes *bytes);
/// Closes a file and whatever is still open in it; what was created is written now.
bool hdf5_close(hdf5_id file);

/// As h5py writes them: bool is an enumeration, complex a compound of `r` and `i`, bfloat16 two opaque bytes.
typedef enum {
    HDF5_WRITE_SIGNED, HDF5_WRITE_UNSIGNED, HDF5_WRITE_FLOAT, HDF5_WRITE_COMPLEX, HDF5_WRITE_BOOL,
    HDF5_WRITE_BFLOAT16,
} hdf5_written_kind;

void hdf5_close_object(hdf5_id object);
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
