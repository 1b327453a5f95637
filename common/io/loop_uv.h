/*
 * loop_uv: the libuv loop behind a struct loop, for the files of io that hand sockets to it. Nobody else includes it.
 */
#ifndef IO_LOOP_UV_H
#define IO_LOOP_UV_H

#include "io/loop.h"

struct uv_loop_s;

struct uv_loop_s *loop_uv(struct loop *loop);

#endif
