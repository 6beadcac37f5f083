// Tells ThreadSanitizer of Swift's Mutex where several threads wait for it.
//
// Where nobody waits, Mutex takes and gives back its lock in code that is compiled into ours, which the sanitizer
// sees. Where somebody does, the Swift runtime has the kernel do it, unseen, and the sanitizer takes what the lock
// protects for raced for. This library, loaded before the runtime (`LD_PRELOAD`), stands between the two.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

// Not there in programs that know nothing of the sanitizer, which the tests start as well.
__attribute__((weak)) void __tsan_acquire(void *);
__attribute__((weak)) void __tsan_release(void *);

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *mutex

typedef SWIFT void lock_slowly(uint32_t thread, SELF);
typedef SWIFT void unlock_slowly(SELF);

SWIFT void mutex_lock_slowly(uint32_t thread, SELF) __asm__("$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
SWIFT void mutex_unlock_slowly(SELF) __asm__("$s15Synchronization12_MutexHandleV11_unlockSlowyyF");

SWIFT void mutex_lock_slowly(uint32_t thread, SELF) {
    lock_slowly *next = (lock_slowly *)dlsym(RTLD_NEXT, "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
    next(thread, mutex);
    if (__tsan_acquire) __tsan_acquire(mutex);
}

SWIFT void mutex_unlock_slowly(SELF) {
    unlock_slowly *next = (unlock_slowly *)dlsym(RTLD_NEXT, "$s15Synchronization12_MutexHandleV11_unlockSlowyyF");
    if (__tsan_release) __tsan_release(mutex);
    next(mutex);
}
