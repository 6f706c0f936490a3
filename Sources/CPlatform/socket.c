#define _GNU_SOURCE
#include "cplatform_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

static void describe(const struct sockaddr_storage *from, struct cplatform_address *to) {
    memset(to, 0, sizeof *to);
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
        inet_ntop(AF_INET, &v4->sin_addr, to->host, sizeof to->host);
        to->port = ntohs(v4->sin_port);
    } else if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], to->host, sizeof to->host);
        } else {
            inet_ntop(AF_INET6, &v6->sin6_addr, to->host, sizeof to->host);
        }
        to->port = ntohs(v6->sin6_port);
    }
}

static struct addrinfo *resolve(const char *host, uint16_t port, int flags, int *code) {
    char service[8];
    snprintf(service, sizeof service, "%u", (unsigned)port);
    struct addrinfo hints;
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    struct addrinfo *found = NULL;
    *code = getaddrinfo(host, service, &hints, &found);
    return *code == 0 ? found : NULL;
}

int cplatform_listen(const char *host, uint16_t port, int backlog, const char **call, int *resolution) {
    *call = "getaddrinfo";
    struct addrinfo *found = resolve(host, port, AI_PASSIVE, resolution);
    if (found == NULL) return -1;
    *call = "socket";
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        int on = 1, off = 0;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (found->ai_family == AF_INET6) {
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
        }
        *call = "bind";
        int status = bind(fd, found->ai_addr, found->ai_addrlen);
        if (status == 0) {
            *call = "listen";
            status = listen(fd, backlog);
        }
        if (status != 0) {
            int error = errno;
            close(fd);
            errno = error;
            fd = -1;
        }
    }
    int error = errno;
    freeaddrinfo(found);
    errno = error;
    return fd;
}

void cplatform_local_address(int fd, struct cplatform_address *address) {
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    memset(&storage, 0, sizeof storage);
    getsockname(fd, (struct sockaddr *)&storage, &length);
    describe(&storage, address);
}

int cplatform_accept(int fd, struct cplatform_address *peer) {
    struct sockaddr_storage storage;
    int accepted;
    do {
        socklen_t length = sizeof storage;
        memset(&storage, 0, sizeof storage);
        accepted = accept4(fd, (struct sockaddr *)&storage, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (accepted < 0 && errno == EINTR);
    if (accepted >= 0) {
        int on = 1;
        setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        describe(&storage, peer);
    }
    return accepted;
}

int cplatform_connect(const char *host, uint16_t port) {
    int code;
    struct addrinfo *found = resolve(host, port, 0, &code);
    if (found == NULL) {
        errno = EHOSTUNREACH;
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        fd = -1;
    }
    int error = errno;
    freeaddrinfo(found);
    if (fd >= 0) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    errno = error;
    return fd;
}

ptrdiff_t cplatform_send(int fd, const void *first, size_t first_count, const void *second,
                         size_t second_count) {
    ptrdiff_t sent;
    if (second_count == 0) {
        do {
            sent = send(fd, first, first_count, MSG_NOSIGNAL);
        } while (sent < 0 && errno == EINTR);
        return sent;
    }
    struct iovec runs[2] = {{(void *)first, first_count}, {(void *)second, second_count}};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = first_count > 0 ? runs : runs + 1;
    message.msg_iovlen = (first_count > 0) + (second_count > 0);
    do {
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

ptrdiff_t cplatform_receive(int fd, void *buffer, size_t count) {
    ptrdiff_t received;
    do {
        received = recv(fd, buffer, count, 0);
    } while (received < 0 && errno == EINTR);
    return received;
}

void cplatform_reset_on_close(int fd) {
    struct linger linger = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

void cplatform_set_timeout(int fd, int milliseconds) {
    struct timeval limit = {milliseconds / 1000, (milliseconds % 1000) * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

int cplatform_epoll_control(int epoll, int operation, int fd, uint32_t bits, uint64_t token) {
    static const int operations[] = {EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL};
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.events = bits;
    event.data.u64 = token;
    return epoll_ctl(epoll, operations[operation], fd, &event);
}

int cplatform_epoll_wait(int epoll, struct cplatform_event *events, int count, int milliseconds) {
    enum { most = 256 };
    struct epoll_event found[most];
    int number = epoll_wait(epoll, found, count < most ? count : most, milliseconds);
    if (number < 0) return errno == EINTR ? 0 : -1;
    for (int index = 0; index < number; index++) {
        events[index].token = found[index].data.u64;
        events[index].bits = found[index].events;
    }
    return number;
}

uint64_t cplatform_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
    return limit.rlim_cur;
}
