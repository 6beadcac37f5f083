// Stands between the command and the C library (LD_PRELOAD) and lets one call fail, or the process end in it.
//
//   FAULT_CALL   which call: open, pread, pwrite, copy_file_range, …
//   FAULT_AT     the how-manieth of them; none fails where it is 0
//   FAULT_DOES   a number: errno; short: moves one byte fewer; kill, term, int, stop: that signal, before the call;
//                cut: halves the mapped file after the call; touch: appends a byte to FAULT_FILE before the call
//   FAULT_NAMED  there are no unnamed files
//   FAULT_COUNT  a file for the number of such calls
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_int calls;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void count(void) {
    const char *path = getenv("FAULT_COUNT");
    if (!path) return;
    char text[16];
    int length = snprintf(text, sizeof text, "%d", atomic_load(&calls));
    int descriptor = REAL(open)(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (REAL(pwrite)(descriptor, text, length, 0) != length) abort();
    REAL(close)(descriptor);
}

// What is to be done in this call, if it is the one.
static const char *due(const char *name) {
    const char *call = getenv("FAULT_CALL");
    if (!call || strcmp(call, name) != 0) return NULL;
    int number = atomic_fetch_add(&calls, 1) + 1;
    count();
    const char *at = getenv("FAULT_AT"), *does = getenv("FAULT_DOES");
    if (!at || !does || number != atoi(at)) return NULL;
    if (strcmp(does, "kill") == 0) raise(SIGKILL);
    if (strcmp(does, "term") == 0) kill(getpid(), SIGTERM);
    if (strcmp(does, "int") == 0) kill(getpid(), SIGINT);
    if (strcmp(does, "stop") == 0) kill(getpid(), SIGSTOP);
    if (strcmp(does, "touch") == 0) {
        int descriptor = REAL(open)(getenv("FAULT_FILE"), O_WRONLY | O_APPEND);
        if (write(descriptor, "", 1) != 1) abort();
        REAL(close)(descriptor);
    }
    return does;
}

// Who starts the command may have blocked signals.
__attribute__((constructor)) static void unblock(void) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int fails(const char *does) {
    int code = does ? atoi(does) : 0;
    if (code) errno = code;
    return code;
}

static int is_short(const char *does) { return does && strcmp(does, "short") == 0; }

int open(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = va_arg(list, mode_t);
    va_end(list);
    if ((flags & O_TMPFILE) == O_TMPFILE && getenv("FAULT_NAMED")) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return fails(due("open")) ? -1 : REAL(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

ssize_t pread(int descriptor, void *buffer, size_t count, off_t offset) {
    const char *does = due("pread");
    return fails(does) ? -1 : REAL(pread)(descriptor, buffer, count - (is_short(does) && count > 1), offset);
}

ssize_t pwrite(int descriptor, const void *buffer, size_t count, off_t offset) {
    const char *does = due("pwrite");
    return fails(does) ? -1 : REAL(pwrite)(descriptor, buffer, count - (is_short(does) && count > 1), offset);
}

ssize_t copy_file_range(int source, off_t *from, int target, off_t *to, size_t count, unsigned flags) {
    const char *does = due("copy_file_range");
    if (fails(does)) return -1;
    return REAL(copy_file_range)(source, from, target, to, count - (is_short(does) && count > 1), flags);
}

void *mmap(void *address, size_t size, int protection, int flags, int descriptor, off_t offset) {
    if (descriptor < 0) return REAL(mmap)(address, size, protection, flags, descriptor, offset);
    const char *does = due("mmap");
    if (fails(does)) return MAP_FAILED;
    void *result = REAL(mmap)(address, size, protection, flags, descriptor, offset);
    if (does && strcmp(does, "cut") == 0 && truncate(getenv("FAULT_FILE"), size / 2) != 0) abort();
    return result;
}

#define CALL(name, parameters, arguments) \
    int name parameters { return fails(due(#name)) ? -1 : REAL(name) arguments; }

CALL(close, (int descriptor), (descriptor))
CALL(fsync, (int descriptor), (descriptor))
CALL(ftruncate, (int descriptor, off_t size), (descriptor, size))
CALL(fchmod, (int descriptor, mode_t mode), (descriptor, mode))
CALL(flock, (int descriptor, int operation), (descriptor, operation))
CALL(fstat, (int descriptor, struct stat *status), (descriptor, status))
CALL(linkat, (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags))
CALL(link, (const char *from, const char *to), (from, to))
CALL(rename, (const char *from, const char *to), (from, to))
CALL(mkdir, (const char *path, mode_t mode), (path, mode))
