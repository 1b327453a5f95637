#include "base/fold.h"

#include <string.h>

void fold_print(FILE *to, size_t at, const char *text)
{
    size_t column = at;

    while (*text) {
        size_t len = strcspn(text, " ");

        if (column > at && column + 1 + len > FOLD_WIDTH) {
            fprintf(to, "\n%*s", (int)at, "");
            column = at;
        } else if (column > at) {
            fputc(' ', to);
            column++;
        }
        fwrite(text, 1, len, to);
        column += len;
        text += len;
        text += strspn(text, " ");
    }
    fputc('\n', to);
}
