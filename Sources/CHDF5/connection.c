#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

// How a child process begins, is talked to, and ends.

// MARK: In the child

enum { CONNECTION = 3, SOURCE = 4, FIRST_UNUSED = 5 };

static void close_from(int first) {
#if defined(SYS_close_range)
    if (syscall(SYS_close_range, first, ~0u, 0) == 0) return;
#endif
    struct rlimit limit;
    rlim_t end = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536 ? limit.rlim_cur : 65536;
    for (int descriptor = first; descriptor < (int)end; descriptor++) close(descriptor);
}

// Keeps the connection and the file, and says nothing: the allocator writes of what it finds amiss.
static bool keep_descriptors(const hdf5_source *source, int connection) {
    int nothing = open("/dev/null", O_RDWR);
    // Copies above those that are about to be taken.
    connection = fcntl(connection, F_DUPFD, FIRST_UNUSED);
    int file = source->memory ? nothing : fcntl(source->descriptor, F_DUPFD, FIRST_UNUSED);
    nothing = fcntl(nothing, F_DUPFD, FIRST_UNUSED);
    if (nothing < 0 || connection < 0 || file < 0) return false;
    for (int standard = 0; standard < 3; standard++) dup2(nothing, standard);
    if (dup2(connection, CONNECTION) < 0 || dup2(file, SOURCE) < 0) return false;
    close_from(FIRST_UNUSED);
    return true;
}

// A signal that this process catches or ignores must end the child.
static void forget_handlers(void) {
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void run(const hdf5_source *source, int connection, pid_t parent, bool is_from_main) {
    forget_handlers();
#if defined(__linux__)
    // The signal comes when the thread ends that made the copy: only the main one ends with its process. Other
    // children see the end of the connection.
    if (is_from_main) prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_DUMPABLE, 0);
#endif
    (void)is_from_main;
    if (getppid() != parent || !keep_descriptors(source, connection)) _exit(1);
    hdf5_source kept = *source;
    kept.descriptor = SOURCE;
    hdf5_limit(source->size);
    hdf5_serve(&kept, CONNECTION);
    _exit(0);
}

// MARK: In this process

static bool connect_both(int ends[2]) {
#if defined(SOCK_CLOEXEC)
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0;
#else
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return false;
    for (int end = 0; end < 2; end++) fcntl(ends[end], F_SETFD, FD_CLOEXEC);
    int is_set = 1;
    setsockopt(ends[0], SOL_SOCKET, SO_NOSIGPIPE, &is_set, sizeof is_set);
    return true;
#endif
}

static bool is_main_thread(void) {
#if defined(__linux__)
    return syscall(SYS_gettid) == getpid();
#else
    return true;
#endif
}

bool hdf5_start(const hdf5_source *source, hdf5_child *child) {
    int ends[2];
    if (!connect_both(ends)) return false;
    pid_t parent = getpid();
    bool is_from_main = is_main_thread();
    // No handler of this process may run in the copy.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t process = fork();
    if (process == 0) run(source, ends[1], parent, is_from_main);
    int code = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (process > 0) {
        *child = (hdf5_child){process, ends[0]};
        return true;
    }
    close(ends[0]);
    errno = code;
    return false;
}

int hdf5_end(const hdf5_child *child) {
    int status = 0;
    pid_t found;
    close(child->connection);
    // Until it has been waited for, its number is no other process's. One that has begun to die keeps its reason.
    while ((found = waitpid(child->process, &status, WNOHANG)) < 0 && errno == EINTR) {}
    if (found == 0) {
        kill(child->process, SIGKILL);
        while ((found = waitpid(child->process, &status, 0)) < 0 && errno == EINTR) {}
    }
    return found == child->process && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0
#endif

bool hdf5_send(const hdf5_child *child, const void *bytes, size_t count) {
    for (size_t done = 0; done < count;) {
        ssize_t sent = send(child->connection, (const char *)bytes + done, count - done, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        done += (size_t)sent;
    }
    return true;
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

hdf5_receipt hdf5_receive(const hdf5_child *child, void *buffer, size_t count, int64_t milliseconds) {
    int64_t end = now() + milliseconds;
    for (size_t done = 0; done < count;) {
        int64_t left = end - now();
        if (left <= 0) return HDF5_TIMED_OUT;
        struct pollfd wait = {.fd = child->connection, .events = POLLIN};
        int ready = poll(&wait, 1, left < 1000000 ? (int)left : 1000000);
        if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
        if (ready < 0) return HDF5_ENDED;
        ssize_t got = recv(child->connection, (char *)buffer + done, count - done, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return HDF5_ENDED;
        done += (size_t)got;
    }
    return HDF5_RECEIVED;
}
