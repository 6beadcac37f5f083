#include "CSystem.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// What a signal's handler does is limited to calls that POSIX.1 lists as async-signal-safe.

enum { SLOTS = 64 };

// MARK: Files that are on their way

static _Atomic(char *) unfinished[SLOTS];
static atomic_int held;
static atomic_int waiting;

int system_unfinished(const char *path) {
    char *copy = strdup(path);
    for (int slot = 0; copy && slot < SLOTS; slot++) {
        char *none = NULL;
        if (atomic_compare_exchange_strong(&unfinished[slot], &none, copy)) return slot;
    }
    free(copy);
    return -1;
}

void system_finished(int slot) {
    if (slot >= 0 && slot < SLOTS) free(atomic_exchange(&unfinished[slot], NULL));
}

static void remove_unfinished(void) {
    for (int slot = 0; slot < SLOTS; slot++) {
        const char *path = atomic_load(&unfinished[slot]);
        if (path) unlink(path);
    }
}

static atomic_int line_shown;

void system_line_shown(int is_shown) { atomic_store(&line_shown, is_shown); }

static void say(const char *text) {
    if (atomic_exchange(&line_shown, 0)) say("\r\033[K");
    ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
}

static void end_by(int number) {
    if (atomic_load(&held) > 0) {
        atomic_store(&waiting, number);
        return;
    }
    remove_unfinished();
    say("");
    signal(number, SIG_DFL);
    raise(number);
}

void system_hold_signals(void) { atomic_fetch_add(&held, 1); }

void system_release_signals(void) {
    if (atomic_fetch_sub(&held, 1) != 1) return;
    int number = atomic_exchange(&waiting, 0);
    if (number) end_by(number);
}

// MARK: Mapped files

static struct {
    _Atomic(char *) path;
    _Atomic(const char *) start;
    atomic_size_t count;
} mappings[SLOTS];

void system_mapped(const void *start, size_t count, const char *path) {
    char *copy = strdup(path);
    for (int slot = 0; copy && slot < SLOTS; slot++) {
        char *none = NULL;
        if (!atomic_compare_exchange_strong(&mappings[slot].path, &none, copy)) continue;
        atomic_store(&mappings[slot].count, count);
        atomic_store(&mappings[slot].start, start);
        return;
    }
    free(copy);
}

void system_unmapped(const void *start) {
    for (int slot = 0; slot < SLOTS; slot++) {
        const char *expected = start;
        if (!atomic_compare_exchange_strong(&mappings[slot].start, &expected, NULL)) continue;
        free(atomic_exchange(&mappings[slot].path, NULL));
        return;
    }
}

// The bytes of a mapped file are gone: the file was cut short, or its disk fails.
static void on_lost_bytes(int number, siginfo_t *information, void *context) {
    (void)context;
    const char *address = information->si_addr;
    for (int slot = 0; slot < SLOTS; slot++) {
        const char *start = atomic_load(&mappings[slot].start);
        if (!start || address < start || address >= start + atomic_load(&mappings[slot].count)) continue;
        say("vit-convert: ");
        say(atomic_load(&mappings[slot].path));
        say(": the file became shorter while it was being read, or its disk fails\n");
        remove_unfinished();
        _exit(2);
    }
    signal(number, SIG_DFL);
}

// MARK: For the command

static void handle(int number, struct sigaction *action) {
    struct sigaction present;
    // What runs under nohup stays deaf to SIGHUP.
    if (sigaction(number, NULL, &present) == 0 && present.sa_handler != SIG_IGN) sigaction(number, action, NULL);
}

void system_handle_signals(void) {
    struct sigaction ending = {.sa_handler = end_by, .sa_flags = SA_RESTART | SA_NODEFER};
    sigemptyset(&ending.sa_mask);
    handle(SIGINT, &ending);
    handle(SIGTERM, &ending);
    handle(SIGHUP, &ending);
    struct sigaction lost = {.sa_sigaction = on_lost_bytes, .sa_flags = SA_SIGINFO};
    sigemptyset(&lost.sa_mask);
    handle(SIGBUS, &lost);
    // A file-size limit is then an error of the write, told like a full disk, and not the end of the process.
    signal(SIGXFSZ, SIG_IGN);
}
