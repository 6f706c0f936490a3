// What a thread does while it waits for nanoseconds.
#ifndef CPLATFORM_SPIN_H
#define CPLATFORM_SPIN_H

/// Tells the processor that this is a spin loop, so that a sibling thread gets its units.
static inline void cplatform_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

#endif
