#ifndef VIT_CONVERT_CLOADER_H
#define VIT_CONVERT_CLOADER_H

#include <stddef.h>

/// Opens the library that the environment's `variable` names, else the first of the usual names that is there; null, with
/// the reason in dlerror(3), where there is none.
void *loader_open(const char *variable, const char *const *names, size_t count);

#endif
