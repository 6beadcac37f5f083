// The seam for reading over HTTP: libcurl, found at run time on first use, by its soname.
#ifndef VIT_CONVERT_CCURL_H
#define VIT_CONVERT_CCURL_H

#include <stddef.h>

/// Takes `size` · `count` bytes and gives how many it took; any other number ends the transfer.
typedef size_t (*http_sink)(char *bytes, size_t size, size_t count, void *context);

/// A GET of one address. Redirects are told, not followed.
typedef struct {
    const char *url;
    /// `0-16383`; null for the whole.
    const char *range;
    /// The value of If-Range; null for none.
    const char *if_range;
    const char *user_agent;
    /// How long to wait for a connection, and for less than 100 bytes a second.
    long connect_seconds, stall_seconds;
    /// Is handed the lines of the head, then the body.
    http_sink head, body;
    void *context;
} http_request;

typedef enum {
    HTTP_DONE,
    /// The sink took less than it was given.
    HTTP_STOPPED,
    /// The connection was there, and broke off.
    HTTP_LOST,
    HTTP_STALLED,
    HTTP_FAILED,
} http_ending;

typedef struct {
    http_ending ending;
    /// Of the answer, 0 where there is none.
    long status;
    /// Where the answer leads, as a whole address; null for nowhere. Valid until the connection's next use.
    const char *redirect;
    /// Why it failed.
    char message[256];
} http_result;

/// Why the library cannot be used; null when it is there. Asking loads it: the one that VIT_CONVERT_CURL names, else
/// libcurl.
const char *http_problem(void);

/// The versions of the library and of what it uses; null where there is none.
const char *http_version(void);

/// Keeps connections to servers open between requests; null without a library or memory. For one thread at a time.
void *http_open(void);
void http_close(void *connection);

/// Only http and https, with the server's certificate proved; proxies as the environment says.
void http_get(void *connection, const http_request *request, http_result *result);

#endif
