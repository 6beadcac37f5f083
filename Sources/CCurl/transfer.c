#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CCurl.h"
#include "library.h"

// Of curl/curl.h.
enum {
    LOW_SPEED_LIMIT = 19,
    LOW_SPEED_TIME = 20,
    CONNECTTIMEOUT = 78,
    NOSIGNAL = 99,
    PROTOCOLS = 181,
    WRITEDATA = 10001,
    URL = 10002,
    RANGE = 10007,
    ERRORBUFFER = 10010,
    USERAGENT = 10018,
    HTTPHEADER = 10023,
    HEADERDATA = 10029,
    CAINFO = 10065,
    CAPATH = 10097,
    PROTOCOLS_STR = 10318,
    WRITEFUNCTION = 20011,
    HEADERFUNCTION = 20079,
};
enum { PROTOCOL_HTTP = 1, PROTOCOL_HTTPS = 2 };
enum { RESPONSE_CODE = 0x200000 + 2, REDIRECT_URL = 0x100000 + 31 };
enum { ERROR_SIZE = 256, SLOWEST = 100 };

void *http_open(void) {
    const struct curl_library *curl = curl_library();
    return curl ? curl->init() : NULL;
}

void http_close(void *connection) {
    const struct curl_library *curl = curl_library();
    if (curl && connection) curl->cleanup(connection);
}

static http_ending ending_of(int code) {
    switch (code) {
    case 0: return HTTP_DONE;
    case 23: return HTTP_STOPPED;  // a sink took less
    case 16:  // HTTP/2 framing
    case 18:  // less than was promised
    case 52:  // an empty answer
    case 55:  // sending
    case 56:  // receiving
    case 92:  // an HTTP/2 stream
        return HTTP_LOST;
    case 28: return HTTP_STALLED;
    default: return HTTP_FAILED;
    }
}

// The curl command heeds these; the library by itself does not.
static void set_authorities(const struct curl_library *curl, void *handle) {
    const char *file = getenv("CURL_CA_BUNDLE");
    if (!file || !*file) file = getenv("SSL_CERT_FILE");
    if (file && *file) curl->setopt(handle, CAINFO, file);
    const char *folder = getenv("SSL_CERT_DIR");
    if (folder && *folder) curl->setopt(handle, CAPATH, folder);
}

static void *set_request(const struct curl_library *curl, void *handle, const http_request *request) {
    curl->setopt(handle, URL, request->url);
    if (curl->setopt(handle, PROTOCOLS_STR, "http,https") != 0) {  // before 7.85
        curl->setopt(handle, PROTOCOLS, (long)(PROTOCOL_HTTP | PROTOCOL_HTTPS));
    }
    curl->setopt(handle, RANGE, request->range);
    curl->setopt(handle, USERAGENT, request->user_agent);
    curl->setopt(handle, NOSIGNAL, 1L);
    curl->setopt(handle, CONNECTTIMEOUT, request->connect_seconds);
    curl->setopt(handle, LOW_SPEED_LIMIT, (long)SLOWEST);
    curl->setopt(handle, LOW_SPEED_TIME, request->stall_seconds);
    curl->setopt(handle, HEADERFUNCTION, request->head);
    curl->setopt(handle, HEADERDATA, request->context);
    curl->setopt(handle, WRITEFUNCTION, request->body);
    curl->setopt(handle, WRITEDATA, request->context);
    set_authorities(curl, handle);
    if (!request->if_range) return NULL;
    size_t size = strlen(request->if_range) + sizeof "If-Range: ";
    char *line = malloc(size);
    if (!line) return NULL;
    snprintf(line, size, "If-Range: %s", request->if_range);
    void *lines = curl->append(NULL, line);
    free(line);
    curl->setopt(handle, HTTPHEADER, lines);
    return lines;
}

// A connection that the server has closed is an error of the transfer, and no signal to the process.
static int perform(const struct curl_library *curl, void *handle) {
    sigset_t pipe, before, pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    int was_pending = sigismember(&pending, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    int code = curl->perform(handle);
    sigpending(&pending);
    int signal = 0;
    if (!was_pending && sigismember(&pending, SIGPIPE)) sigwait(&pipe, &signal);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

void http_get(void *handle, const http_request *request, http_result *result) {
    *result = (http_result){.ending = HTTP_FAILED};
    const struct curl_library *curl = curl_library();
    if (!curl || !handle) return;
    char message[ERROR_SIZE] = "";
    curl->reset(handle);
    curl->setopt(handle, ERRORBUFFER, message);
    void *lines = set_request(curl, handle, request);
    int code = perform(curl, handle);
    result->ending = ending_of(code);
    curl->getinfo(handle, RESPONSE_CODE, &result->status);
    char *redirect = NULL;
    curl->getinfo(handle, REDIRECT_URL, &redirect);
    result->redirect = redirect;
    if (code != 0) {
        snprintf(result->message, sizeof result->message, "%s", message[0] ? message : curl->error(code));
    }
    curl->setopt(handle, ERRORBUFFER, NULL);
    curl->setopt(handle, HTTPHEADER, NULL);
    curl->free_list(lines);
}
