/*
 * temp_dir: a fresh folder for one test, removed with everything in it. Ends the program when that cannot be done.
 */
#ifndef SUPPORT_TEMP_DIR_H
#define SUPPORT_TEMP_DIR_H

/* Short enough for the path of a unix socket in it. The caller owns the text: temp_dir_destroy(). */
char *temp_dir_create(void);
void temp_dir_destroy(char *dir);

/* "dir/name"; the caller frees it. */
char *temp_dir_path(const char *dir, const char *name);
/* Writes a whole file; folders on the way are made. */
void temp_dir_write(const char *dir, const char *name, const char *content);
/* Copies the files below `from` (text, as those of templates) to below `dir`, which is made. */
void temp_dir_copy(const char *dir, const char *from);

#endif
