/* The limit for any client: sends requests over keep-alive connections, reads the responses and throws them away.
   discard HOST PORT STREAMS REQUESTS FILE: FILE holds the bytes of one request. One epoll loop, one thread.
   A response's end is known only by the last bytes of a read ("0\r\n\r\n"), which is all that it looks at.
   Prints: bytes, wall ns, user ns, system ns. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char request[1 << 20], room[1 << 18];

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long ns(struct timeval t) { return t.tv_sec * 1000000000LL + t.tv_usec * 1000LL; }

int main(int argc, char **argv) {
    if (argc != 6) return 2;
    int streams = atoi(argv[3]), left = atoi(argv[4]), open = 0, one = 1;
    FILE *file = fopen(argv[5], "rb");
    if (!file) return 2;
    size_t size = fread(request, 1, sizeof request, file);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((unsigned short) atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &at.sin_addr);
    int poll = epoll_create1(0);
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    long long start = now(), bytes = 0;
    for (int i = 0; i < streams && left > 0; i++, left--, open++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (connect(fd, (struct sockaddr *) &at, sizeof at) || send(fd, request, size, 0) != (ssize_t) size) return 1;
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    }
    while (open > 0) {
        struct epoll_event ready[128];
        int n = epoll_wait(poll, ready, 128, 10000);
        if (n <= 0) return 1;
        for (int i = 0; i < n; i++) {
            ssize_t got = recv(ready[i].data.fd, room, sizeof room, MSG_DONTWAIT);
            if (got <= 0) return 1;
            bytes += got;
            if (got < 5 || memcmp(room + got - 5, "0\r\n\r\n", 5)) continue;
            if (left > 0) {
                left--;
                if (send(ready[i].data.fd, request, size, 0) != (ssize_t) size) return 1;
            } else {
                close(ready[i].data.fd);
                open--;
            }
        }
    }
    long long wall = now() - start;
    getrusage(RUSAGE_SELF, &after);
    printf("%lld %lld %lld %lld\n", bytes, wall, ns(after.ru_utime) - ns(before.ru_utime),
           ns(after.ru_stime) - ns(before.ru_stime));
    return 0;
}
