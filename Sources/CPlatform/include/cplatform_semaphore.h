// A GNU extension that the overlay leaves out: a timed wait on the monotonic clock.
#ifndef CPLATFORM_SEMAPHORE_H
#define CPLATFORM_SEMAPHORE_H

#include <semaphore.h>
#include <stdint.h>

/// Waits on `semaphore` until `nanoseconds` on CLOCK_MONOTONIC; 0, or the errno.
int cplatform_semaphore_wait_until(sem_t *semaphore, int64_t nanoseconds);

#endif
