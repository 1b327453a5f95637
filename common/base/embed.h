/*
 * embed: files of the source tree as bytes in the binary (Lua scripts, the inbox page), so that one file is the
 * whole program.
 *
 *     EMBED_FILE(begin_lua, "common/run/scripts/begin.lua")
 *
 * declares `begin_lua_data[]` (NUL-terminated) and `begin_lua_len()`. The path is relative to the repository root,
 * where the compiler runs; the Makefile knows the dependency by the .lua and .html files it lists.
 */
#ifndef BASE_EMBED_H
#define BASE_EMBED_H

#include <stddef.h>

#define EMBED_FILE(name, path)                                                                     \
    __asm__(".pushsection .rodata\n"                                                               \
            ".balign 16\n" #name "_data:\n"                                                        \
            ".incbin \"" path "\"\n" #name "_end:\n"                                               \
            ".byte 0\n"                                                                            \
            ".popsection\n");                                                                      \
    extern const char name##_data[];                                                               \
    extern const char name##_end[];                                                                \
    __attribute__((unused)) static inline size_t name##_len(void)                                  \
    {                                                                                              \
        return (size_t)(name##_end - name##_data);                                                 \
    }

#endif
