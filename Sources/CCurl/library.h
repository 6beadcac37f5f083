#ifndef VIT_CONVERT_CCURL_LIBRARY_H
#define VIT_CONVERT_CCURL_LIBRARY_H

#include <stddef.h>

// The functions of libcurl's interface (https://curl.se/libcurl/c/) that are used here. Its numbers are part of the
// interface of libcurl.so.4 and never change.
struct curl_library {
    int (*global_init)(long flags);
    char *(*version)(void);
    void *(*init)(void);
    void (*cleanup)(void *handle);
    void (*reset)(void *handle);
    int (*setopt)(void *handle, int option, ...);
    int (*perform)(void *handle);
    int (*getinfo)(void *handle, int information, ...);
    const char *(*error)(int code);
    void *(*append)(void *list, const char *text);
    void (*free_list)(void *list);
};

/// Null where it cannot be used; ``http_problem`` says why.
const struct curl_library *curl_library(void);

#endif
