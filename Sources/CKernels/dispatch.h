// One function, compiled for each generation of vector units; the dynamic loader picks one at start-up.
#ifndef VIT_CONVERT_DISPATCH_H
#define VIT_CONVERT_DISPATCH_H

#if defined(__x86_64__) && defined(__ELF__) && defined(__linux__)
#include <features.h>
#endif
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define KERNEL_WITHOUT_CLONES
#endif
#endif

// Needs ifuncs, hence ELF and glibc, and no thread sanitizer, which is not ready when the loader picks.
// Elsewhere (AArch64, macOS) the baseline has what is needed.
#if defined(__x86_64__) && defined(__ELF__) && defined(__GLIBC__) && !defined(KERNEL_WITHOUT_CLONES)
#define KERNEL __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define KERNEL
#endif

#define INLINE static inline __attribute__((always_inline))

#endif
