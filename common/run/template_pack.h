/*
 * template_pack: a folder of templates as one run of bytes, and back, so that a version can be handed from worker to
 * worker, or lie in one file where folders cannot be (a ConfigMap). Notes (*.md) are left out; samples stay, since what
 * is checked against them must come out the same.
 *
 * "perkline templates 1\n", then for each file "<bytes of path> <bytes of text>\n", path, text.
 */
#ifndef RUN_TEMPLATE_PACK_H
#define RUN_TEMPLATE_PACK_H

#include "base/buf.h"
#include "base/err.h"
#include "base/file_tree.h"

void template_pack_format(const struct file_tree *tree, struct buf *out);
/* The same; the caller owns the bytes. */
struct slice template_pack_take(const struct file_tree *tree);
/* The caller owns the tree. NULL + err: no pack, or one that is cut or not well made. */
struct file_tree *template_pack_parse(struct slice pack, struct err *err);

#define TEMPLATE_PACK_FILE "templates.pack"

/* The templates of a folder: its files, and those in its TEMPLATE_PACK_FILE when there is one. A file that is in both is
 * an error. The caller owns the tree; NULL + err. */
struct file_tree *template_pack_read(const char *dir, struct err *err);

#endif
