/*
 * fault_server: an HTTP server of plain sockets on a loopback port, in a thread of its own, that fails in exactly
 * the way the path of a request asks for. It counts what it received, so that a test can tell "left once" from "left twice".
 *
 *     /ok            201 with headers and a small body; the connection is kept
 *     /echo          200, the request itself (head and body) as the body
 *     /silent        reads the request, never answers          /continue      100 Continue, then never anything
 *     /close         reads the request and closes              /half          half a status line, then closes
 *     /reset         reads the request and resets              /garbage       no HTTP at all, then closes
 *     /stall         201 and a part of the body, then silence  /cut           201 and a part of the body, then closes
 *     /early         429 as soon as the head is there, then resets, the body unread
 *     /interim       103 with a header, then 200               /many          200 with more headers than anyone needs
 *     /big           200 with 100 KiB of body                  /redirect      302
 *     /second        like /ok for the first request of a connection, like /close for the next
 *     /second-reset  the same with a reset
 *     /together/N    answers 200 when N such requests wait, all at once
 */
#ifndef SUPPORT_FAULT_SERVER_H
#define SUPPORT_FAULT_SERVER_H

struct fault_server;

struct fault_server *fault_server_start(void);
void fault_server_stop(struct fault_server *server);
int fault_server_port(const struct fault_server *server);

/* Requests with that path whose head and body were received whole. */
int fault_server_count(struct fault_server *server, const char *path);
/* Connections accepted so far. */
int fault_server_connections(struct fault_server *server);

#endif
