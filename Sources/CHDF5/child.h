// The two halves of a child process: what it is allowed, and what it does.
#ifndef VIT_CONVERT_HDF5_CHILD_H
#define VIT_CONVERT_HDF5_CHILD_H

#include "CHDF5.h"

/// Answers requests until the connection ends.
void hdf5_serve(const hdf5_source *source, int connection);

/// Limits what the process may take: for reading about a file of that size, as things stand now.
void hdf5_limit(uint64_t file_size);
/// Raises the limits for as many bytes of values.
void hdf5_raise_limits(uint64_t bytes);

#endif
