#include "library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

#include "CCurl.h"
#include "CLoader.h"

enum { GLOBAL_DEFAULT = 3 };

static struct curl_library curl;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char problem[512];

static void load(void) {
    static const char *const names[] = {
#if defined(__APPLE__)
        "/usr/lib/libcurl.4.dylib", "libcurl.4.dylib",
#else
        "libcurl.so.4", "libcurl-gnutls.so.4",
#endif
    };
    void *library = loader_open("VIT_CONVERT_CURL", names, sizeof names / sizeof *names);
    if (!library) {
        const char *reason = dlerror();
        snprintf(
            problem, sizeof problem,
            "reading https:// and http:// needs libcurl (apt-get install libcurl4), which cannot be loaded: %s",
            reason ? reason : "it is not there");
        return;
    }
#define FUNCTION(field, symbol) \
    curl.field = (__typeof__(curl.field))dlsym(library, symbol); \
    if (!curl.field && !problem[0]) snprintf(problem, sizeof problem, "libcurl has no function %s", symbol);
    FUNCTION(global_init, "curl_global_init")
    FUNCTION(version, "curl_version")
    FUNCTION(init, "curl_easy_init")
    FUNCTION(cleanup, "curl_easy_cleanup")
    FUNCTION(reset, "curl_easy_reset")
    FUNCTION(setopt, "curl_easy_setopt")
    FUNCTION(perform, "curl_easy_perform")
    FUNCTION(getinfo, "curl_easy_getinfo")
    FUNCTION(error, "curl_easy_strerror")
    FUNCTION(append, "curl_slist_append")
    FUNCTION(free_list, "curl_slist_free_all")
#undef FUNCTION
    if (!problem[0] && curl.global_init(GLOBAL_DEFAULT) != 0) {
        snprintf(problem, sizeof problem, "libcurl cannot be initialised");
    }
}

const char *http_problem(void) {
    pthread_once(&once, load);
    return problem[0] ? problem : NULL;
}

const struct curl_library *curl_library(void) { return http_problem() ? NULL : &curl; }

const char *http_version(void) {
    const struct curl_library *library = curl_library();
    return library ? library->version() : NULL;
}
