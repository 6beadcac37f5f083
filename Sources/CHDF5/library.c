#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(symbol) #symbol
#define SYMBOL(symbol) TEXT(symbol)

struct hdf5_library hdf5;
hid_t hdf5_driver = -1;
static char problem[1024];

// MARK: Messages

static char message[512];

static herr_t keep_first(unsigned number, const H5E_error2_t *error, void *context) {
    (void)context;
    if (number == 0) snprintf(message, sizeof message, "%s", error->desc ? error->desc : "");
    return 0;
}

// The library calls this in place of printing. Whatever is called next, to clean up, empties its stack.
static herr_t keep_message(hid_t stack, void *context) {
    message[0] = 0;
    hdf5.ewalk(stack, H5E_WALK_UPWARD, keep_first, context);
    for (char *at = message; *at; at++) {
        if (*at == '\n') *at = ' ';
    }
    return 0;
}

const char *hdf5_message(void) { return message[0] ? message : "it gives no reason"; }

void hdf5_fail(const char *reason) { snprintf(message, sizeof message, "%s", reason); }

const char *hdf5_version(void) { return SYMBOL(H5_VERS_MAJOR) "." SYMBOL(H5_VERS_MINOR) "." SYMBOL(H5_VERS_RELEASE); }

// MARK: Loading

// Functions by their symbols; a library without one of them is not the one that the headers describe.
static bool resolve(void *library, const char *name) {
#define FUNCTION(field, symbol) \
    hdf5.field = (__typeof__(symbol) *)dlsym(library, SYMBOL(symbol)); \
    if (!hdf5.field) { \
        snprintf(problem, sizeof problem, "%s has no function %s", name, SYMBOL(symbol)); \
        return false; \
    }
    HDF5_FUNCTIONS(FUNCTION)
#undef FUNCTION
    return true;
}

static bool initialise(void *library, const char *name) {
    // Nothing is to be flushed when the process ends: an unfinished file is not wanted.
    hdf5.dont_atexit();
    if (hdf5.open() < 0) {
        snprintf(problem, sizeof problem, "%s cannot be initialised", name);
        return false;
    }
#define VARIABLE(field, symbol) \
    { \
        const hid_t *place = (const hid_t *)dlsym(library, #symbol); \
        if (!place) { \
            snprintf(problem, sizeof problem, "%s has no variable %s", name, #symbol); \
            return false; \
        } \
        hdf5.field = *place; \
    }
    HDF5_VARIABLES(VARIABLE)
#undef VARIABLE
    hdf5_driver = hdf5.fdregister(hdf5_driver_class());
    if (hdf5_driver < 0) snprintf(problem, sizeof problem, "%s does not take a file driver", name);
    return hdf5_driver >= 0;
}

// Structures differ between minor versions, and only between those.
static bool fits(const char *name) {
    unsigned major = 0, minor = 0, release = 0;
    if (hdf5.get_libversion(&major, &minor, &release) >= 0 && major == H5_VERS_MAJOR && minor == H5_VERS_MINOR) {
        return true;
    }
    snprintf(
        problem, sizeof problem, "%s is version %u.%u.%u, but this program was built with the headers of %d.%d.%d",
        name, major, minor, release, H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE);
    return false;
}

static bool load(const char *name) {
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        if (!problem[0]) {
            const char *reason = dlerror();
            snprintf(problem, sizeof problem, "%s", reason ? reason : name);
        }
        return false;
    }
    if (resolve(library, name) && fits(name) && initialise(library, name)) return true;
    dlclose(library);
    return false;
}

static bool find(void) {
    const char *asked = getenv("VIT_CONVERT_HDF5");
    if (asked && *asked) return load(asked);
    static const char *const names[] = {
#if defined(__APPLE__)
        "libhdf5.dylib", "/opt/homebrew/lib/libhdf5.dylib", "/usr/local/lib/libhdf5.dylib",
#elif H5_VERS_MAJOR == 1 && H5_VERS_MINOR == 10
        "libhdf5_serial.so.103", "libhdf5.so.103", "libhdf5_serial.so", "libhdf5.so",
#elif H5_VERS_MAJOR == 1 && H5_VERS_MINOR == 12
        "libhdf5_serial.so.200", "libhdf5.so.200", "libhdf5_serial.so", "libhdf5.so",
#elif H5_VERS_MAJOR == 1
        "libhdf5_serial.so.310", "libhdf5.so.310", "libhdf5_serial.so", "libhdf5.so",
#else
        "libhdf5_serial.so", "libhdf5.so",
#endif
    };
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
        if (load(names[index])) return true;
    }
    char reason[512];
    snprintf(reason, sizeof reason, "%s", problem);
    snprintf(
        problem, sizeof problem,
        "HDF5 files are read and written through libhdf5 %d.%d (Debian's libhdf5-dev), which cannot be loaded: %s",
        H5_VERS_MAJOR, H5_VERS_MINOR, reason);
    return false;
}

const char *hdf5_problem(void) {
    static bool is_tried = false, is_loaded = false;
    if (!is_tried) {
        is_tried = true;
        is_loaded = find();
    }
    if (!is_loaded) return problem;
    // A library that was built for threads has a stack of errors, and a way of telling them, for each.
    hdf5.eset_auto(H5E_DEFAULT, keep_message, NULL);
    return NULL;
}
