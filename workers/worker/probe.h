/*
 * probe: asks a running worker whether it is alive, for container health checks that have neither shell nor curl.
 */
#ifndef WORKERS_WORKER_PROBE_H
#define WORKERS_WORKER_PROBE_H

/* GET `path` at HTTP_LISTEN, within 2 s. Exit status: 0 answered 200, 1 not (one line on stderr says what). */
int probe_run(const char *path);

#endif
