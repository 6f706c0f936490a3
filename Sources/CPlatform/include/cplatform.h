// The few Linux calls that Swift's Glibc overlay does not import.
#ifndef CPLATFORM_H
#define CPLATFORM_H

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include "cplatform_socket.h"

/// Names the calling thread (15 bytes at most; longer names are cut).
void cplatform_set_thread_name(const char *name);

/// Returns free memory of the C library's allocator to the system, where it can.
void cplatform_return_free_memory(void);

#endif
