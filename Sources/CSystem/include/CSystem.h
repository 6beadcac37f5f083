// System calls that glibc offers only under _GNU_SOURCE, which Swift's Glibc module does not define.
#ifndef CSYSTEM_H
#define CSYSTEM_H

#include <stddef.h>
#include <sys/types.h>

/// A new file in `folder` that has no name yet; -1 with errno where the system knows no such thing.
int system_open_unnamed(const char *folder, mode_t mode);

/// Gives the unnamed file `descriptor` the name `path`; -1 with errno on failure.
int system_link_unnamed(int descriptor, const char *path);

/// Copies bytes between files inside the kernel; what copy_file_range(2) returns.
ssize_t system_copy_range(int source, off_t source_offset, int target, off_t target_offset, size_t count);

#endif
