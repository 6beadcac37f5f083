#ifndef VIT_CONVERT_CIMAGES_LIBRARY_H
#define VIT_CONVERT_CIMAGES_LIBRARY_H

#include <stddef.h>

/// Opens the library that the environment's `variable` names, else the first of the usual names that is there; null, with
/// the reason in dlerror(3), where there is none.
void *image_library(const char *variable, const char *const *names, size_t count);

#endif
