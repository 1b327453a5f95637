/*
 * pack: a folder of templates as one file, for where a folder cannot be had: a ConfigMap.
 */
#ifndef WORKERS_TEMPLATES_PACK_H
#define WORKERS_TEMPLATES_PACK_H

/* Writes the checked templates of `dir` to stdout. Exit status: 1 when they are not fit (what is wrong goes to stderr). */
int pack_run(const char *dir);

#endif
