#include "child.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

// A library that runs in circles, or wants memory for what a few bytes of a file claim, comes to an end.

static rlim_t memory, seconds;

static void set(int resource, rlim_t value) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || value < limit.rlim_max ? value : limit.rlim_max;
    setrlimit(resource, &limit);
}

// The address space that came with the copy, in bytes; 0 where the system does not tell.
static uint64_t address_space(void) {
    char text[64] = "";
    int file = open("/proc/self/statm", O_RDONLY);
    if (file < 0) return 0;
    ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    return count > 0 ? strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static void apply(void) {
    if (memory > 0) set(RLIMIT_AS, memory);
    set(RLIMIT_CPU, seconds);
}

void hdf5_limit(uint64_t file_size) {
    uint64_t taken = address_space();
    // Far more than the library's caches and what it makes of a file's directory.
    memory = taken > 0 ? taken + (512ull << 20) + 8 * file_size : 0;
    seconds = 5 + file_size / (1 << 20);
    set(RLIMIT_CORE, 0);
    apply();
}

void hdf5_raise_limits(uint64_t bytes) {
    // A chunk is there twice while it is unpacked, and values as a whole and once more.
    if (memory > 0 && __builtin_add_overflow(memory, bytes < (1ull << 58) ? 4 * bytes : 0, &memory)) return;
    seconds += 5 + bytes / (1 << 20);
    apply();
}
