/*
 * gallery: all messages of all flows as pages that a browser opens from disk, without a network: index.html, and a file
 * for each e-mail.
 */
#ifndef WORKERS_RENDER_GALLERY_H
#define WORKERS_RENDER_GALLERY_H

#include <stdbool.h>

#include "base/err.h"
#include "workers/render/preview.h"

/* Makes the folder when it is not there, and replaces what an earlier gallery left in it. A message that cannot be
 * rendered is shown with its error. False + err: a file cannot be written. */
bool gallery_write(struct preview *preview, const char *dir, struct err *err);

#endif
