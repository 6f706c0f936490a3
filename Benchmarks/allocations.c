// Counts what the bench's threads allocate: preloaded into `quiver bench`, it prints the number of calls of
// malloc and its kin on threads named quiver-bench-*. The number must not grow with the number of batches.
// Benchmarks/allocations runs it.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static atomic_long count;
static _Thread_local int is_counted;  // 0 not known yet, 1 yes, -1 no
static _Thread_local int calls;

static void note(void) {
    // A thread gets its name soon after it starts.
    if (is_counted == 0 || (is_counted < 0 && calls++ < 16)) {
        char name[16] = "";
        prctl(PR_GET_NAME, name);
        is_counted = strncmp(name, "quiver-bench", 12) == 0 ? 1 : -1;
    }
    if (is_counted > 0) atomic_fetch_add(&count, 1);
}

void *malloc(size_t size) {
    note();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    note();
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
    note();
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
    note();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    note();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    note();
    *result = __libc_memalign(alignment, size);
    return *result ? 0 : 12;
}

__attribute__((destructor)) static void report(void) {
    fprintf(stderr, "allocations: %ld\n", atomic_load(&count));
}
