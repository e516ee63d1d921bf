/* The limit for any client: sends requests over keep-alive connections, reads the responses and throws them away.

   epoll_loop HOST PORT STREAMS SIZE FILE STAMPS STEP [OUT]

   FILE holds the requests, SIZE bytes each. STAMPS: none (recv and nothing else), clock (the clock after each
   read) or kernel (recvmsg with SO_TIMESTAMPNS). STEP: ns from one stream's first request to the next one's.
   With OUT, output events ("content":"x) are looked for and each gets the stamp of its read; OUT gets int64 per
   request, in the order of FILE: sent, end, number of stamps, stamps, all in ns of CLOCK_MONOTONIC. One epoll
   loop, one thread; nothing is parsed: a response's end is known only by the last bytes of a read ("0\r\n\r\n").

   Prints reads, polls, wall ns, user ns, system ns, of the whole and then of the steady part: all streams have had
   three reads on average, none has ended. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { NONE, CLOCK, KERNEL };

struct reply {
    int64_t sent, end, count, room, *stamps;
};
struct conn {
    int fd;
    struct reply *reply;
};
struct mark {
    int64_t reads, polls, wall, user, system;
};

static char room[1 << 18], control[128];
static int64_t offset, reads, polls;

static int64_t now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int64_t ns(struct timeval t) { return t.tv_sec * 1000000000LL + t.tv_usec * 1000LL; }

static int fail(const char *why) {
    fprintf(stderr, "epoll_loop: %s\n", why);
    return 1;
}

static struct mark mark(void) {
    struct rusage used;
    getrusage(RUSAGE_THREAD, &used);
    return (struct mark){reads, polls, now(CLOCK_MONOTONIC), ns(used.ru_utime), ns(used.ru_stime)};
}

/* One read; *stamp: when its last segment arrived, 0 without stamps. */
static ssize_t take(int fd, int stamps, int64_t *stamp) {
    if (stamps != KERNEL) {
        ssize_t got = recv(fd, room, sizeof room, MSG_DONTWAIT);
        *stamp = stamps == CLOCK ? now(CLOCK_MONOTONIC) : 0;
        return got;
    }
    struct iovec piece = {room, sizeof room};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT);
    *stamp = 0;
    for (struct cmsghdr *c = got > 0 ? CMSG_FIRSTHDR(&message) : NULL; c; c = CMSG_NXTHDR(&message, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec t;
            memcpy(&t, CMSG_DATA(c), sizeof t);
            *stamp = t.tv_sec * 1000000000LL + t.tv_nsec - offset;
        }
    if (!*stamp) *stamp = now(CLOCK_MONOTONIC);
    return got;
}

/* Output events among the bytes just read: non-empty contents. */
static int events_in(size_t size) {
    static const char key[] = "\"content\":\"";
    const size_t length = sizeof key - 1;
    int found = 0;
    const char *at = room, *end = room + size;
    while ((at = memmem(at, (size_t) (end - at), key, length))) {
        at += length;
        found += at < end && *at != '"';
    }
    return found;
}

static int note(struct reply *reply, int64_t stamp, int times) {
    while (times-- > 0) {
        if (reply->count == reply->room) {
            reply->room = reply->room ? reply->room * 2 : 256;
            reply->stamps = realloc(reply->stamps, (size_t) reply->room * sizeof(int64_t));
            if (!reply->stamps) return 0;
        }
        reply->stamps[reply->count++] = stamp;
    }
    return 1;
}

static int ask(struct conn *conn, struct reply *reply, const char *request, size_t size) {
    conn->reply = reply;
    reply->sent = now(CLOCK_MONOTONIC);
    return send(conn->fd, request, size, 0) == (ssize_t) size;
}

static char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) return NULL;
    *size = (size_t) ftell(file);
    rewind(file);
    char *text = malloc(*size);
    return text && fread(text, 1, *size, file) == *size && !fclose(file) ? text : NULL;
}

static int write_out(const char *path, const struct reply *replies, size_t total) {
    FILE *out = fopen(path, "wb");
    for (size_t i = 0; out && i < total; i++) {
        fwrite(&replies[i], sizeof(int64_t), 3, out);
        fwrite(replies[i].stamps, sizeof(int64_t), (size_t) replies[i].count, out);
    }
    return out && !fclose(out);
}

static void print_between(const struct mark *from, const struct mark *to) {
    printf("%lld %lld %lld %lld %lld\n", (long long) (to->reads - from->reads), (long long) (to->polls - from->polls),
           (long long) (to->wall - from->wall), (long long) (to->user - from->user),
           (long long) (to->system - from->system));
}

int main(int argc, char **argv) {
    if (argc < 8) return fail("HOST PORT STREAMS SIZE FILE STAMPS STEP [OUT]");
    const int streams = atoi(argv[3]), one = 1;
    const size_t size = (size_t) atol(argv[4]);
    const int stamps = !strcmp(argv[6], "kernel") ? KERNEL : !strcmp(argv[6], "clock") ? CLOCK : NONE;
    const int64_t step = atoll(argv[7]);
    const char *out = argc > 8 ? argv[8] : NULL;
    size_t length = 0, next = 0;
    char *requests = read_file(argv[5], &length);
    const size_t total = size ? length / size : 0;
    struct reply *replies = calloc(total, sizeof *replies);
    struct conn *conns = calloc((size_t) streams, sizeof *conns);
    if (!requests || !replies || !conns || (size_t) streams > total)
        return fail("FILE must hold a request for each stream, of SIZE bytes each");
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((unsigned short) atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &at.sin_addr);
    const int poll = epoll_create1(0);
    offset = now(CLOCK_REALTIME) - now(CLOCK_MONOTONIC);
    for (int i = 0; i < streams; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &conns[i]};
        int fd = conns[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (stamps == KERNEL) setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
        if (connect(fd, (struct sockaddr *) &at, sizeof at) || epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event))
            return fail("a connection cannot be opened");
    }
    const struct mark start = mark();
    struct mark steady = {0}, over = {0};
    for (int i = 0; i < streams; i++, next++) {
        while (now(CLOCK_MONOTONIC) < start.wall + i * step) {}
        if (!ask(&conns[i], &replies[next], requests + next * size, size)) return fail("a request cannot be sent");
    }
    for (size_t ended = 0; ended < total;) {
        struct epoll_event ready[128];
        const int n = epoll_wait(poll, ready, 128, 10000);
        if (n <= 0) return fail("no response came for 10 s: was one complete without our seeing its end?");
        polls++;
        for (int i = 0; i < n; i++) {
            struct conn *conn = ready[i].data.ptr;
            int64_t stamp;
            const ssize_t got = take(conn->fd, stamps, &stamp);
            if (got <= 0) return fail("a connection ended within a response");
            reads++;
            if (stamps != NONE && !note(conn->reply, stamp, out ? events_in((size_t) got) : 1))
                return fail("no memory");
            if (got < 5 || memcmp(room + got - 5, "0\r\n\r\n", 5)) continue;
            conn->reply->end = stamp;
            if (!ended++) over = mark();
            if (next < total) {
                if (!ask(conn, &replies[next], requests + next * size, size)) return fail("a request cannot be sent");
                next++;
            } else {
                close(conn->fd);
            }
        }
        if (!steady.wall && reads >= 3LL * streams) steady = mark();
    }
    const struct mark end = mark();
    if (out && !write_out(out, replies, total)) return fail("the stamps cannot be written");
    if (!steady.wall) steady = over;
    print_between(&start, &end);
    print_between(&steady, &over);
    return 0;
}
