#define _GNU_SOURCE
#include "cplatform_semaphore.h"

#include <errno.h>
#include <time.h>

int cplatform_semaphore_wait_until(sem_t *semaphore, int64_t nanoseconds) {
    struct timespec deadline = {
        .tv_sec = (time_t)(nanoseconds / 1000000000),
        .tv_nsec = (long)(nanoseconds % 1000000000),
    };
    return sem_clockwait(semaphore, CLOCK_MONOTONIC, &deadline) == 0 ? 0 : errno;
}
