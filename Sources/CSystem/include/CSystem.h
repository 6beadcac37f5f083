// System calls that glibc offers only under _GNU_SOURCE, which Swift's Glibc module does not define, and what a
// signal's handler does, which may be no Swift.
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

/// Has the disk begin with bytes that were written, where the system can be asked for that.
///
/// An error is told by the fsync(2) that follows in any case.
void system_write_back(int descriptor, off_t offset, size_t count);

/// Has a signal that ends the process remove the file `path` first; a slot for ``system_finished``, -1 if none is free.
int system_unfinished(const char *path);

/// Leaves the file of that slot to itself.
void system_finished(int slot);

/// Lets signals that end the process wait until as many releases as holds were called.
void system_hold_signals(void);
void system_release_signals(void);

/// Names a mapped file, for the message when its bytes are gone.
void system_mapped(const void *start, size_t count, const char *path);
void system_unmapped(const void *start);

/// The columns of a terminal; 0 for what is none, or does not tell.
int system_terminal_width(int descriptor);

/// Has a signal that ends the process clear the line that stands on standard error, which is a terminal.
void system_line_shown(int is_shown);

/// For a command: SIGINT, SIGTERM and SIGHUP leave no unfinished files, and then end the process as they do; a mapped
/// file that loses its bytes ends it with a message and exit code 2; a file-size limit is an error of the write.
void system_handle_signals(void);

#endif
