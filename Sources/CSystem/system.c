#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int system_terminal_width(int descriptor) {
    struct winsize size;
    return isatty(descriptor) && ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

#ifdef __linux__

int system_open_unnamed(const char *folder, mode_t mode) {
    // Only there can the file be given a name afterwards.
    if (access("/proc/self/fd", X_OK) != 0) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
}

int system_link_unnamed(int descriptor, const char *path) {
    char handle[32];
    snprintf(handle, sizeof handle, "/proc/self/fd/%d", descriptor);
    return linkat(AT_FDCWD, handle, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

ssize_t system_copy_range(int source, off_t source_offset, int target, off_t target_offset, size_t count) {
    return copy_file_range(source, &source_offset, target, &target_offset, count, 0);
}

void system_write_back(int descriptor, off_t offset, size_t count) {
    sync_file_range(descriptor, offset, (off_t)count, SYNC_FILE_RANGE_WRITE);
}

#else

int system_open_unnamed(const char *folder, mode_t mode) {
    (void)folder, (void)mode;
    errno = EOPNOTSUPP;
    return -1;
}

int system_link_unnamed(int descriptor, const char *path) {
    (void)descriptor, (void)path;
    errno = EOPNOTSUPP;
    return -1;
}

void system_write_back(int descriptor, off_t offset, size_t count) {
    (void)descriptor, (void)offset, (void)count;
}

ssize_t system_copy_range(int source, off_t source_offset, int target, off_t target_offset, size_t count) {
    (void)source, (void)source_offset, (void)target, (void)target_offset, (void)count;
    errno = EOPNOTSUPP;
    return -1;
}

#endif
