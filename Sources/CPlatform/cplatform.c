#define _GNU_SOURCE
#include "cplatform.h"

#include <malloc.h>
#include <pthread.h>
#include <string.h>

void cplatform_set_thread_name(const char *name) {
    char buffer[16] = {0};
    strncpy(buffer, name, sizeof buffer - 1);
    pthread_setname_np(pthread_self(), buffer);
}

void cplatform_return_free_memory(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
