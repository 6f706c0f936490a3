// Sockets and readiness: calls that take structures which Swift cannot spell safely.
#ifndef CPLATFORM_SOCKET_H
#define CPLATFORM_SOCKET_H

#include <stddef.h>
#include <stdint.h>

/// A numeric address ("" when the family is unknown) and port.
struct cplatform_address {
    char host[64];
    uint16_t port;
};

/// One readiness report: the token given at registration and the EPOLL* bits.
struct cplatform_event {
    uint64_t token;
    uint32_t bits;
};

/// Resolves host (a name or number) and listens. Returns the descriptor, non-blocking and
/// close-on-exec, or -1 with *call naming what failed; then *resolution is getaddrinfo's code or 0,
/// and errno is set when it is 0.
int cplatform_listen(const char *host, uint16_t port, int backlog, const char **call, int *resolution);

/// The local address of a socket.
void cplatform_local_address(int fd, struct cplatform_address *address);

/// accept4, non-blocking, close-on-exec, with TCP_NODELAY; EINTR is retried.
int cplatform_accept(int fd, struct cplatform_address *peer);

/// Connects to a numeric address, blocking; for clients such as a health check and tests.
int cplatform_connect(const char *host, uint16_t port);

/// Sends up to two runs of bytes with one call, never raising SIGPIPE; EINTR is retried.
ptrdiff_t cplatform_send(int fd, const void *first, size_t first_count, const void *second,
                         size_t second_count);

/// recv; EINTR is retried.
ptrdiff_t cplatform_receive(int fd, void *buffer, size_t count);

/// Makes the next close send RST instead of FIN.
void cplatform_reset_on_close(int fd);

/// Receive and send time limits for a blocking socket.
void cplatform_set_timeout(int fd, int milliseconds);

/// epoll_ctl with a token; operation 0 adds, 1 modifies, 2 removes.
int cplatform_epoll_control(int epoll, int operation, int fd, uint32_t bits, uint64_t token);

/// epoll_wait into events; EINTR counts as no event.
int cplatform_epoll_wait(int epoll, struct cplatform_event *events, int count, int milliseconds);

/// The soft limit of open descriptors.
uint64_t cplatform_descriptor_limit(void);

#endif
