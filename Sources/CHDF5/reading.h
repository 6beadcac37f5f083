// What the child process asks of the library, and how it answers.
#ifndef VIT_CONVERT_HDF5_READING_H
#define VIT_CONVERT_HDF5_READING_H

#include "library.h"

/// The payload of a reply, as it grows.
struct reply {
    char *bytes;
    size_t count, capacity;
    /// Whether memory ran out: what was added last is missing.
    bool is_short;
};

void hdf5_add(struct reply *reply, const void *bytes, size_t count);
void hdf5_add_number(struct reply *reply, uint64_t number);
/// The length, and the bytes.
void hdf5_add_text(struct reply *reply, const char *bytes, size_t count);

/// Opens a file for reading. `bytes` must outlive it.
hid_t hdf5_open(const hdf5_bytes *bytes);

bool hdf5_describe(hid_t object, struct reply *reply);
bool hdf5_describe_dataset(hid_t dataset, struct reply *reply);
bool hdf5_describe_type(hid_t type, uint64_t member_offset, int depth, struct reply *reply);
bool hdf5_list_links(hid_t group, struct reply *reply);
/// No more than `limit` bytes of texts, or of pointers to them, are read.
bool hdf5_list_texts(hid_t object, const char *name, uint64_t limit, struct reply *reply);
bool hdf5_add_fill_value(hid_t dataset, struct reply *reply);

/// Reads all values and hands them on in pieces of whole rows of chunks.
///
/// `prepare` is told how many bytes the values and a chunk have, before any is read.
bool hdf5_read_values(
    hid_t dataset, void (*prepare)(uint64_t bytes), bool (*each)(const void *bytes, size_t count));

#endif
