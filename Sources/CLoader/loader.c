#include <dlfcn.h>
#include <stdlib.h>

#include "CLoader.h"

void *loader_open(const char *variable, const char *const *names, size_t count) {
    const char *asked = getenv(variable);
    if (asked && *asked) return dlopen(asked, RTLD_NOW | RTLD_LOCAL);
    void *library = NULL;
    for (size_t index = 0; !library && index < count; index++) {
        library = dlopen(names[index], RTLD_NOW | RTLD_LOCAL);
    }
    return library;
}
